"""The options of ``llb build``, in sections.

docs/cli-flags.md compares them with the flags of other tools.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llb.cli.completions import DISPLAYS, PLATFORMS, stages, words
from llb.cli.sections import Section
from llb.client.image_build.resources import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Callable

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)


_BUILD_ARG = "build-arg:"


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


def _frontend_options(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse frontend options; as in buildctl, ``build-arg:NAME`` is one from the environment."""
    complete = []
    for value in values:
        name = value.removeprefix(_BUILD_ARG)
        if name in ("", value) or "=" in value:
            complete.append(value)
        elif name in os.environ:
            complete.append(f"{value}={os.environ[name]}")
    return pairs(context, parameter, tuple(complete))


def labels(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse repeated KEY[=VALUE] options; a value that is missing is empty."""
    complete = tuple(value if "=" in value else f"{value}=" for value in values)
    return pairs(context, parameter, complete)


_INPUT = Section("Input")
_RESULT = Section("Result")
_CACHE = Section("Cache")
_STEPS = Section("Steps")
_DISPLAY = Section("Display and information")
# Options of the older docker build that have no effect in BuildKit, and a note for each, if any.
_WITHOUT_EFFECT = {
    "--compress": "",
    "--rm": "",
    "--force-rm": "",
    "--squash": "build the last stage from scratch, and copy into it",
}
_WITHOUT_EFFECT_VALUES = {
    "--isolation": "",
    "--security-opt": "use RUN --security=insecure",
}


def _ignored(
    context: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,
    value: object,
) -> None:
    """Warn of an option without effect if it would have changed the result."""
    notes = _WITHOUT_EFFECT | _WITHOUT_EFFECT_VALUES
    (name, *_) = parameter.opts
    if value and (notes[name] or name in _WITHOUT_EFFECT_VALUES):
        note = f": {notes[name]}" if notes[name] else ""
        click.echo(f"warning: {name} has no effect with BuildKit{note}", err=True)


_HIDDEN_OPTIONS = (
    *(
        _STEPS.option(*names, hidden=True)
        for names in (
            ("-m", "--memory"),
            ("--memory-swap",),
            ("-c", "--cpu-shares"),
            ("--cpu-period",),
            ("--cpu-quota",),
            ("--cpuset-cpus",),
            ("--cpuset-mems",),
        )
    ),
    *(
        _STEPS.option(name, is_flag=True, hidden=True, expose_value=False, callback=_ignored)
        for name in _WITHOUT_EFFECT
    ),
    *(
        _STEPS.repeatable(name, hidden=True, expose_value=False, callback=_ignored)
        for name in _WITHOUT_EFFECT_VALUES
    ),
)
_OPTIONS = (
    _INPUT.option(
        "-f",
        "--file",
        "dockerfile",
        metavar="FILE",
        type=click.Path(),
        help="Dockerfile, its URL, or build file; - reads standard input.",
    ),
    _INPUT.option(
        "--target", metavar="STAGE", shell_complete=stages, help="Stage or target to build."
    ),
    _INPUT.repeatable(
        "--platform",
        "platforms",
        metavar="OS/ARCH",
        shell_complete=words(*PLATFORMS),
        help="Platform to build for. Repeat it, or separate several with commas; the nodes of a "
        "builder share them.",
    ),
    _INPUT.repeatable(
        "--build-arg",
        "build_args",
        metavar="KEY[=VALUE]",
        callback=_build_args,
        help="Build argument. Without a value: from the environment.",
    ),
    _INPUT.repeatable(
        "--build-context",
        "contexts",
        metavar="NAME=VALUE",
        callback=pairs,
        help="Named context: a directory, docker-image://…, oci-layout://DIR[:TAG] or a URL.",
    ),
    _INPUT.option(
        "--frontend",
        metavar="NAME",
        shell_complete=words("dockerfile.v0", "gateway.v0"),
        help="Frontend: dockerfile.v0, or gateway.v0 with --opt source=IMAGE.",
    ),
    _INPUT.repeatable(
        "--opt",
        metavar="KEY=VALUE",
        callback=_frontend_options,
        help="Option of the frontend. build-arg:KEY without a value: from the environment.",
    ),
    _INPUT.option(
        "--evaluate-here",
        is_flag=True,
        help="Evaluate the file in this process, not in the frontend's image that it names.",
    ),
    _INPUT.repeatable(
        "--local",
        "locals_",
        metavar="NAME=DIR",
        callback=pairs,
        help="Local directory that the build may read.",
    ),
    _INPUT.repeatable(
        "--oci-layout",
        "layouts",
        metavar="NAME=DIR",
        callback=pairs,
        help="OCI layout for sources oci-layout://NAME.",
    ),
    _RESULT.repeatable(
        "-o",
        "--output",
        "outputs",
        metavar="OUTPUT",
        type=click.Path(),
        help="Where the result goes: DIR, - for an archive, or type=TYPE,dest=PATH with the types "
        "local, tar, oci, docker, image and registry.",
    ),
    _RESULT.repeatable("-t", "--tag", "tags", metavar="NAME", help="Name of the image."),
    _RESULT.option("--push", is_flag=True, help="Push the image to its registry."),
    _RESULT.option("--load", is_flag=True, help="Load the image into Docker."),
    _RESULT.repeatable(
        "--label", "labels", metavar="KEY[=VALUE]", callback=labels, help="Label of the image."
    ),
    _RESULT.repeatable(
        "--annotation",
        "annotations",
        metavar="[KIND:]KEY=VALUE",
        help="Annotation of the image. KIND: manifest, index, manifest-descriptor or "
        "index-descriptor.",
    ),
    _RESULT.repeatable(
        "--attest",
        "attests",
        metavar="ATTEST",
        help="Attestation: type=sbom or type=provenance,key=value….",
    ),
    _RESULT.option(
        "--provenance",
        metavar="VALUE",
        shell_complete=words("true", "false", "mode=max"),
        help="Provenance attestation: true, false or mode=max.",
    ),
    _RESULT.option(
        "--sbom",
        metavar="VALUE",
        shell_complete=words("true", "false"),
        help="SBOM attestation: true, false or generator=IMAGE.",
    ),
    _RESULT.option(
        "--metadata-file", type=_FILE, help="Write the digest and other results as JSON to a file."
    ),
    _RESULT.option("--iidfile", type=_FILE, help="Write the digest of the image to a file."),
    _RESULT.option(
        "--ref-file", type=_FILE, help="Write the name of the build in llb history to a file."
    ),
    _CACHE.option("--no-cache", is_flag=True, help="Ignore the cache."),
    _CACHE.repeatable(
        "--no-cache-filter",
        "no_cache_stages",
        metavar="STAGE",
        shell_complete=stages,
        help="Ignore the cache for a stage.",
    ),
    _CACHE.option("--pull", is_flag=True, help="Always check registries for newer base images."),
    _CACHE.repeatable(
        "--cache-from",
        "--import-cache",
        "cache_from",
        metavar="CACHE",
        help="Cache to import: an image reference or type=…,key=value….",
    ),
    _CACHE.repeatable(
        "--cache-to",
        "--export-cache",
        "cache_to",
        metavar="CACHE",
        help="Cache to export: type=registry,ref=…,mode=max, type=local,dest=… and others.",
    ),
    _STEPS.repeatable(
        "--secret",
        "secrets",
        metavar="SECRET",
        help="Secret: id=ID,src=FILE or id=ID,env=NAME. With id alone: the variable or file ID.",
    ),
    _STEPS.repeatable(
        "--ssh",
        metavar="AGENT",
        shell_complete=words("default"),
        help="SSH agent of the steps: default, ID=SOCKET or ID=KEY.",
    ),
    _STEPS.option(
        "--network",
        metavar="MODE",
        shell_complete=words("default", "none", "host"),
        help="Network of steps: default, none or host.",
    ),
    _STEPS.repeatable("--add-host", "hosts", metavar="NAME:IP", help="Entry for /etc/hosts."),
    _STEPS.option("--shm-size", metavar="SIZE", help="Size of /dev/shm, for example 64m."),
    _STEPS.repeatable(
        "--ulimit", "ulimits", metavar="NAME=SOFT[:HARD]", help="Limit of the processes."
    ),
    _STEPS.option("--cgroup-parent", metavar="GROUP", help="Parent cgroup of the processes."),
    _STEPS.repeatable(
        "--resource",
        "resources",
        metavar="NAME=LIMIT",
        shell_complete=words("memory=", "memory-swap=", "cpu-shares=", "cpu-quota="),
        help="Limit of each step: memory, memory-swap, cpu-shares, cpu-period, cpu-quota, "
        "cpuset-cpus or cpuset-mems.",
    ),
    _STEPS.repeatable(
        "--allow",
        metavar="ENTITLEMENT",
        shell_complete=words("network.host", "security.insecure", "device"),
        help="Permission of the steps: network.host, security.insecure or device.",
    ),
    _STEPS.repeatable(
        "--policy",
        "policies",
        metavar="POLICY",
        shell_complete=words("disabled=true"),
        help="disabled=true builds without the policy in Rego beside the Dockerfile.",
    ),
    _STEPS.option(
        "--source-policy-file",
        type=_FILE,
        help="JSON file with rules that deny or replace sources.",
    ),
    _STEPS.option(
        "--proxy-network", is_flag=True, help="Limit the network of steps to the daemon's proxy."
    ),
    Section("Registries").repeatable(
        "--registry-auth-tlscontext",
        "registry_auth_tls",
        metavar="TLS",
        help="TLS files for a registry's token server: host=HOST,ca=FILE,cert=FILE,key=FILE.",
    ),
    _DISPLAY.option(
        "--progress",
        default="auto",
        metavar="KIND",
        shell_complete=words(*DISPLAYS),
        help="Progress display: auto, plain, tty, rawjson, quiet or none.",
    ),
    _DISPLAY.option("-q", "--quiet", is_flag=True, help="Print only the digest of the image."),
    _DISPLAY.option("--check", is_flag=True, help="Check the Dockerfile without a build."),
    _DISPLAY.option(
        "--call",
        metavar="REQUEST",
        shell_complete=words("check", "outline", "targets"),
        help="Print information instead of building: check, outline or targets, with ,format=json for "
        "JSON.",
    ),
    _DISPLAY.option(
        "--trace", type=_FILE, help="Append the build's events to a file, as JSON lines."
    ),
    _DISPLAY.option(
        "--debug-json-cache-metrics",
        "cache_metrics",
        metavar="FILE",
        help="Write cache metrics to stdout, stderr or a file.",
    ),
)


def with_build_options(command: F_) -> F_:
    """Decorate a command with the options of ``llb build``, passed as keyword arguments."""
    for option in reversed((*_OPTIONS, *_HIDDEN_OPTIONS)):
        command = option(command)
    return command


def join_resources(arguments: dict[str, Any]) -> tuple[str, ...]:
    """Take the limits of the hidden options from the arguments, and put them before the others."""
    limits = {name: arguments.pop(name.replace("-", "_")) for name in ATTRIBUTES}
    hidden = (f"{name}={limit}" for name, limit in limits.items() if limit is not None)
    return (*hidden, *arguments.pop("resources"))
