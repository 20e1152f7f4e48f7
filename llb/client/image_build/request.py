"""Turn the arguments of an image build into the request to its frontend and the build's options."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.arguments.conversions import to_size
from llb.buildkit_names import DEFAULT_PROVENANCE, PROVENANCE_ATTRIBUTE
from llb.client.image_build.contexts import (
    CONTEXT,
    DOCKERFILE,
    DOCKERFILE_DIRECTORY,
    Contexts,
    is_web_file,
)
from llb.client.image_build.dockerfile import ATTRIBUTES, DockerfileOptions, dockerfile_attrs
from llb.client.image_build.exports import to_exports
from llb.client.image_build.options import ImageBuildOptions
from llb.client.image_build.resources import resource_attrs, to_resources
from llb.client.image_build.values import (
    invalid,
    several,
    strings,
    to_choice,
    to_flag,
    to_flag_or_string,
    to_hosts,
    to_mapping,
    to_string,
    to_text_mapping,
    to_ulimits,
)
from llb.client.key_values import parse_flag, warn_of_names
from llb.client.options import BuildOptions
from llb.errors import Hint, InputError, InvalidValueError
from llb.local_files import paths
from llb.platforms import Platform, complete, to_platform
from llb.state.step_options import check_keys

with lazy_imports(__name__):
    from llb.client import caches  # 0.0 ms
    from llb.client.export import exporters  # 2 ms
    from llb.client.image_build import checkout  # 1 ms
    from llb.client.registry_auth import docker_config  # 5 ms
    from llb.frontend import in_process  # 0.4 ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import State
    from llb.client.image_build.dockerfile import Network
    from llb.client.session.uploads import Upload
    from llb.gateway.server import Function

DOCKERFILE_FRONTEND = "dockerfile.v0"

_EPOCH = "SOURCE_DATE_EPOCH"
_NO_ATTESTATIONS = "BUILDX_NO_DEFAULT_ATTESTATIONS"
_NETWORKS = ("default", "none", "host")
_HOST_NETWORK = "network.host"
_BUILD_FILE = ".py"
# One string is one value for these options of a build.
_SEVERAL = ("ssh", "cache_from", "cache_to", "allow", "exports", "uploads", "registry_auth_tls")


@frozen
class FrontendRequest:
    """A frontend, its attributes, and the local directories and layouts that they name.

    ``inputs`` are its named inputs. A ``function`` replaces the frontend and runs in this
    process.
    """

    frontend: str
    attrs: Mapping[str, str]
    local_dirs: Mapping[str, str]
    layouts: Mapping[str, str]
    uploads: tuple[Upload, ...] = ()
    inputs: Mapping[str, State] = field(factory=dict)
    function: Function | None = None

    @property
    def policy_file(self) -> Path | None:
        """The policy in Rego beside a local Dockerfile, which buildx evaluates by default."""
        folder = self.local_dirs.get(DOCKERFILE_DIRECTORY)
        if folder is None:
            return None
        file = Path(folder, f"{self.attrs.get('filename', DOCKERFILE)}.rego")
        return file if paths.is_file(file) else None


@frozen
class ImageBuild:
    """An image build: the request to the frontend, and the options of the build."""

    request: FrontendRequest
    options: BuildOptions

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``Client.start`` that say what is built."""
        request = self.request
        return {
            "frontend": request.frontend if request.function is None else None,
            "function": request.function,
            "frontend_attrs": request.attrs,
            "frontend_inputs": request.inputs,
        }


def to_image_build(
    context: object, options: ImageBuildOptions, environ: Mapping[str, str] = os.environ
) -> ImageBuild:
    """Prepare an image build. Raises InvalidValueError, InputError, and TypeError for a wrong name.

    Nothing is sent; files are read when the daemon asks for them.
    """
    check_keys(options, ImageBuildOptions.__optional_keys__)
    request = to_frontend_request(context, options, environ)
    return ImageBuild(request, _to_build_options(_without_none(options), request))


