"""What a build begins with: its options, its contexts, and the file that says what to build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import dockerfile
from llb.dockerfile.sources.named_contexts import ContextRequest
from llb.errors import RemoteError
from llb.frontend.dockerui.concurrent import each
from llb.frontend.dockerui.contexts import Contexts, read_dockerfile
from llb.frontend.dockerui.forward import check_caps, forward
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.frontend.dockerui.options import Options

if TYPE_CHECKING:
    from llb.dockerfile import ConvertOptions
    from llb.dockerfile.sources.requests import Request as Wanted
    from llb.dockerfile.sources.requests import Resolve, Resolved
    from llb.gateway import Gateway, Request, Result


@frozen
class Opened:
    """A build whose file was read.

    ``vertex`` is the digest of the step that ``text`` comes from, and ``definition`` that step as a
    serialized ``pb.Definition``. ``options`` are those of a Dockerfile, which mean the same
    in other languages, and ``resolve`` finds the images that one asks for.
    """

    text: bytes = field(repr=False)
    vertex: str
    definition: bytes = field(repr=False)
    contexts: Contexts
    options: ConvertOptions
    resolve: Resolve

    @property
    def asked(self) -> Options:
        """What the client asked for."""
        return self.contexts.options

    @property
    def gateway(self) -> Gateway:
        """The connection to the daemon."""
        return self.contexts.gateway


def open_build(
    request: Request, gateway: Gateway, *, filename: str = DEFAULT_FILENAME, labs: bool = False
) -> Opened | Result:
    """Return the build that is asked for; or its result, where the file names another frontend.

    ``filename`` is the file's name where the client says none, and ``labs`` is whether Docker's labs channel is allowed. Raises LLBError.
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
    vertex = definition.head or ""
    return Opened(text, vertex, source, contexts, wanted, _resolver(contexts, wanted))


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

    return lambda requests: dict(zip(requests, each(resolve, requests), strict=True))
