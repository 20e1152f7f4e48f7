"""The options of ``llb build``, in groups; docs/cli-flags.md has those of others beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)


def pairs(
    context: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> dict[str, str]:
    """Return repeated KEY=VALUE options as a mapping. Raises BadParameter."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is no {parameter.metavar}")
        found[key] = rest
    return found


def _arguments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Return build arguments; one without a value has that of the environment, if there is one."""
    given = [value for value in values if "=" in value or value in os.environ]
    full = tuple(each if "=" in each else f"{each}={os.environ[each]}" for each in given)
    return pairs(context, parameter, full)


def _many(*names: str, metavar: str, help: str) -> Callable[[F_], F_]:  # noqa: A002 - click's word
    return click.option(*names, multiple=True, metavar=metavar, help=help)


def _mapping(*names: str, metavar: str, help: str) -> Callable[[F_], F_]:  # noqa: A002 - as above
    return click.option(*names, multiple=True, metavar=metavar, callback=pairs, help=help)


_RESULT = (
    _many("-o", "--output", "outputs", metavar="OUTPUT", help="DIR, -, or type=…,dest=…."),
    _many("-t", "--tag", "tags", metavar="NAME", help="A name of the image."),
    click.option("--push", is_flag=True, help="Push the image to the registries of its names."),
    click.option("--load", is_flag=True, help="Give the image to Docker, as `docker load` does."),
    _many(
        "--annotation",
        "annotations",
        metavar="[KIND:]KEY=VALUE",
        help="An annotation of the image; KIND is manifest, index, or a descriptor of one.",
    ),
    click.option("--metadata-file", type=_FILE, help="JSON of the result."),
    click.option("--iidfile", type=_FILE, help="The digest of the image."),
    click.option("--ref-file", type=_FILE, help="The name of the build in the history."),
)
_GIVEN = (
    _mapping("--local", "locals_", metavar="NAME=DIR", help="A directory."),
    _mapping(
        "--oci-layout",
        "layouts",
        metavar="NAME=DIR",
        help="An OCI layout, for sources oci-layout://NAME.",
    ),
    _many(
        "--secret",
        "secrets",
        metavar="SECRET",
        help="id=ID, from src=FILE or env=NAME; without either the variable or the file ID.",
    ),
    _many("--ssh", metavar="AGENT", help="default, ID=SOCKET or ID=KEY: an ssh agent."),
    _many(
        "--registry-auth-tlscontext",
        "registry_auth_tls",
        metavar="TLS",
        help="host=HOST,ca=FILE,cert=FILE,key=FILE: for the token server of a registry.",
    ),
    _many(
        "--cache-from",
        "--import-cache",
        "cache_from",
        metavar="CACHE",
        help="A reference, or type=…,key=value….",
    ),
    _many(
        "--cache-to",
        "--export-cache",
        "cache_to",
        metavar="CACHE",
        help="type=registry,ref=…,mode=max, type=local,dest=… and others.",
    ),
    _many("--allow", metavar="WHAT", help="network.host, security.insecure or device."),
    click.option("--source-policy-file", type=_FILE, help="JSON: the sources it may use."),
    click.option("--proxy-network", is_flag=True, help="Have steps use the daemon's proxy alone."),
    click.option("--no-cache", is_flag=True, help="Run every step anew."),
)
_SHOWN = (
    click.option(
        "--progress",
        default="auto",
        metavar="KIND",
        help="auto, plain, tty, rawjson, quiet; none also leaves the last lines out.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print the digest of the image alone."),
    click.option("--trace", type=_FILE, help="A file that what happens is added to, as JSON."),
    click.option(
        "--debug-json-cache-metrics",
        "cache_metrics",
        metavar="FILE",
        help="Where to count what came from the cache: stdout, stderr, or a file.",
    ),
)
_FRONTEND = (
    click.option(
        "-f",
        "--file",
        "dockerfile",
        metavar="FILE",
        help="The Dockerfile to build; - is standard input.",
    ),
    click.option(
        "--frontend", metavar="NAME", help="dockerfile.v0, or gateway.v0 with --opt source=…."
    ),
    _mapping("--opt", metavar="KEY=VALUE", help="A frontend's option."),
    click.option("--target", metavar="STAGE", help="The stage of a Dockerfile to build."),
    _many("--platform", "platforms", metavar="OS/ARCH", help="The platform to build for."),
    click.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="KEY[=VALUE]",
        callback=_arguments,
        help="A build argument of a Dockerfile; without a value that of the environment.",
    ),
    _mapping(
        "--build-context",
        "contexts",
        metavar="NAME=VALUE",
        help="A context: a directory, docker-image://…, oci-layout://DIR[:TAG], a URL.",
    ),
    _mapping(
        "--label", "labels", metavar="KEY=VALUE", help="A label of the image of a Dockerfile."
    ),
    _many(
        "--no-cache-filter", "no_cache_stages", metavar="STAGE", help="Run a stage's steps anew."
    ),
    click.option("--pull", is_flag=True, help="Ask registries for images that are here already."),
    _many("--add-host", "hosts", metavar="NAME:IP", help="A host that steps know by name."),
    click.option("--network", metavar="MODE", help="default, none or host, for all steps."),
    click.option("--shm-size", metavar="SIZE", help="How large /dev/shm of steps is: 64m."),
    _many("--ulimit", "ulimits", metavar="NAME=SOFT[:HARD]", help="A limit of processes."),
    click.option("--cgroup-parent", metavar="GROUP", help="The control group of steps."),
    _many("--attest", "attests", metavar="ATTEST", help="type=sbom or provenance, key=value…."),
    click.option("--provenance", metavar="VALUE", help="true, false, or mode=max: as --attest."),
    click.option("--sbom", metavar="VALUE", help="true, false, or generator=…: as --attest."),
    click.option(
        "--call",
        metavar="REQUEST",
        help="Print what the frontend says: check, outline, targets; ,format=json for JSON.",
    ),
    click.option("--check", is_flag=True, help="Print what a Dockerfile's checks find."),
)


def building(command: F_) -> F_:
    """Add the options to the command, which takes them by their names."""
    for option in reversed((*_FRONTEND, *_RESULT, *_GIVEN, *_SHOWN)):
        command = option(command)
    return command
