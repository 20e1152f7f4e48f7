"""Base images of stages, as FROM defines them: the settings that steps inherit from an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.arguments.checked import checked
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.ops.env import Env
from llb.sources.image_and_local import Scratch

if TYPE_CHECKING:
    from llb.platforms import Platform
    from llb.state.state import State

_WINDOWS = "windows"


def scratch() -> State:
    """Start with the empty tree and the default PATH: ``FROM scratch``."""
    return Scratch().env("PATH", DEFAULT_PATH_ENV)


def from_image(tree: State, platform: Platform) -> State:
    """Start with the tree of an image for ``platform``: ``FROM image``.

    Processes run as the user of the image, with a default PATH if it has none. Its ONBUILD
    instructions are neither run nor inherited.
    """
    process, config = tree.settings.process, tree.config
    user = process.user or config.user
    settings = evolve(tree.settings, process=evolve(process, user=user), platform=platform)
    base = evolve(tree, settings=settings, config=evolve(config, onbuild=()))
    if platform.os == _WINDOWS or "PATH" in dict(tree.variables):
        return base
    return base.env("PATH", DEFAULT_PATH_ENV)


@checked
def from_stage(tree: State) -> State:
    """Start with the tree of another stage: ``FROM stage``.

    The variables of its image are set again, after those of its build args. Its default arguments
    count as inherited, and its ONBUILD instructions are dropped.
    """
    env = tree.settings.process.env
    for key, value in env.image_items():
        env = env.set(key, value)
    settings = evolve(tree.settings, process=tree.settings.process.with_env(env))
    is_inherited = tree.config.cmd is not None
    config = evolve(tree.config, onbuild=(), cmd_is_inherited=is_inherited)
    return evolve(tree, settings=settings, config=config)


def with_config(tree: State, config: bytes) -> State:
    """Set the image config of a tree whose steps already have the settings of that config.

    Other variables of the tree apply only to processes. Raises InvalidValueError.
    """
    image = Scratch().with_image_config(config)
    env = image.settings.process.env
    for key, value in tree.variables:
        env = Env(env, key, value, is_argument=True)
    settings = evolve(tree.settings, process=tree.settings.process.with_env(env))
    return evolve(tree, settings=settings, config=image.config)
