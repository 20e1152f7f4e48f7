"""Turn the frontend options of ``llb build`` into a frontend and its attributes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

import click
from attrs import frozen

from llb.arguments.conversions import to_size
from llb.cli.standard_streams import STANDARD_STREAM
from llb.client.csv_fields import split_fields
from llb.client.image_build import values
from llb.client.image_build.request import to_frontend_request
from llb.client.image_build.resources import to_resources
from llb.client.key_values import FALSE, TRUE, parse_flag
from llb.errors import InvalidValueError
from llb.platforms import complete

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from llb.client.image_build.dockerfile import Network
    from llb.client.image_build.options import ImageBuildOptions
    from llb.client.image_build.request import FrontendRequest

_BUILD = "build"
_REQUEST = "frontend."


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
    resources: tuple[str, ...]
    attests: tuple[str, ...]
    provenance: str | None
    sbom: str | None
    call: str | None
    check: bool

    @property
    def platform_names(self) -> tuple[str, ...]:
        """The names of all platforms, since one option may name several.

        Without an option they are those of ``DOCKER_DEFAULT_PLATFORM``, as for Docker.
        """
        default = os.environ.get("DOCKER_DEFAULT_PLATFORM")
        options = self.platforms or ((default,) if default else ())
        return tuple(complete(name.strip()) for names in options for name in names.split(","))

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
            "--resource": self.resources,
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
        return "format=json" in self._call_fields

    @property
    def ignores_status(self) -> bool:
        """Whether ``--call`` exits with 0 whatever the answer is."""
        return any(f"ignorestatus={value}" in self._call_fields for value in TRUE)

    @property
    def _call_fields(self) -> list[str]:
        return (self.call or "").split(",")[1:]


def to_request(
    options: FrontendOptions,
    context: str | bytes | BinaryIO,
    *,
    no_cache: bool,
    local_dirs: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> FrontendRequest:
    """Build the request to a frontend. Raises UsageError, InvalidValueError and InputError.

    ``context`` is a directory or a URL; standard input is an archive, or a Dockerfile alone.
    """
    build_options = to_build_options(options, no_cache=no_cache)
    build_options["local_dirs"] = local_dirs or {}
    return to_frontend_request(context, build_options, environ)


def to_build_options(flags: FrontendOptions, *, no_cache: bool) -> ImageBuildOptions:
    """Convert the options to those of ``Client.build_image``. Raises UsageError."""
    is_piped = flags.dockerfile == STANDARD_STREAM
    try:
        return {
            "file": None if is_piped else flags.dockerfile,
            "dockerfile_inline": sys.stdin.buffer.read() if is_piped else None,
            "frontend": flags.frontend,
            "frontend_attrs": flags.opt,
            # A variable of a script that is empty is no value.
            "target": flags.target or None,
            "build_args": flags.build_args,
            "contexts": flags.contexts,
            "labels": flags.labels,
            "platforms": flags.platform_names,
            "no_cache": no_cache or flags.no_cache_stages,
            "pull": flags.pull,
            "network": cast("Network | None", flags.network or None),
            "extra_hosts": values.to_hosts(_hosts(flags.hosts), "--add-host"),
            "shm_size": _size(flags.shm_size),
            "ulimits": values.to_ulimits(flags.ulimits, "--ulimit"),
            "cgroup_parent": flags.cgroup_parent or None,
            "resources": to_resources(flags.resources, "--resource"),
            "attestations": _attestations(flags),
        }
    except InvalidValueError as error:
        raise click.UsageError(error.message) from error


def _hosts(options: Iterable[str]) -> Iterator[str]:
    """Split options with several hosts, as buildx does; an address alone belongs to its host."""
    for option in options:
        host = ""
        for part in split_fields(option, "--add-host"):
            if host and values.is_address(part):
                host += f",{part}"
                continue
            yield from filter(None, (host,))
            host = part
        yield host


def _size(size: str | None) -> int | None:
    return None if size is None else to_size(size, "--shm-size")


def _attestations(flags: FrontendOptions) -> dict[str, bool | str]:
    """Combine the options for attestations; as in buildx, the first one of a kind counts."""
    attestations: dict[str, bool | str] = {}
    for text in flags.attests:
        kind, parameters = _parse_attest(text)
        attestations.setdefault(kind, parameters)
    for kind, value in (("provenance", flags.provenance), ("sbom", flags.sbom)):
        if value:
            is_flag = value in (*TRUE, *FALSE)
            attestations.setdefault(kind, value in TRUE if is_flag else value)
    return attestations


def _parse_attest(text: str) -> tuple[str, bool | str]:
    """Parse ``type=KIND,key=value…``; with ``disabled=true`` there is no attestation."""
    fields: dict[str, str] = {}
    others = []
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if equals and key.strip().lower() in ("type", "disabled"):
            fields[key.strip().lower()] = value
        else:
            others.append(item)
    if not fields.get("type"):
        raise click.UsageError(f"invalid --attest {text!r}: expected type=KIND,key=value…")
    if parse_flag(fields.get("disabled", "false"), "disabled of --attest"):
        return fields["type"], False
    return fields["type"], ",".join(others)