def to_frontend_request(
    context: object, options: ImageBuildOptions, environ: Mapping[str, str] = os.environ
) -> FrontendRequest:
    """Build the request to the frontend of an image build, as :func:`to_image_build` does."""
    options = _without_none(options)
    frontend = to_string(options.get("frontend", DOCKERFILE_FRONTEND), "frontend")
    contexts = Contexts()
    contexts.add_main(context, _to_file(options), _to_inline(options))
    for name, value in to_mapping(options.get("contexts"), "contexts").items():
        contexts.add_named(name, value)
    _check_dockerfile(contexts, options)
    own_attrs = to_text_mapping(options.get("frontend_attrs"), "frontend_attrs")
    filename = contexts.attrs.pop("filename", "")
    provenance, commit = {}, {}
    if frontend == DOCKERFILE_FRONTEND:
        # The file may name another frontend, so that nothing can be refused.
        warn_of_names(own_attrs, ATTRIBUTES, "the Dockerfile frontend")
        provenance = _default_provenance(options, environ)
        commit = _checkout_attrs(contexts, filename, environ)
    attrs = (
        {"filename": filename}
        | _environment_attrs(environ)
        | provenance
        | own_attrs
        | _option_attrs(options)
        | contexts.attrs
        | commit
    )
    return FrontendRequest(
        frontend,
        {key: value for key, value in attrs.items() if value or key != "filename"},
        contexts.local_dirs,
        contexts.layouts,
        tuple(contexts.uploads),
        contexts.inputs,
        _to_function(options),
    )


def _to_function(options: ImageBuildOptions) -> Function | None:
    """Choose the function that evaluates a build file in this process, if there is one.

    If the file names a frontend, the function leaves the build to it, unless ``evaluate_here``.
    """
    here = to_flag(options.get("evaluate_here", False), "evaluate_here")
    if here and "frontend" in options:
        raise InvalidValueError("evaluate_here conflicts with frontend: expected one of them")
    file = os.fspath(options.get("file") or "")
    # Code from the web runs on this machine only if the caller says so.
    is_build_file = file.endswith(_BUILD_FILE) and not is_web_file(file)
    if "frontend" in options or not (here or is_build_file):
        return None
    return partial(in_process.build_in_process, follow_syntax=not here)


def allowed(entitlements: Iterable[str], network: str | None) -> tuple[str, ...]:
    """Add the entitlement for the network of the host, if all steps run in it.

    As in buildx, a caller who names this network also grants it; the daemon still decides.
    """
    needed = (_HOST_NETWORK,) if network == "host" else ()
    return tuple(dict.fromkeys((*entitlements, *needed)))


def _without_none(options: ImageBuildOptions) -> ImageBuildOptions:
    given = {key: value for key, value in options.items() if value is not None}
    return cast("ImageBuildOptions", given)


def _to_file(options: ImageBuildOptions) -> str | None:
    file = options.get("file")
    if file is None:
        return None
    if options.get("dockerfile_inline") is not None:
        raise InvalidValueError("dockerfile_inline conflicts with file: expected one of them")
    if not isinstance(file, str | os.PathLike):
        raise invalid("file", file, "a path")
    return to_string(os.fspath(file), "file")


def _to_inline(options: ImageBuildOptions) -> bytes | None:
    text = options.get("dockerfile_inline")
    match text:
        case None | bytes():
            return text
        case str() if _is_encodable(text):
            return text.encode()
    raise invalid("dockerfile_inline", text, "the text of a Dockerfile")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_dockerfile(contexts: Contexts, options: ImageBuildOptions) -> None:
    """Raise InputError if the Dockerfile is a local file that does not exist."""
    folder = contexts.local_dirs.get(DOCKERFILE_DIRECTORY)
    file = options.get("file")
    is_other = options.get("frontend", DOCKERFILE_FRONTEND) != DOCKERFILE_FRONTEND
    if folder is None or (is_other and file is None):
        return
    path = Path(folder, contexts.attrs["filename"])
    if paths.is_file(path) or DOCKERFILE_DIRECTORY in options.get("local_dirs", {}):
        return
    inside = Path(contexts.local_dirs.get(CONTEXT, ""), file or "")
    hint = (
        f"it is relative to the working directory: {inside}"
        if paths.is_file(inside)
        else Hint("name it with file", command="name it with -f")
    )
    raise InputError(f"no such Dockerfile: {path}", hint=hint)


def _environment_attrs(environ: Mapping[str, str]) -> dict[str, str]:
    """Read implicit build args: SOURCE_DATE_EPOCH, as in buildctl, and Docker's proxies."""
    build_args = docker_config.DockerConfig.load(environ).proxies()
    if _EPOCH in environ:
        build_args[_EPOCH] = environ[_EPOCH]
    return {f"build-arg:{key}": value for key, value in build_args.items()}


def _default_provenance(options: ImageBuildOptions, environ: Mapping[str, str]) -> dict[str, str]:
    """Request the provenance that an image gets unless the options say something about it."""
    attestations = to_mapping(options.get("attestations"), "attestations")
    if "provenance" in options or "provenance" in attestations:
        return {}
    if _NO_ATTESTATIONS in environ and parse_flag(environ[_NO_ATTESTATIONS], _NO_ATTESTATIONS):
        return {}
    return {PROVENANCE_ATTRIBUTE: DEFAULT_PROVENANCE}


