"""What every step can be told besides what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from llb.errors import did_you_mean
from llb.ops import nodes as ops
from llb.ops.metadata import CUSTOM_NAME
from llb.source_map import CallSite, Location, caller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.platforms import Platform


class StepOptions(TypedDict, total=False):
    """What every step can be told; but for ``worker_filters`` none of it changes the digest.

    ``name`` is shown instead of the operation; ``description`` are further
    texts for tools. ``ignore_cache`` runs the step anew, ``export_cache`` puts
    its result into an exported cache or keeps it out. ``resources`` limits a
    process. ``worker_filters`` choose the worker of a daemon that has several.
    ``locations``, even none, replace the Python line that is recorded by itself.
    """

    name: str
    description: Mapping[str, str]
    ignore_cache: bool
    export_cache: bool
    progress_group: ops.ProgressGroup
    resources: ops.LinuxResources
    worker_filters: Sequence[str]
    locations: Sequence[Location]


STEP_KEYS = StepOptions.__optional_keys__


def step(
    platform: Platform | None, options: StepOptions
) -> tuple[ops.Constraints, CallSite | None]:
    """Return what is said about a step that is being made, and the line that made it.

    Raises TypeError for an option that there is not.
    """
    if not options:
        known = ops.UNCONSTRAINED if platform is None else ops.Constraints(platform)
        return known, caller()
    check_keys(options, STEP_KEYS)
    description = dict(options.get("description", {}))
    if "name" in options:
        description[CUSTOM_NAME] = options["name"]
    constraints = ops.Constraints(
        platform=platform,
        worker_filters=tuple(options.get("worker_filters", ())),
        ignore_cache=options.get("ignore_cache", False),
        description=tuple(description.items()),
        export_cache=options.get("export_cache"),
        progress_group=options.get("progress_group"),
        resources=options.get("resources"),
        locations=tuple(options.get("locations", ())),
    )
    return constraints, None if "locations" in options else caller()


def check_keys(options: Mapping[str, object], known: frozenset[str]) -> None:
    """Raise TypeError, as Python does for a wrong keyword, where an option is not known."""
    for key in options:
        if key not in known:
            hint = did_you_mean(key, known)
            raise TypeError(
                f"got an unexpected keyword argument {key!r}" + (f"; {hint}" if hint else "")
            )
