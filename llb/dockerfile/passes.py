"""Run the passes over a parsed Dockerfile; a driver resolves the images in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.arguments.checked import checked
from llb.dockerfile import lint
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.parse import interpret
from llb.dockerfile.language import language_of
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.stages.graph import StageGraph, build_graph
from llb.dockerfile.to_llb import Converted, convert_stages
from llb.dockerfile.trace import Trail
from llb.errors import RemoteError

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import LintWarning
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.sources.requests import Found, Request, Resolve, Resolved

# The missing slash is BuildKit's.
_WELL_KNOWN = tuple(
    f"{prefix}{name}{tag}"
    for name in ("alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora")
    for tag in ("", ":latest")
    for prefix in ("", "docker.io/library")
)


@checked
def convert_parsed(
    parsed: Parsed,
    options: ConvertOptions,
    resolve: Resolve,
    trail: Trail | None = None,
) -> Converted:
    """Convert the target to LLB, with its image config and the warnings of the checks.

    ``resolve`` gets all requests of a round at once. There is another round if ONBUILD
    instructions of an image need more images. ``trail`` records the progress. Raises
    DockerfileError, and the exceptions of ``resolve``.
    """
    trail = Trail() if trail is None else trail
    images, graph = _resolve_images(parsed, options, resolve, trail)
    return _convert(parsed, options, images, graph, trail)


def _resolve_images(
    parsed: Parsed,
    options: ConvertOptions,
    resolve: Resolve,
    trail: Trail,
) -> tuple[Found, StageGraph]:
    images: dict[Request, Resolved] = {}
    while True:
        graph = _build_graph(parsed, options, images, trail)
        missing = tuple(request for request in graph.requests if request not in images)
        resolved = _resolve(missing, resolve, graph) if missing else {}
        images.update(resolved)
        if not any(image.triggers for image in resolved.values()):
            return images, graph


def _resolve(requests: tuple[Request, ...], resolve: Resolve, graph: StageGraph) -> Found:
    """Resolve images, and suggest a stage or a well-known image for one that is missing.

    The candidates and their order are those of BuildKit (``dockerfile2llb``).
    """
    try:
        return resolve(requests)
    except RemoteError as error:
        names = [stage.name for stage in graph.stages if stage.name]
        for request in requests:
            if isinstance(request, ImageRequest) and error.message.startswith(f"{request.name}: "):
                error.message += suggestion(request.name, [*names, *_WELL_KNOWN])
                break
        raise


def _convert(
    parsed: Parsed,
    options: ConvertOptions,
    images: Found,
    graph: StageGraph,
    trail: Trail,
) -> Converted:
    trail.images = images
    converted = convert_stages(
        graph,
        parsed.source,
        parsed.escape,
        options,
        images,
        language_of(parsed.grammar).handlers,
        trail.steps,
    )
    trail.is_complete = True
    warnings = warnings_of(parsed, options, trail)
    if trail.settings is not None:
        lint.refuse(warnings, trail.settings)
    return evolve(converted, warnings=warnings)


def warnings_of(parsed: Parsed, options: ConvertOptions, trail: Trail) -> tuple[LintWarning, ...]:
    """Run the checks on a file, as far as its conversion got."""
    if trail.settings is None or not options.checks:
        return ()
    return lint.check(parsed, options, trail, trail.settings)


def _build_graph(
    parsed: Parsed,
    options: ConvertOptions,
    images: Found,
    trail: Trail,
) -> StageGraph:
    trail.settings = lint.settings_of(parsed, options)
    if trail.instructions is None:
        trail.instructions = interpret(parsed)
    graph = build_graph(
        parsed.source, trail.instructions, parsed.escape, options, images, parsed.grammar
    )
    trail.graph = graph
    return graph
