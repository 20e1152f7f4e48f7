"""Turn the builds that tests pass in, states or definitions, into definitions."""

from __future__ import annotations

from typing import TypeAlias

from attrs import evolve

from llb import Definition, Platform, State

Build: TypeAlias = State | Definition
"""A state, or the definition of one."""

PLATFORM = "linux/amd64"
"""The default platform of steps, so that tests give the same result on every machine."""


def to_definition(build: Build, platform: Platform | str = PLATFORM) -> Definition:
    """Marshal a build, with the source locations of its steps."""
    return build if isinstance(build, Definition) else build.marshal(platform=platform)


def without_lines(definition: Definition) -> Definition:
    """Drop the source locations of a definition, which change with every edit of a file."""
    return evolve(definition, locations={}, files=())
