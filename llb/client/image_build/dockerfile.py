"""Options of the Dockerfile frontend as typed arguments, converted to its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from llb.arguments.checked import checked
from llb.client.image_build import resources
from llb.platforms import Platform, to_platform
from llb.state.step_options import check_keys
from llb.validation import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

ATTRIBUTES = (
    *("target", "platform", "filename", "no-cache", "image-resolve-mode", "add-hosts"),
    *("force-network-mode", "shm-size", "ulimit", "cgroup-parent", "hostname", "multi-platform"),
    *("cache-imports", "cache-from", "context", "contextkey", "contextsubdir", "dockerfilekey"),
    *("source", "cmdline", "requestid", "frontend.caps", "override-copy-image"),
    *("build-arg:", "label:", "context:", "input:", "input-metadata:", "local-sessionid:"),
    *("attest:", "vcs:"),
    *resources.ATTRIBUTES.values(),
)
"""The attributes of ``dockerfile.v0``; those with a colon are prefixes (frontend/dockerui)."""

Network: TypeAlias = Literal["default", "none", "host"]

_NETWORKS: Mapping[str, str] = {"default": "sandbox", "none": "none", "host": "host"}


class DockerfileOptions(TypedDict, total=False):
    """Options of a Dockerfile build.

    ``target`` is the stage to build, by default the last one. ``platforms`` are the platforms to
    build for; ``build_args`` and ``labels`` are mappings. ``no_cache`` ignores the cache for all
    steps, or for those of the named stages. ``pull`` asks registries even for images that the
    daemon has. ``hosts`` maps host names to addresses. ``network`` is the network mode of all
    steps, ``shm_size`` the size of /dev/shm in bytes. ``ulimits`` maps names to a limit, or to a
    soft and a hard limit. ``provenance`` and ``sbom`` add these attestations if true, or with the
    given parameters (``mode=max``); ``attests`` maps further kinds of attestations to their
    parameters.
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


@checked(options=DockerfileOptions)
def dockerfile_attrs(**options: Unpack[DockerfileOptions]) -> dict[str, str]:
    """Build the attributes of ``dockerfile.v0`` for ``Client.solve(frontend_attrs=…)``.

    Raises InvalidValueError, and TypeError for an unknown option.

    >>> dockerfile_attrs(target="test", build_args={"VERSION": "3"}, no_cache=True)
    {'build-arg:VERSION': '3', 'target': 'test', 'no-cache': ''}
    """
    check_keys(options, DockerfileOptions.__optional_keys__)
    attests = dict(options.get("attests", {}))
    for kind in ("provenance", "sbom"):
        parameters = options.get(kind)
        if parameters is False:
            attests.pop(kind, None)
        elif parameters is not None:
            attests[kind] = parameters if isinstance(parameters, str) else ""
    no_cache = options.get("no_cache", False)
    stages = () if isinstance(no_cache, bool) else no_cache
    values = {
        "target": options.get("target", ""),
        "platform": ",".join(
            str(to_platform(platform)) for platform in options.get("platforms", ())
        ),
        "no-cache": ",".join(stages),
        "image-resolve-mode": "pull" if options.get("pull", False) else "",
        "add-hosts": ",".join(
            f"{host}={address}"
            for host, addresses in options.get("hosts", {}).items()
            for address in addresses.split(",")
        ),
        "force-network-mode": _NETWORKS[options["network"]] if "network" in options else "",
        "shm-size": str(check_limit(options["shm_size"], "shm_size"))
        if "shm_size" in options
        else "",
        "ulimit": ",".join(f"{k}={_limit(v)}" for k, v in options.get("ulimits", {}).items()),
        "cgroup-parent": options.get("cgroup_parent", ""),
    }
    return {
        **{f"build-arg:{key}": value for key, value in options.get("build_args", {}).items()},
        **{f"label:{key}": value for key, value in options.get("labels", {}).items()},
        **{key: value for key, value in values.items() if value},
        **({"no-cache": ""} if no_cache is True else {}),
        **{f"attest:{kind}": attest_parameters for kind, attest_parameters in attests.items()},
    }


def _limit(limit: int | tuple[int, int]) -> str:
    return str(limit) if isinstance(limit, int) else ":".join(map(str, limit))
