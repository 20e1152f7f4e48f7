"""Variables of a stage, under any name that a Dockerfile or an image gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import State
from llb.settings import Settings, with_env

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_variables(state: State, pairs: Sequence[tuple[str, str]]) -> State:
    """Return the state with variables set.

    The library refuses a name that is empty or has an equals sign; Docker takes what
    expansion, or the config of an image, makes of it.
    """
    settings = state.settings
    process = settings.process
    keys = [key for key, _ in pairs]
    if "" not in keys and "=" not in "".join(keys):
        changed = with_env(process, pairs)
    else:
        changed = process.with_env(process.env.set_all(pairs))
    settings = Settings(changed, settings.platform, settings.mounts)
    return State(state.output, settings, state.config, state.last_run)
