"""What a Dockerfile's frontend is told, as arguments with types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from llb.errors import InvalidValueError
from llb.platforms import Platform, to_platform
from llb.state.step_options import check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

Network: TypeAlias = Literal["default", "none", "host"]

_NETWORKS: Mapping[str, str] = {"default": "sandbox", "none": "none", "host": "host"}


class DockerfileOptions(TypedDict, total=False):
    """What the build of a Dockerfile can be told, with what it is when it is not given.

    ``target`` is a stage, by itself the last one. ``platforms`` are those to build for,
    ``build_args`` and ``labels`` mappings. ``no_cache`` runs all steps anew, or those of some
    stages. ``pull`` asks registries for images that the daemon has. ``hosts`` maps names to
    addresses, ``network`` is that of all steps, ``shm_size`` the size of /dev/shm in bytes,
    ``ulimits`` maps names to a limit, or to a soft and a hard one. ``provenance`` and ``sbom``
    are made, or not, or as their parameters say (``mode=max``), ``attests`` maps kinds of
    attestations to their parameters.
    """

    target: str
    platforms: Iterable[Platform | str]
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    no_cache: bool | Iterable[str]
    pull: bool
    hosts: Mapping[str, str]
    network: Network
    shm_size: int
    ulimits: Mapping[str, int | tuple[int, int]]
    cgroup_parent: str
    attests: Mapping[str, str]
    provenance: bool | str
    sbom: bool | str


def dockerfile_attrs(**options: Unpack[DockerfileOptions]) -> dict[str, str]:
    """Return the attributes of ``dockerfile.v0`` for ``Client.solve(frontend_attrs=…)``.

    Raises InvalidValueError, and TypeError for an option that there is not.

    >>> dockerfile_attrs(target="test", build_args={"VERSION": "3"}, no_cache=True)
    {'build-arg:VERSION': '3', 'target': 'test', 'no-cache': ''}
    """
    check_keys(options, DockerfileOptions.__optional_keys__)
    attests = dict(options.get("attests", {}))
    for kind in ("provenance", "sbom"):
        given = options.get(kind)
        if given is False:
            attests.pop(kind, None)
        elif given is not None:
            attests[kind] = given if isinstance(given, str) else ""
    no_cache = options.get("no_cache", False)
    stages = () if isinstance(no_cache, bool) else no_cache
    values = {
        "target": options.get("target", ""),
        "platform": ",".join(str(to_platform(each)) for each in options.get("platforms", ())),
        "no-cache": ",".join(stages),
        "image-resolve-mode": "pull" if options.get("pull", False) else "",
        "add-hosts": ",".join(f"{k}={v}" for k, v in options.get("hosts", {}).items()),
        "force-network-mode": _network(options["network"]) if "network" in options else "",
        "shm-size": str(options["shm_size"]) if "shm_size" in options else "",
        "ulimit": ",".join(f"{k}={_limit(v)}" for k, v in options.get("ulimits", {}).items()),
        "cgroup-parent": options.get("cgroup_parent", ""),
    }
    return {
        **{f"build-arg:{key}": value for key, value in options.get("build_args", {}).items()},
        **{f"label:{key}": value for key, value in options.get("labels", {}).items()},
        **{key: value for key, value in values.items() if value},
        **({"no-cache": ""} if no_cache is True else {}),
        **{f"attest:{kind}": text for kind, text in attests.items()},
    }


def _network(name: str) -> str:
    if name not in _NETWORKS:
        raise InvalidValueError(f"unknown network {name!r}: expected {', '.join(_NETWORKS)}")
    return _NETWORKS[name]


def _limit(limit: int | tuple[int, int]) -> str:
    return str(limit) if isinstance(limit, int) else ":".join(map(str, limit))
