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
    _many("-o", "--output", "outputs", metavar="OUTPUT", help="Output: DIR, - or type=…,dest=…."),
    _many("-t", "--tag", "tags", metavar="NAME", help="Name of the image."),
    click.option("--push", is_flag=True, help="Push the image to its registry."),
    click.option("--load", is_flag=True, help="Load the image into Docker."),
    _many(
        "--annotation",
        "annotations",
        metavar="[KIND:]KEY=VALUE",
        help="Annotation of the image. KIND: manifest, index, manifest-descriptor or "
        "index-descriptor.",
    ),
    click.option("--metadata-file", type=_FILE, help="Write the result's metadata as JSON."),
    click.option("--iidfile", type=_FILE, help="Write the digest of the image."),
    click.option("--ref-file", type=_FILE, help="Write the build's reference."),
)
_GIVEN = (
    _mapping(
        "--local", "locals_", metavar="NAME=DIR", help="Local directory that the build may read."
    ),
    _mapping(
        "--oci-layout",
        "layouts",
        metavar="NAME=DIR",
        help="OCI layout for sources oci-layout://NAME.",
    ),
    _many(
        "--secret",
        "secrets",
        metavar="SECRET",
        help="Secret: id=ID,src=FILE or id=ID,env=NAME. With id alone: the variable or file ID.",
    ),
    _many("--ssh", metavar="AGENT", help="SSH agent: default, ID=SOCKET or ID=KEY."),
    _many(
        "--registry-auth-tlscontext",
        "registry_auth_tls",
        metavar="TLS",
        help="TLS files for a registry's token server: host=HOST,ca=FILE,cert=FILE,key=FILE.",
    ),
    _many(
        "--cache-from",
        "--import-cache",
        "cache_from",
        metavar="CACHE",
        help="Cache to import: an image reference or type=…,key=value….",
    ),
    _many(
        "--cache-to",
        "--export-cache",
        "cache_to",
        metavar="CACHE",
        help="Cache to export: type=registry,ref=…,mode=max, type=local,dest=… and others.",
    ),
    _many(
        "--allow", metavar="ENTITLEMENT", help="Allow network.host, security.insecure or device."
    ),
    click.option("--source-policy-file", type=_FILE, help="Source policy, as JSON."),
    click.option(
        "--proxy-network", is_flag=True, help="Limit the network of steps to the daemon's proxy."
    ),
    click.option("--no-cache", is_flag=True, help="Ignore the cache."),
)
_SHOWN = (
    click.option(
        "--progress",
        default="auto",
        metavar="KIND",
        help="Progress display: auto, plain, tty, rawjson, quiet or none.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print only the digest of the image."),
    click.option("--trace", type=_FILE, help="Append the build's events to a file, as JSON lines."),
    click.option(
        "--debug-json-cache-metrics",
        "cache_metrics",
        metavar="FILE",
        help="Write cache metrics to stdout, stderr or a file.",
    ),
)
_FRONTEND = (
    click.option(
        "-f",
        "--file",
        "dockerfile",
        metavar="FILE",
        help="Dockerfile or build file; - reads standard input.",
    ),
    click.option(
        "--frontend",
        metavar="NAME",
        help="Frontend: dockerfile.v0, or gateway.v0 with --opt source=IMAGE.",
    ),
    _mapping("--opt", metavar="KEY=VALUE", help="Option of the frontend."),
    click.option("--target", metavar="STAGE", help="Stage or target to build."),
    _many("--platform", "platforms", metavar="OS/ARCH", help="Platform to build for."),
    click.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="KEY[=VALUE]",
        callback=_arguments,
        help="Build argument. Without a value: from the environment.",
    ),
    _mapping(
        "--build-context",
        "contexts",
        metavar="NAME=VALUE",
        help="Named context: a directory, docker-image://…, oci-layout://DIR[:TAG] or a URL.",
    ),
    _mapping("--label", "labels", metavar="KEY=VALUE", help="Label of the image."),
    _many(
        "--no-cache-filter",
        "no_cache_stages",
        metavar="STAGE",
        help="Ignore the cache for a stage.",
    ),
    click.option("--pull", is_flag=True, help="Always check registries for newer base images."),
    _many("--add-host", "hosts", metavar="NAME:IP", help="Entry for /etc/hosts of steps."),
    click.option("--network", metavar="MODE", help="Network of steps: default, none or host."),
    click.option("--shm-size", metavar="SIZE", help="Size of /dev/shm in steps, for example 64m."),
    _many("--ulimit", "ulimits", metavar="NAME=SOFT[:HARD]", help="Ulimit of steps."),
    click.option("--cgroup-parent", metavar="GROUP", help="Parent cgroup of steps."),
    _many(
        "--attest",
        "attests",
        metavar="ATTEST",
        help="Attestation: type=sbom or type=provenance,key=value….",
    ),
    click.option(
        "--provenance", metavar="VALUE", help="Provenance attestation: true, false or mode=max."
    ),
    click.option(
        "--sbom", metavar="VALUE", help="SBOM attestation: true, false or generator=IMAGE."
    ),
    click.option(
        "--call",
        metavar="REQUEST",
        help="Send a request: check, outline or targets, with ,format=json for JSON.",
    ),
    click.option("--check", is_flag=True, help="Check the Dockerfile without a build."),
)


def building(command: F_) -> F_:
    """Add the options to the command, which takes them by their names."""
    for option in reversed((*_FRONTEND, *_RESULT, *_GIVEN, *_SHOWN)):
        command = option(command)
    return command
