"""Read the entrypoint of a build: its options, its contexts, and its Dockerfile or build file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import dockerfile
from llb.dockerfile.sources.named_contexts import ContextRequest
from llb.errors import RemoteError
from llb.frontend.dockerui.concurrent import map_concurrently
from llb.frontend.dockerui.contexts import Contexts, read_dockerfile
from llb.frontend.dockerui.forward import check_caps, forward
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.frontend.dockerui.options import Options

if TYPE_CHECKING:
    from llb.dockerfile import ConvertOptions
    from llb.dockerfile.sources.requests import Request as SourceRequest
    from llb.dockerfile.sources.requests import Resolve, Resolved
    from llb.gateway import Gateway, Request, Result


@frozen
class BuildRequest:
    """A requested build whose file was read.

    ``vertex`` is the digest of the step that loaded ``text``, and ``definition`` that step as a
    serialized ``pb.Definition``. ``options`` are those of a Dockerfile conversion, which mean the
    same in other languages. ``resolve`` resolves images and named contexts.
    """

    text: bytes = field(repr=False)
    vertex: str
    definition: bytes = field(repr=False)
    contexts: Contexts
    options: ConvertOptions
    resolve: Resolve

    @property
    def client_options(self) -> Options:
        """The options that the client sent."""
        return self.contexts.options

    @property
    def gateway(self) -> Gateway:
        """The connection to the daemon."""
        return self.contexts.gateway


def read_entrypoint(
    request: Request, gateway: Gateway, *, filename: str = DEFAULT_FILENAME
) -> BuildRequest | Result:
    """Read the options and the file of a build, or forward it to another frontend.

    A forwarded build gives the result of the frontend that the file names. ``filename`` is the
    default name of the file. Raises LLBError.
    """
    missing = check_caps(request)
    options = Options.from_request(request, filename)
    contexts = Contexts(options, request, gateway)
    definition = contexts.dockerfile.marshal()
    source = definition.to_bytes()
    folder = gateway.solve(definition)
    text = read_dockerfile(folder, contexts.main, gateway)
    forwarded = forward(text, source, contexts)
    if forwarded is not None:
        return forwarded
    if missing is not None:
        raise missing
    convert_options = dockerfile.ConvertOptions(
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
    )
    vertex = definition.head or ""
    resolve = _resolver(contexts, convert_options)
    return BuildRequest(text, vertex, source, contexts, convert_options, resolve)


def _resolver(contexts: Contexts, options: ConvertOptions) -> Resolve:
    """Build the function that resolves images and named contexts in parallel."""

    def resolve(request: SourceRequest) -> Resolved:
        if isinstance(request, ContextRequest):
            return contexts.named(request)
        where = f"{request.platform} internal" if options.is_index else "internal"
        log_name = f"[{where}] load metadata for {request.ref}"
        try:
            resolved = contexts.resolve_image(request.ref, request.platform, log_name)
        except RemoteError as error:
            error.message = f"{request.name}: {error.message}"
            error.span = error.span or request.span
            raise
        ref = None if resolved.ref == request.ref else resolved.ref
        return dockerfile.ResolvedImage(resolved.digest, resolved.config, ref)

    return lambda requests: dict(zip(requests, map_concurrently(resolve, requests), strict=True))
