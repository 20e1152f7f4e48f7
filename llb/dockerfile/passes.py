"""The passes over a Dockerfile one by one, for drivers that ask for images in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.dockerfile import lint
from llb.dockerfile.instructions.parse import interpret
from llb.dockerfile.language import language_of
from llb.dockerfile.stages.graph import StageGraph, build_graph
from llb.dockerfile.to_llb import Converted, convert_stages
from llb.dockerfile.trace import Trail

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import LintWarning
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.sources.requests import Found, Request, Resolve, Resolved


def convert_parsed(
    parsed: Parsed,
    options: ConvertOptions,
    resolve: Resolve,
    trail: Trail | None = None,
) -> Converted:
    """Return the target as LLB, with its image config and the warnings of the checks.

    ``resolve`` finds all that is asked for at once; it is asked once more where ONBUILD in an
    image copies from further ones. ``trail`` is told how far it came. Raises DockerfileError,
    and what ``resolve`` raises.
    """
    trail = Trail() if trail is None else trail
    images, graph = _resolved(parsed, options, resolve, trail)
    return _converted(parsed, options, images, graph, trail)


def _resolved(
    parsed: Parsed,
    options: ConvertOptions,
    resolve: Resolve,
    trail: Trail,
) -> tuple[Found, StageGraph]:
    images: dict[Request, Resolved] = {}
    while True:
        graph = _graph(parsed, options, images, trail)
        missing = tuple(each for each in graph.requests if each not in images)
        found = resolve(missing) if missing else {}
        images.update(found)
        if not any(each.triggers for each in found.values()):
            return images, graph


def _converted(
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
    """Return what the checks say of a file, as far as its conversion came."""
    if trail.settings is None or not options.checks:
        return ()
    return lint.check(parsed, options, trail, trail.settings)


def _graph(
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
