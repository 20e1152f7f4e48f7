"""What a stage begins with, as FROM has it: the settings that steps take over from an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.ops.defaults import DEFAULT_PATH
from llb.ops.env import Env
from llb.sources.image_and_local import Scratch

if TYPE_CHECKING:
    from llb.platforms import Platform
    from llb.state.state import State

_WINDOWS = "windows"


def scratch() -> State:
    """Return the empty tree as ``FROM scratch`` has it: with the PATH that images have."""
    return Scratch().env("PATH", DEFAULT_PATH)


def as_base(tree: State, platform: Platform) -> State:
    """Return the tree of an image, for ``platform``, as what steps build upon.

    Processes are run by the user of the image, and with a PATH where it has none. What ONBUILD
    left in it is not run, and not left to images upon it.
    """
    process, config = tree.settings.process, tree.config
    user = process.user or config.user
    settings = evolve(tree.settings, process=evolve(process, user=user), platform=platform)
    based = evolve(tree, settings=settings, config=evolve(config, onbuild=()))
    if platform.os == _WINDOWS or "PATH" in dict(tree.variables):
        return based
    return based.env("PATH", DEFAULT_PATH)


def upon(tree: State) -> State:
    """Return a tree as what a stage begins with: ``FROM stage``.

    The variables of its image come anew, after those of its build args; its default arguments
    are those of the image below, and ONBUILD is for others.
    """
    env = tree.settings.process.env
    for key, value in env.image_items():
        env = env.set(key, value)
    settings = evolve(tree.settings, process=tree.settings.process.with_env(env))
    is_inherited = tree.config.cmd is not None
    config = evolve(tree.config, onbuild=(), cmd_is_inherited=is_inherited)
    return evolve(tree, settings=settings, config=config)


def with_config(tree: State, config: bytes) -> State:
    """Return a tree whose steps were told what the config of its image says, with that config.

    Variables that it has besides are for processes alone. Raises InvalidValueError.
    """
    image = Scratch().with_image_config(config)
    env = image.settings.process.env
    for key, value in tree.variables:
        env = Env(env, key, value, is_argument=True)
    settings = evolve(tree.settings, process=tree.settings.process.with_env(env))
    return evolve(tree, settings=settings, config=image.config)
