"""Options of every step: name, description, caching, worker filters, source locations."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from llb.errors import did_you_mean
from llb.ops import nodes as ops
from llb.ops.metadata import CUSTOM_NAME
from llb.source_map import CallSite, Location, caller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.arguments.conversions import RawText
    from llb.platforms import Platform


class StepOptions(TypedDict, total=False):
    """The options of every step; only ``worker_filters`` is part of the digest.

    - ``name``: the name of the step in progress displays, instead of the operation.
    - ``description``: further strings for tools, by key.
    - ``ignore_cache``: run the step even if its result is cached.
    - ``export_cache``: include the result in an exported cache, or exclude it.
    - ``progress_group``: the group under which progress displays show the step.
    - ``resources``: limits for the process of the step.
    - ``worker_filters``: choose a worker, if the daemon has several.
    - ``locations``: the source locations of the step. They replace the Python line that is recorded
      automatically, even if they are empty.
    """

    name: RawText
    description: Mapping[str, RawText]
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
    """Convert the options of a new step to constraints, and find the line that created the step.

    Raises TypeError for an unknown option.
    """
    if not options:
        constraints = ops.UNCONSTRAINED if platform is None else ops.Constraints(platform)
        return constraints, caller()
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


def check_keys(options: Mapping[str, object], allowed: frozenset[str]) -> None:
    """Raise TypeError for an unknown option, as Python does for an unknown keyword argument."""
    for key in options:
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            raise TypeError(
                f"got an unexpected keyword argument {key!r}" + (f"; {hint}" if hint else "")
            )
