"""Turn the builds that tests pass in, states or definitions, into definitions."""

from __future__ import annotations

import warnings
from typing import TypeAlias

from attrs import evolve

from llb import BaseImageWarning, Definition, Platform, State

Build: TypeAlias = State | Definition
"""A state, or the definition of one."""

PLATFORM = "linux/amd64"
"""The default platform of steps, so that tests give the same result on every machine."""


def to_definition(build: Build, platform: Platform | str = PLATFORM) -> Definition:
    """Marshal a build, with the source locations of its steps.

    Tests of graphs need no daemon, so there is no warning of base images.
    """
    if isinstance(build, Definition):
        return build
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaseImageWarning)
        return build.marshal(platform=platform)


def without_lines(definition: Definition) -> Definition:
    """Drop the source locations of a definition, which change with every edit of a file."""
    return evolve(definition, locations={}, files=())
