"""Convert the stages of a graph in order, and dispatch each instruction to its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions import nodes as instructions
from llb.dockerfile.shell.expand import ExpansionError
from llb.dockerfile.sources.image import without_version
from llb.dockerfile.to_llb import config as settings
from llb.dockerfile.to_llb.copy import copy
from llb.dockerfile.to_llb.extension_site import convert_added
from llb.dockerfile.to_llb.run import run
from llb.dockerfile.to_llb.sbom_targets import scanned_stages, scanned_trees
from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
from llb.dockerfile.trace import Step
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from llb import Platform, State
    from llb.dockerfile.check_rules import LintWarning
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.requests import Found
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.to_llb.extension_site import Site
    from llb.state.image_config import ImageConfig

_HANDLERS: Mapping[type, Callable[[Conversion, StageResult, Any], None]] = {
    instructions.Arg: settings.arg,
    instructions.Cmd: settings.cmd,
    instructions.Copy: copy,
    instructions.Entrypoint: settings.entrypoint,
    instructions.Env: settings.env,
    instructions.Expose: settings.expose,
    instructions.Healthcheck: settings.healthcheck,
    instructions.Label: settings.label,
    instructions.Maintainer: settings.maintainer,
    instructions.Onbuild: settings.onbuild,
    instructions.Run: run,
    instructions.Shell: settings.shell,
    instructions.StopSignal: settings.stop_signal,
    instructions.User: settings.user,
    instructions.Volume: settings.volume,
    instructions.Workdir: settings.workdir,
}


@frozen
class Converted:
    """A converted Dockerfile: the state of the target, its image config as JSON, the platform.

    ``base`` is the config of its base image in a registry. ``epoch`` is the creation time of the
    image, if ``SOURCE_DATE_EPOCH`` sets one. ``scanned`` are the additional trees for the SBOM
    scanner, by stage name, and ``no_cache`` is whether they ignore the cache. ``warnings`` are
    those of the checks.
    """

    state: State
    image_config: bytes = field(repr=False)
    platform: Platform
    base: ImageConfig | None = field(repr=False)
    epoch: datetime | None
    scanned: tuple[tuple[str, State], ...] = ()
    no_cache: bool = False
    warnings: tuple[LintWarning, ...] = ()


def convert_stages(
    graph: StageGraph,
    source: errors.Source,
    escape: str,
    options: ConvertOptions,
    images: Found,
    added_handlers: Mapping[str, Callable[[Site], None]],
    steps: list[Step],
) -> Converted:
    """Convert the target and the stages that it needs. Raises DockerfileError.

    ``added_handlers`` are the conversion functions of added instructions, by name. The conversion
    appends to ``steps`` each instruction with the state before it, for passes that inspect it.
    """
    conversion = Conversion(graph, source, escape, options, images)
    for stage in graph.stages:
        if stage in graph.reachable and stage.begin is not None:
            result = conversion.begin(stage)
            if stage.is_replaced:
                continue
            for instruction in (*stage.triggers, *stage.instructions):
                shell = result.image.shell
                steps.append(Step(stage, instruction, result.state, shell, result.is_windows))
                _apply(conversion, result, instruction, added_handlers)
    result = conversion.results[graph.target]
    conversion.finish(result)
    result.image.labels.update(options.labels)
    config = result.image.to_config()
    if options.explicit_platform:
        config = config.with_platform(options.platform)
    return Converted(
        state=result.state,
        image_config=_normalize_platform(config).to_json(),
        platform=options.platform,
        base=result.base,
        epoch=graph.epoch,
        scanned=tuple(scanned_trees(conversion, result)),
        no_cache=any(scanned.no_cache for scanned in (result, *scanned_stages(conversion, result))),
    )


def _normalize_platform(config: ImageConfig) -> ImageConfig:
    platform = without_version(config.platform).normalize()
    full = evolve(
        config.platform,
        os=platform.os,
        architecture=platform.architecture,
        variant=platform.variant,
    )
    return evolve(config, platform=full)


def _apply(
    conversion: Conversion,
    result: StageResult,
    instruction: instructions.Instruction,
    added_handlers: Mapping[str, Callable[[Site], None]],
) -> None:
    origin = instruction.origin
    result.numbering.prefix = "ONBUILD " if origin.is_trigger else ""
    try:
        if isinstance(instruction, instructions.AddedInstruction):
            convert_added(conversion, result, instruction, added_handlers[instruction.kind.name])
        else:
            _HANDLERS[type(instruction)](conversion, result, instruction)
    except ExpansionError as error:
        raise errors.substitution(origin.span, error.word, str(error)) from error
    except InvalidValueError as error:
        raise errors.refused_value(origin.span, error.message, error.hint) from error
