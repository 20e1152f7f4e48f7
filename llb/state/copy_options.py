"""The options of :meth:`llb.State.copy`: those of the copy and those of a step."""

from __future__ import annotations

from typing import cast

from llb.state.file_actions import CopyOptions
from llb.state.step_options import STEP_KEYS, StepOptions, check_keys

_COPY_KEYS = CopyOptions.__optional_keys__


class CopyStepOptions(CopyOptions, StepOptions, total=False):
    """The options of :meth:`llb.State.copy`: those of the copy and those of a step."""


def split(options: CopyStepOptions) -> tuple[CopyOptions, StepOptions]:
    """Separate the options of the copy from those of the step. Raises TypeError."""
    if options.keys() <= _COPY_KEYS:
        return cast("CopyOptions", options), {}
    action = {key: value for key, value in options.items() if key in _COPY_KEYS}
    step = {key: value for key, value in options.items() if key not in _COPY_KEYS}
    if not step.keys() <= STEP_KEYS:
        check_keys(step, STEP_KEYS | _COPY_KEYS)
    return cast("CopyOptions", action), cast("StepOptions", step)