def _checkout_attrs(
    contexts: Contexts, filename: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """Name the commit of a context that is in a git checkout, for provenance and labels."""
    context = contexts.local_dirs.get(CONTEXT)
    if context is None:
        return {}
    folder = contexts.local_dirs.get(DOCKERFILE_DIRECTORY)
    file = None if folder is None else Path(folder, filename)
    return checkout.git_attrs(context, file, contexts.directories(), environ)


def _option_attrs(options: ImageBuildOptions) -> dict[str, str]:
    """Convert the options to frontend attributes; unset options add none."""
    attests = to_mapping(options.get("attestations"), "attestations")
    checked = {
        kind: to_flag_or_string(parameters, f"attestations[{kind!r}]")
        for kind, parameters in attests.items()
    }
    values: DockerfileOptions = {
        "build_args": to_text_mapping(options.get("build_args"), "build_args"),
        "labels": to_text_mapping(options.get("labels"), "labels"),
        "platforms": _to_platforms(options.get("platforms")),
        "no_cache": _to_no_cache(options.get("no_cache", False)),
        "pull": to_flag(options.get("pull", False), "pull"),
        "hosts": to_hosts(options.get("extra_hosts")),
        "ulimits": to_ulimits(options.get("ulimits")),
        "attests": {
            kind: parameters if isinstance(parameters, str) else ""
            for kind, parameters in checked.items()
            if parameters is not False
        },
    }
    if "target" in options:
        values["target"] = to_string(options["target"], "target")
    if "network" in options:
        values["network"] = cast("Network", to_choice(options["network"], "network", _NETWORKS))
    if "shm_size" in options:
        values["shm_size"] = to_size(options["shm_size"], "shm_size")
    if "cgroup_parent" in options:
        values["cgroup_parent"] = to_string(options["cgroup_parent"], "cgroup_parent")
    if "provenance" in options:
        values["provenance"] = to_flag_or_string(options["provenance"], "provenance")
    if "sbom" in options:
        values["sbom"] = to_flag_or_string(options["sbom"], "sbom")
    return dockerfile_attrs(**values) | resource_attrs(to_resources(options.get("resources")))


def _to_platforms(value: object) -> tuple[Platform, ...]:
    """Convert platforms; one string may name several, separated by commas."""
    platforms: list[Platform] = []
    for platform in several(value, "platforms"):
        if isinstance(platform, Platform):
            platforms.append(platform)
        else:
            names = to_string(platform, "platforms").split(",")
            platforms += (to_platform(complete(name.strip())) for name in names)
    return tuple(platforms)


def _to_no_cache(value: object) -> bool | tuple[str, ...]:
    return value if isinstance(value, bool) else strings(value, "no_cache")


@checked(options=BuildOptions)
def _checked(**options: Unpack[BuildOptions]) -> BuildOptions:
    return options


def _to_build_options(options: ImageBuildOptions, request: FrontendRequest) -> BuildOptions:
    """Combine the caller's options of the build with those that the request needs."""
    passed: dict[str, Any] = {
        key: value for key, value in options.items() if key in BuildOptions.__optional_keys__
    }
    for key in _SEVERAL:
        if key in passed:
            passed[key] = several(passed[key], key)
    passed = {**_checked(**passed)}
    build_args = to_mapping(options.get("build_args"), "build_args")
    if cache_to := caches.with_inline(passed.get("cache_to", ()), build_args):
        passed["cache_to"] = cache_to
    passed["allow"] = allowed(passed.get("allow", ()), options.get("network"))
    passed["local_dirs"] = {**request.local_dirs, **passed.get("local_dirs", {})}
    passed["oci_layouts"] = {**request.layouts, **passed.get("oci_layouts", {})}
    passed["uploads"] = (*request.uploads, *passed.get("uploads", ()))
    exports = to_exports(
        (*several(options.get("outputs"), "outputs"), *passed.get("exports", ())),
        strings(options.get("tags"), "tags"),
        options.get("annotations", ()),
        push=to_flag(options.get("push", False), "push"),
        load=to_flag(options.get("load", False), "load"),
    )
    # An image without a name: the caller asked for an image, and the result has its digest.
    passed["exports"] = exports if exports or "find_exports" in passed else [exporters.image()]
    return cast("BuildOptions", passed)
