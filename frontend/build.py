"""A Dockerfile build, from the options of a client to a result on the daemon.

This is the part that asks the daemon; reading and converting the Dockerfile are
pure and live in :mod:`frontend.dockerfile`.
"""

from __future__ import annotations

import posixpath
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from frontend import dockerfile
from frontend.options import DEFAULT_FILENAME, Options
from llb import Local
from llb.errors import InputError, RemoteError
from llb.gateway import Gateway, Ref, Request, Result, is_not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontend.dockerfile import ImageRequest, ResolvedImage
    from llb import State

_RESOLVERS = 8


def build(request: Request, gateway: Gateway) -> Result:
    """Return the result of the Dockerfile build that ``request`` asks for.

    Raises LLBError with the place in the Dockerfile where there is one.
    """
    options = Options.from_request(request)
    definition = _dockerfile_folder(options, request).marshal()
    folder = gateway.solve(definition)
    text = _read_dockerfile(folder, options, gateway)
    forwarded = _forward(text, options, request, gateway)
    if forwarded is not None:
        return forwarded
    convert_options = dockerfile.ConvertOptions(
        target=options.target,
        build_args=options.build_args,
        labels=options.labels,
        no_cache=options.no_cache,
        platform=options.platform,
        build_platform=options.build_platform,
        build_platforms=options.build_platforms,
        filename=options.filename,
        session_id=request.session_id,
        ignore=_read_ignore(folder, options, request, gateway),
        resolve_mode=options.resolve_mode,
        context_name=options.context_name,
        shared_key=options.shared_key,
        explicit_platform=options.explicit_platform,
        definition=definition.to_bytes(),
    )
    parsed = dockerfile.parse(text, filename=options.filename)
    images = dockerfile.resolve_images(
        parsed, convert_options, lambda missing: _resolve(missing, options, gateway)
    )
    converted = dockerfile.convert(parsed, convert_options, images)
    definition = converted.state.marshal(platform=options.platform, caps=gateway.caps.llb)
    ref = gateway.solve(definition)
    result = Result(ref=ref).with_image(
        converted.platform, converted.image_config, base=converted.base_config
    )
    return result if converted.epoch is None else result.with_epoch(converted.epoch)


def _dockerfile_folder(options: Options, request: Request) -> State:
    """Return the directory of the Dockerfile, with that file and its ignore file alone."""
    return Local(
        options.dockerfile_name,
        follow_paths=[
            options.filename,
            f"{options.filename}.dockerignore",
            _other_name(options.filename),
        ],
        session_id=request.session_id,
        shared_key=options.dockerfile_name,
        differ="none",
        name=f"[internal] load build definition from {options.filename}",
        locations=(),
    )


def _other_name(filename: str) -> str:
    """Return the name that is tried next: Dockerfile in lower case."""
    folder, name = posixpath.split(filename)
    return posixpath.join(folder, name.lower()) if name == DEFAULT_FILENAME else filename


def _read_dockerfile(folder: Ref, options: Options, gateway: Gateway) -> bytes:
    for path in dict.fromkeys((options.filename, _other_name(options.filename))):
        text = _read(folder, path, gateway)
        if text is not None:
            return text
    raise InputError(
        f"there is no {options.filename} in the directory {options.dockerfile_name!r}",
        hint="name the file with --opt filename=PATH, relative to that directory",
    )


def _read_ignore(
    folder: Ref, options: Options, request: Request, gateway: Gateway
) -> tuple[str, ...]:
    """Return the patterns of the Dockerfile's own ignore file, else of the context's."""
    name = f"{options.filename}.dockerignore"
    own = _read(folder, name, gateway)
    if own is not None:
        return dockerfile.parse_ignore(own, name)
    context = gateway.solve(
        Local(
            options.context_name,
            follow_paths=[".dockerignore"],
            session_id=request.session_id,
            shared_key=f"{options.shared_key}-.dockerignore",
            differ="none",
            name="[internal] load .dockerignore",
            locations=(),
        ).marshal()
    )
    return dockerfile.parse_ignore(_read(context, ".dockerignore", gateway) or b"")


def _read(ref: Ref, path: str, gateway: Gateway) -> bytes | None:
    try:
        return gateway.read_file(ref, path)
    except RemoteError as error:
        if is_not_found(error):
            return None
        raise


def _forward(text: bytes, options: Options, request: Request, gateway: Gateway) -> Result | None:
    """Return what the frontend named by a ``# syntax`` line makes of the build, if there is one."""
    if options.forwarded:
        return None
    found = (options.syntax, options.syntax) if options.syntax else dockerfile.detect_syntax(text)
    if found is None:
        return None
    source, cmdline = found
    return gateway.solve_frontend(
        "gateway.v0", {**request.options, "source": source, "cmdline": cmdline}
    )


def _resolve(
    requests: tuple[ImageRequest, ...], options: Options, gateway: Gateway
) -> Mapping[ImageRequest, ResolvedImage]:
    """Return digest and config of every image, asked for at the same time."""

    def resolve(request: ImageRequest) -> ResolvedImage:
        found = gateway.resolve_image_config(
            request.ref,
            platform=request.platform,
            resolve_mode=options.resolve_mode,
            log_name=f"[internal] load metadata for {request.ref}",
        )
        return dockerfile.ResolvedImage(digest=found.digest, config=found.config)

    if len(requests) < 2:
        return {request: resolve(request) for request in requests}
    with ThreadPoolExecutor(_RESOLVERS) as pool:
        return dict(zip(requests, pool.map(resolve, requests), strict=True))
