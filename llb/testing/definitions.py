"""What is looked at in tests: definitions, whatever they are given as."""

from __future__ import annotations

from typing import TypeAlias

from attrs import evolve

from llb import Definition, Platform, State

Build: TypeAlias = State | Definition
"""A state, or the definition of one."""

PLATFORM = "linux/amd64"
"""The platform of steps that name none, so that a test gives the same on every machine."""


def to_definition(build: Build, platform: Platform | str = PLATFORM) -> Definition:
    """Return the definition of a build, with the lines that made its steps."""
    return build if isinstance(build, Definition) else build.marshal(platform=platform)


def without_lines(definition: Definition) -> Definition:
    """Return a definition without the lines that made its steps, which change without reason."""
    return evolve(definition, locations={}, files=())
