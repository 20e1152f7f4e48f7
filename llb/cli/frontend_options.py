"""Turn the frontend options of ``llb build`` into a frontend and its attributes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.buildkit_names import OCI_SCHEME
from llb.cli.standard_streams import STANDARD_STREAM
from llb.errors import InputError

with lazy_imports(__name__):
    from llb.client import dockerfile  # 2 ms
    from llb.client.export import oci_layout  # 5 ms
    from llb.client.registry_auth import docker_config  # 6 ms
    from llb.client.session import uploads  # 2 ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb import State
    from llb.client.dockerfile import Network
    from llb.client.session.uploads import Upload
    from llb.gateway.server import Function

DOCKERFILE = "dockerfile.v0"
CONTEXT = "context"

_SIZE = re.compile(r"([0-9]+)\s*(?:([kmgt])i?b?|b)?\Z", re.IGNORECASE)
_ULIMIT = re.compile(r"([a-z]+)=(-?[0-9]+)(?::(-?[0-9]+))?\Z")
_REMOTE = re.compile(r"(docker-image|https?|git|ssh)://|git@|target:|input:")
_BUILD = "build"
_REQUEST = "frontend."
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_EPOCH = "SOURCE_DATE_EPOCH"


@frozen
class FrontendOptions:
    """The frontend options as click parses them."""

    dockerfile: str | None
    frontend: str | None
    evaluate_here: bool
    opt: dict[str, str]
    target: str | None
    platforms: tuple[str, ...]
    build_args: dict[str, str]
    contexts: dict[str, str]
    labels: dict[str, str]
    no_cache_stages: tuple[str, ...]
    pull: bool
    hosts: tuple[str, ...]
    network: str | None
    shm_size: str | None
    ulimits: tuple[str, ...]
    cgroup_parent: str | None
    attests: tuple[str, ...]
    provenance: str | None
    sbom: str | None
    call: str | None
    check: bool

    @property
    def platform_names(self) -> tuple[str, ...]:
        """The names of all platforms, since one option may name several."""
        return tuple(name for names in self.platforms for name in names.split(","))

    def set_flags(self) -> Iterator[str]:
        """Yield the flags that are set, as spelled on the command line."""
        values = {
            "--evaluate-here": self.evaluate_here,
            "--opt": self.opt,
            "--target": self.target,
            "--platform": self.platforms,
            "--build-arg": self.build_args,
            "--build-context": self.contexts,
            "--label": self.labels,
            "--no-cache-filter": self.no_cache_stages,
            "--pull": self.pull,
            "--add-host": self.hosts,
            "--network": self.network,
            "--shm-size": self.shm_size,
            "--ulimit": self.ulimits,
            "--cgroup-parent": self.cgroup_parent,
            "--attest": self.attests,
            "--provenance": self.provenance,
            "--sbom": self.sbom,
            "--call": self.call,
            "--check": self.check,
        }
        return (option for option, value in values.items() if value)

    @property
    def request(self) -> str | None:
        """The id of the subrequest to send instead of a build, if any."""
        name = "check" if self.check else (self.call or _BUILD).partition(",")[0]
        if name == _BUILD:
            return None
        word = "lint" if name == "check" else name
        return word if word.startswith(_REQUEST) else _REQUEST + word

    @property
    def wants_json(self) -> bool:
        """Whether ``--call`` requests JSON."""
        return "format=json" in (self.call or "").split(",")[1:]


@frozen
class FrontendRequest:
    """A frontend, its attributes, and the local directories and layouts that they name.

    ``inputs`` are its named inputs. A ``function`` replaces the frontend and runs in this
    process.
    """

    frontend: str
    attrs: dict[str, str]
    local_dirs: dict[str, str]
    layouts: dict[str, str]
    uploads: tuple[Upload, ...] = ()
    inputs: Mapping[str, State] = field(factory=dict)
    function: Function | None = None


def to_request(
    options: FrontendOptions,
    source: str,
    *,
    no_cache: bool,
    environ: Mapping[str, str] = os.environ,
) -> FrontendRequest:
    """Build the request to a frontend. Raises UsageError, InvalidValueError and InputError."""
    file = Path(options.dockerfile) if options.dockerfile else Path(source) / "Dockerfile"
    local = {CONTEXT: source, "dockerfile": str(file.parent)}
    layouts: dict[str, str] = {}
    attrs = _environment_attrs(environ) | options.opt | _option_attrs(options, no_cache=no_cache)
    for name, value in options.contexts.items():
        attrs[f"context:{name}"] = _context_attr(name, value, local, layouts)
    frontend = options.frontend or DOCKERFILE
    if source == STANDARD_STREAM:
        return _archive_request(options, frontend, attrs, local, layouts)
    attrs.setdefault("filename", file.name)
    return FrontendRequest(frontend, attrs, local, layouts)


def _archive_request(
    options: FrontendOptions,
    frontend: str,
    attrs: dict[str, str],
    local: dict[str, str],
    layouts: dict[str, str],
) -> FrontendRequest:
    """Build the request for a context from standard input.

    Standard input holds either an archive with the Dockerfile, or the Dockerfile alone.
    """
    context = uploads.Upload(sys.stdin.buffer)
    named_contexts = {
        name: path for name, path in local.items() if name not in (CONTEXT, "dockerfile")
    }
    file = {"filename": options.dockerfile} if options.dockerfile else {}
    all_attrs = file | attrs | {CONTEXT: context.url}
    return FrontendRequest(frontend, all_attrs, named_contexts, layouts, (context,))


def _environment_attrs(environ: Mapping[str, str]) -> dict[str, str]:
    """Read implicit build args: SOURCE_DATE_EPOCH, as in buildctl, and Docker's proxies."""
    build_args = docker_config.DockerConfig.load(environ).proxies()
    if _EPOCH in environ:
        build_args[_EPOCH] = environ[_EPOCH]
    return {f"build-arg:{key}": value for key, value in build_args.items()}


