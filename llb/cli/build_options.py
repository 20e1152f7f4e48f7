"""The options of ``llb build``, in groups.

docs/cli-flags.md compares them with the flags of other tools.
"""

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
    """Parse repeated KEY=VALUE options. Raises BadParameter."""
    mapping = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is malformed: expected {parameter.metavar}")
        mapping[key] = text
    return mapping


def _build_args(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse build arguments; the environment supplies missing values.

    An argument without a value that is not in the environment either is dropped.
    """
    defined = [value for value in values if "=" in value or value in os.environ]
    complete = tuple(arg if "=" in arg else f"{arg}={os.environ[arg]}" for arg in defined)
    return pairs(context, parameter, complete)


def _repeatable(*names: str, metavar: str, help: str) -> Callable[[F_], F_]:  # noqa: A002 - click's word
    return click.option(*names, multiple=True, metavar=metavar, help=help)


def _key_value(*names: str, metavar: str, help: str) -> Callable[[F_], F_]:  # noqa: A002 - as above
    return click.option(*names, multiple=True, metavar=metavar, callback=pairs, help=help)


_RESULT_OPTIONS = (
    _repeatable(
        "-o", "--output", "outputs", metavar="OUTPUT", help="Output: DIR, - or type=…,dest=…."
    ),
    _repeatable("-t", "--tag", "tags", metavar="NAME", help="Name of the image."),
    click.option("--push", is_flag=True, help="Push the image to its registry."),
    click.option("--load", is_flag=True, help="Load the image into Docker."),
    _repeatable(
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
_INPUT_OPTIONS = (
    _key_value(
        "--local", "locals_", metavar="NAME=DIR", help="Local directory that the build may read."
    ),
    _key_value(
        "--oci-layout",
        "layouts",
        metavar="NAME=DIR",
        help="OCI layout for sources oci-layout://NAME.",
    ),
    _repeatable(
        "--secret",
        "secrets",
        metavar="SECRET",
        help="Secret: id=ID,src=FILE or id=ID,env=NAME. With id alone: the variable or file ID.",
    ),
    _repeatable("--ssh", metavar="AGENT", help="SSH agent: default, ID=SOCKET or ID=KEY."),
    _repeatable(
        "--registry-auth-tlscontext",
        "registry_auth_tls",
        metavar="TLS",
        help="TLS files for a registry's token server: host=HOST,ca=FILE,cert=FILE,key=FILE.",
    ),
    _repeatable(
        "--cache-from",
        "--import-cache",
        "cache_from",
        metavar="CACHE",
        help="Cache to import: an image reference or type=…,key=value….",
    ),
    _repeatable(
        "--cache-to",
        "--export-cache",
        "cache_to",
        metavar="CACHE",
        help="Cache to export: type=registry,ref=…,mode=max, type=local,dest=… and others.",
    ),
    _repeatable(
        "--allow", metavar="ENTITLEMENT", help="Allow network.host, security.insecure or device."
    ),
    click.option("--source-policy-file", type=_FILE, help="Source policy, as JSON."),
    click.option(
        "--proxy-network", is_flag=True, help="Limit the network of steps to the daemon's proxy."
    ),
    click.option("--no-cache", is_flag=True, help="Ignore the cache."),
)
_DISPLAY_OPTIONS = (
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
_FRONTEND_OPTIONS = (
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
    click.option(
        "--evaluate-here",
        is_flag=True,
        help="Evaluate the file in this process, not in the frontend's image that it names.",
    ),
    _key_value("--opt", metavar="KEY=VALUE", help="Option of the frontend."),
    click.option("--target", metavar="STAGE", help="Stage or target to build."),
    _repeatable("--platform", "platforms", metavar="OS/ARCH", help="Platform to build for."),
    click.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="KEY[=VALUE]",
        callback=_build_args,
        help="Build argument. Without a value: from the environment.",
    ),
    _key_value(
        "--build-context",
        "contexts",
        metavar="NAME=VALUE",
        help="Named context: a directory, docker-image://…, oci-layout://DIR[:TAG] or a URL.",
    ),
    _key_value("--label", "labels", metavar="KEY=VALUE", help="Label of the image."),
    _repeatable(
        "--no-cache-filter",
        "no_cache_stages",
        metavar="STAGE",
        help="Ignore the cache for a stage.",
    ),
    click.option("--pull", is_flag=True, help="Always check registries for newer base images."),
    _repeatable("--add-host", "hosts", metavar="NAME:IP", help="Entry for /etc/hosts of steps."),
    click.option("--network", metavar="MODE", help="Network of steps: default, none or host."),
    click.option("--shm-size", metavar="SIZE", help="Size of /dev/shm in steps, for example 64m."),
    _repeatable("--ulimit", "ulimits", metavar="NAME=SOFT[:HARD]", help="Ulimit of steps."),
    click.option("--cgroup-parent", metavar="GROUP", help="Parent cgroup of steps."),
    _repeatable(
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
        help="Send a subrequest: check, outline or targets, with ,format=json for JSON.",
    ),
    click.option("--check", is_flag=True, help="Check the Dockerfile without a build."),
)


def with_build_options(command: F_) -> F_:
    """Decorate a command with the options of ``llb build``, passed as keyword arguments."""
    for option in reversed(
        (*_FRONTEND_OPTIONS, *_RESULT_OPTIONS, *_INPUT_OPTIONS, *_DISPLAY_OPTIONS)
    ):
        command = option(command)
    return command
