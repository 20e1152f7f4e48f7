"""A Dockerfile build, from the options of a client to a result on the daemon.

This is the part that asks the daemon; reading and converting the Dockerfile are
pure and live in :mod:`frontend.dockerfile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from frontend import dockerfile
from frontend.contexts import Contexts, read_dockerfile
from frontend.dockerfile.contexts import ContextRequest
from frontend.dockerfile.language import PLAIN, Language
from frontend.forwarding import check_caps, forward
from frontend.options import Options
from frontend.reporting import File
from llb.errors import LLBError, RemoteError
from llb.gateway import Gateway, PlatformImage, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from frontend.dockerfile import Converted, ConvertOptions
    from frontend.dockerfile.requests import Request as Wanted
    from frontend.dockerfile.requests import Resolve, Resolved
    from llb import Platform

    T = TypeVar("T")
    R = TypeVar("R")

_THREADS = 8


def build(
    request: Request, gateway: Gateway, language: Language = PLAIN, *, labs: bool = False
) -> Result:
    """Return the result of the Dockerfile build that ``request`` asks for.

    ``language`` may add instructions and checks, and ``labs`` allows what Docker's frontend has
    in its labs channel alone. Raises LLBError with the place in the Dockerfile where there is one.
    """
    missing = check_caps(request)
    options = Options.from_request(request)
    contexts = Contexts(options, request, gateway)
    definition = contexts.main.dockerfile.marshal()
    source = definition.to_bytes()
    folder = gateway.solve(definition)
    text = read_dockerfile(folder, contexts.main, gateway)
    forwarded = forward(text, source, contexts)
    if forwarded is not None:
        return forwarded
    if missing is not None:
        raise missing
    wanted = dockerfile.ConvertOptions(
        target=options.target,
        build_args=options.build_args,
        labels=options.labels,
        no_cache=options.no_cache,
        platform=options.build_platform,
        build_platform=options.build_platform,
        build_platforms=options.build_platforms,
        filename=contexts.main.filename,
        session_id=contexts.session_of("context"),
        context=contexts.main.tree,
        contexts=options.contexts,
        ignore=contexts.ignore(folder),
        resolve_mode=options.resolve_mode,
        is_index=options.is_index,
        definition=source,
        processes=options.processes,
        find_epoch=contexts.epoch,
        labs=labs,
    )
    resolve = _resolver(contexts, wanted)
    file = File(text, definition.head or "", source, gateway, resolve, language)
    if options.request_id is not None:
        # It takes 5 ms to import, and builds do without it.
        from frontend import subrequests  # noqa: PLC0415

        return subrequests.answer(options.request_id, file, wanted)
    try:
        return _result(file, wanted, options, gateway)
    except LLBError as error:
        raise file.explained(error) from error.__cause__


def _result(file: File, wanted: ConvertOptions, options: Options, gateway: Gateway) -> Result:
    """Return the images of all platforms, which are converted one beside the other."""
    parsed = file.parse(wanted)

    def made(platform: Platform | None) -> tuple[PlatformImage, Converted]:
        given = wanted
        if platform is not None:
            # Warnings are those of the first platform alone.
            is_first = platform == options.platforms[0]
            given = evolve(wanted, platform=platform, explicit_platform=True, checks=is_first)
        converted = file.convert(parsed, given)
        definition = converted.state.marshal(platform=given.platform, caps=gateway.caps.llb)
        ref = gateway.solve(definition, cache_imports=options.cache_imports)
        base = None if converted.base is None else converted.base.to_json()
        config, epoch = converted.image_config, converted.epoch
        return PlatformImage(ref, given.platform, config, base, epoch), converted

    platforms = tuple(dict.fromkeys(options.platforms)) or (None,)
    images = _each(made, platforms)
    result = Result.of_images([image for image, _ in images], is_index=options.is_index)
    if options.sbom is None:
        return result
    # It is asked for seldom.
    from frontend.sbom import scan  # noqa: PLC0415

    return result.with_attestations(scan(images, options, gateway))


def _each(function: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
    """Return what a function makes of each, one beside the other where there are several."""
    arguments = tuple(arguments)
    if len(arguments) < 2:
        return [function(each) for each in arguments]
    # It takes 15 ms to import, and most builds ask for one thing at a time.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, arguments))


def _resolver(contexts: Contexts, options: ConvertOptions) -> Resolve:
    """Return what finds images and named contexts, all that are asked for at the same time."""

    def resolve(request: Wanted) -> Resolved:
        if isinstance(request, ContextRequest):
            return contexts.named(request)
        where = f"{request.platform} internal" if options.is_index else "internal"
        log_name = f"[{where}] load metadata for {request.ref}"
        try:
            found = contexts.resolve_image(request.ref, request.platform, log_name)
        except RemoteError as error:
            error.message = f"{request.name}: {error.message}"
            error.span = error.span or request.span
            raise
        ref = None if found.ref == request.ref else found.ref
        return dockerfile.ResolvedImage(found.digest, found.config, ref)

    return lambda requests: dict(zip(requests, _each(resolve, requests), strict=True))
