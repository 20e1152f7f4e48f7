"""Which trees a list of what is in an image counts in (SBOM).

Build arguments say it: ``BUILDKIT_SBOM_SCAN_CONTEXT`` and ``BUILDKIT_SBOM_SCAN_STAGE``, as true
or false or as names of stages, before the first FROM or in a stage.
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
    """Return the trees to look at besides that of the target, by their names."""
    if _wants(conversion, target, _CONTEXT):
        yield "context", conversion.context.state
    for result in scanned_stages(conversion, target):
        yield result.stage.label, result.state


def scanned_stages(conversion: Conversion, target: StageResult) -> Iterator[StageResult]:
    """Return the stages besides the target that are to be looked at."""
    for stage in conversion.graph.stages:
        result = conversion.results.get(stage)
        if result is not None and result is not target and _wants(conversion, result, _STAGE):
            yield result


def _wants(conversion: Conversion, result: StageResult, name: str) -> bool:
    """Return whether an argument asks for it; what a stage says itself comes first."""
    value = result.scans.get(name, conversion.graph.arguments.get(name))
    if value is None:
        return False
    try:
        return parse_switch(value)
    except ValueError:
        return result.stage.label in value.split(",")
