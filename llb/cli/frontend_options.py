"""What a frontend is told: the options of ``llb build`` that are attributes of a Dockerfile's."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from attrs import field, frozen

from llb.buildkit_names import OCI_SCHEME
from llb.cli.definition_source import STANDARD_INPUT
from llb.errors import InputError

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
    """The options as click gives them."""

    dockerfile: str | None
    frontend: str | None
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
    def each_platform(self) -> tuple[str, ...]:
        """The platforms one by one, as an option may name several."""
        return tuple(name for each in self.platforms for name in each.split(","))

    def given(self) -> Iterator[str]:
        """Yield the options that were given, as they are spelled."""
        values = {
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
        """What the frontend is asked instead of a build, in its own words."""
        name = "check" if self.check else (self.call or _BUILD).partition(",")[0]
        if name == _BUILD:
            return None
        word = "lint" if name == "check" else name
        return word if word.startswith(_REQUEST) else _REQUEST + word

    @property
    def wants_json(self) -> bool:
        """Whether the answer to the request is wanted as JSON."""
        return "format=json" in (self.call or "").split(",")[1:]


@frozen
class FrontendRequest:
    """A frontend, its attributes, and what they speak of on this machine.

    ``inputs`` are trees that it finds by name. With a ``function``, that is the frontend, and is
    run in this process.
    """

    frontend: str
    attrs: dict[str, str]
    local_dirs: dict[str, str]
    layouts: dict[str, str]
    uploads: tuple[Upload, ...] = ()
    inputs: Mapping[str, State] = field(factory=dict)
    function: Function | None = None


def to_request(
    given: FrontendOptions,
    source: str,
    *,
    no_cache: bool,
    environ: Mapping[str, str] = os.environ,
) -> FrontendRequest:
    """Return what is asked of a frontend. Raises UsageError, InvalidValueError and InputError."""
    file = Path(given.dockerfile) if given.dockerfile else Path(source) / "Dockerfile"
    local = {CONTEXT: source, "dockerfile": str(file.parent)}
    layouts: dict[str, str] = {}
    attrs = _of_environment(environ) | given.opt | _attributes(given, no_cache=no_cache)
    for name, value in given.contexts.items():
        attrs[f"context:{name}"] = _context(name, value, local, layouts)
    frontend = given.frontend or DOCKERFILE
    if source == STANDARD_INPUT:
        return _of_archive(given, frontend, attrs, local, layouts)
    attrs.setdefault("filename", file.name)
    return FrontendRequest(frontend, attrs, local, layouts)


def _of_archive(
    given: FrontendOptions,
    frontend: str,
    attrs: dict[str, str],
    local: dict[str, str],
    layouts: dict[str, str],
) -> FrontendRequest:
    """Return what is asked of a frontend whose context comes on standard input.

    The Dockerfile is in the archive, or all there is.
    """
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.session.uploads import Upload  # noqa: PLC0415

    context = Upload(sys.stdin.buffer)
    named = {name: path for name, path in local.items() if name not in (CONTEXT, "dockerfile")}
    file = {"filename": given.dockerfile} if given.dockerfile else {}
    asked = file | attrs | {CONTEXT: context.url}
    return FrontendRequest(frontend, asked, named, layouts, (context,))


def _of_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what nobody gave: the time that buildctl passes on, and the proxies of Docker."""
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.registry_auth.docker_config import DockerConfig  # noqa: PLC0415

    found = DockerConfig.load(environ).proxies()
    if _EPOCH in environ:
        found[_EPOCH] = environ[_EPOCH]
    return {f"build-arg:{key}": value for key, value in found.items()}


def _attributes(given: FrontendOptions, *, no_cache: bool) -> dict[str, str]:
    """Return the attributes of those options that were given."""
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.dockerfile import DockerfileOptions, dockerfile_attrs  # noqa: PLC0415

    options: DockerfileOptions = {
        "build_args": given.build_args,
        "labels": given.labels,
        "platforms": given.each_platform,
        "no_cache": no_cache or given.no_cache_stages,
        "pull": given.pull,
        "hosts": dict(map(_host, given.hosts)),
        "ulimits": dict(map(_ulimit, given.ulimits)),
        "attests": dict(map(_attest, given.attests)),
    }
    if given.target is not None:
        options["target"] = given.target
    if given.network is not None:
        options["network"] = cast("Network", given.network)
    if given.shm_size is not None:
        options["shm_size"] = _size(given.shm_size)
    if given.cgroup_parent is not None:
        options["cgroup_parent"] = given.cgroup_parent
    if given.provenance is not None:
        options["provenance"] = _flag_or_text(given.provenance)
    if given.sbom is not None:
        options["sbom"] = _flag_or_text(given.sbom)
    return dockerfile_attrs(**options)


def _context(name: str, value: str, local: dict[str, str], layouts: dict[str, str]) -> str:
    """Return the value of a context's attribute; directories and layouts are given names."""
    if value.startswith(OCI_SCHEME):
        store = f"layout{len(layouts)}"
        layouts[store], digest = _layout(value.removeprefix(OCI_SCHEME))
        return f"{OCI_SCHEME}{store}@{digest}"
    if _REMOTE.match(value):
        return value
    if not Path(value).is_dir():
        raise InputError(f"there is no directory {value} for the context {name}")
    local[name] = value
    return f"local:{name}"


def _layout(text: str) -> tuple[str, str]:
    """Return folder and digest of ``DIR``, ``DIR:TAG`` or ``DIR@DIGEST``. Raises InputError."""
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.export.oci_layout import Layout  # noqa: PLC0415

    folder, at, digest = text.partition("@")
    if at:
        return folder, digest
    head, colon, tag = text.rpartition(":")
    folder, tag = (head, tag) if colon and "/" not in tag else (text, "latest")
    found = Layout(Path(folder)).find(tag)
    if found is None:
        raise InputError(
            f"there is no {tag} in the OCI layout {folder}",
            hint=f"name another with {OCI_SCHEME}{folder}:TAG, or {OCI_SCHEME}{folder}@sha256:…",
        )
    return folder, str(found.get("digest"))


def _host(text: str) -> tuple[str, str]:
    name, separator, address = re.sub("[:=]", "\0", text, count=1).partition("\0")
    if not separator or not name or not address:
        raise click.UsageError(f"--add-host takes NAME:IP, not {text!r}")
    return name, address


def _size(text: str) -> int:
    match = _SIZE.match(text.strip())
    if match is None:
        raise click.UsageError(f"--shm-size takes a size as 64m, not {text!r}")
    return int(match[1]) << (10 * " kmgt".index((match[2] or " ").lower()))


def _ulimit(text: str) -> tuple[str, int | tuple[int, int]]:
    match = _ULIMIT.match(text)
    if match is None:
        raise click.UsageError(f"--ulimit takes NAME=SOFT[:HARD], not {text!r}")
    name, soft, hard = match.groups()
    return name, int(soft) if hard is None else (int(soft), int(hard))


def _attest(text: str) -> tuple[str, str]:
    fields = text.split(",")
    kinds = [each.partition("=")[2] for each in fields if each.startswith("type=")]
    if len(kinds) != 1 or not kinds[0]:
        raise click.UsageError(f"--attest takes type=KIND,key=value…, not {text!r}")
    return kinds[0], ",".join(each for each in fields if not each.startswith("type="))


def _flag_or_text(text: str) -> bool | str:
    return text in _TRUE if text in (*_TRUE, *_FALSE) else text
