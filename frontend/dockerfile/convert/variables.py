"""Variables of a stage, under any name that a Dockerfile or an image gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

if TYPE_CHECKING:
    from llb import State


def with_variable(state: State, key: str, value: str) -> State:
    """Return the state with a variable set.

    The library refuses a name that is empty or has an equals sign; Docker takes what
    expansion, or the config of an image, makes of it.
    """
    if key and "=" not in key:
        return state.env(key, value)
    process = state.settings.process
    changed = process.with_env(process.env.set(key, value))
    return evolve(state, settings=evolve(state.settings, process=changed))
