"""Variables of a state, of which the frontend takes names that the library refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import State
from llb.state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_variables(state: State, pairs: Sequence[tuple[str, str]]) -> State:
    """Return the state with variables set.

    Docker takes what expansion, or the config of an image, makes of a name: an empty one, or one
    with an equals sign in it.
    """
    settings = state.settings
    changed = settings.process.with_env(settings.process.env.set_all(pairs))
    settings = Settings(changed, settings.platform, settings.mounts, settings.proxy)
    return State(state.output, settings, state.config, state.last_run)