def _option_attrs(flags: FrontendOptions, *, no_cache: bool) -> dict[str, str]:
    """Convert the options to frontend attributes; unset options add none."""
    options: dockerfile.DockerfileOptions = {
        "build_args": flags.build_args,
        "labels": flags.labels,
        "platforms": flags.platform_names,
        "no_cache": no_cache or flags.no_cache_stages,
        "pull": flags.pull,
        "hosts": dict(map(_parse_host, flags.hosts)),
        "ulimits": dict(map(_parse_ulimit, flags.ulimits)),
        "attests": dict(map(_parse_attest, flags.attests)),
    }
    if flags.target is not None:
        options["target"] = flags.target
    if flags.network is not None:
        options["network"] = cast("Network", flags.network)
    if flags.shm_size is not None:
        options["shm_size"] = _parse_size(flags.shm_size)
    if flags.cgroup_parent is not None:
        options["cgroup_parent"] = flags.cgroup_parent
    if flags.provenance is not None:
        options["provenance"] = _bool_or_string(flags.provenance)
    if flags.sbom is not None:
        options["sbom"] = _bool_or_string(flags.sbom)
    return dockerfile.dockerfile_attrs(**options)


def _context_attr(name: str, value: str, local: dict[str, str], layouts: dict[str, str]) -> str:
    """Build the attribute of a named context; register directories and layouts under names."""
    if value.startswith(OCI_SCHEME):
        store = f"layout{len(layouts)}"
        layouts[store], digest = _find_in_layout(value.removeprefix(OCI_SCHEME))
        return f"{OCI_SCHEME}{store}@{digest}"
    if _REMOTE.match(value):
        return value
    if not Path(value).is_dir():
        raise InputError(f"build context {name}: no such directory: {value}")
    local[name] = value
    return f"local:{name}"


def _find_in_layout(location: str) -> tuple[str, str]:
    """Resolve ``DIR``, ``DIR:TAG`` or ``DIR@DIGEST`` to folder and digest. Raises InputError."""
    folder, at, digest = location.partition("@")
    if at:
        return folder, digest
    head, colon, tag = location.rpartition(":")
    folder, tag = (head, tag) if colon and "/" not in tag else (location, "latest")
    descriptor = oci_layout.Layout(Path(folder)).find(tag)
    if descriptor is None:
        raise InputError(
            f"no tag {tag} in the OCI layout {folder}",
            hint=f"name another one: {OCI_SCHEME}{folder}:TAG or {OCI_SCHEME}{folder}@sha256:…",
        )
    return folder, str(descriptor.get("digest"))


def _parse_host(value: str) -> tuple[str, str]:
    name, separator, address = re.sub("[:=]", "\0", value, count=1).partition("\0")
    if not separator or not name or not address:
        raise click.UsageError(f"invalid --add-host {value!r}: expected NAME:IP")
    return name, address


def _parse_size(value: str) -> int:
    match = _SIZE.match(value.strip())
    if match is None:
        raise click.UsageError(f"invalid --shm-size {value!r}: expected a size such as 64m")
    return int(match[1]) << (10 * " kmgt".index((match[2] or " ").lower()))


def _parse_ulimit(value: str) -> tuple[str, int | tuple[int, int]]:
    match = _ULIMIT.match(value)
    if match is None:
        raise click.UsageError(f"invalid --ulimit {value!r}: expected NAME=SOFT[:HARD]")
    name, soft, hard = match.groups()
    return name, int(soft) if hard is None else (int(soft), int(hard))


def _parse_attest(value: str) -> tuple[str, str]:
    fields = value.split(",")
    kinds = [item.partition("=")[2] for item in fields if item.startswith("type=")]
    if len(kinds) != 1 or not kinds[0]:
        raise click.UsageError(f"invalid --attest {value!r}: expected type=KIND,key=value…")
    return kinds[0], ",".join(item for item in fields if not item.startswith("type="))


def _bool_or_string(value: str) -> bool | str:
    return value in _TRUE if value in (*_TRUE, *_FALSE) else value
