"""Choose the stages that an SBOM scan includes.

The build arguments ``BUILDKIT_SBOM_SCAN_CONTEXT`` and ``BUILDKIT_SBOM_SCAN_STAGE`` choose them,
as a boolean or as a list of stage names, before the first FROM or in a stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb import State
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult

_CONTEXT = "BUILDKIT_SBOM_SCAN_CONTEXT"
_STAGE = "BUILDKIT_SBOM_SCAN_STAGE"


def scanned_trees(conversion: Conversion, target: StageResult) -> Iterator[tuple[str, State]]:
    """Yield the trees to scan in addition to the target, with their names."""
    if _is_included(conversion, target, _CONTEXT):
        yield "context", conversion.context.state
    for result in scanned_stages(conversion, target):
        yield result.stage.label, result.state


def scanned_stages(conversion: Conversion, target: StageResult) -> Iterator[StageResult]:
    """Yield the stages to scan in addition to the target."""
    for stage in conversion.graph.stages:
        result = conversion.results.get(stage)
        if result is not None and result is not target and _is_included(conversion, result, _STAGE):
            yield result


def _is_included(conversion: Conversion, result: StageResult, name: str) -> bool:
    """Check whether an argument includes a stage; the stage's own value takes precedence."""
    value = result.scans.get(name, conversion.graph.arguments.get(name))
    if value is None:
        return False
    try:
        return parse_switch(value)
    except ValueError:
        return result.stage.label in value.split(",")
