"""Inspect the steps of a build, and assert how they depend on each other."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb import dump
from llb.arguments.checked import checked
from llb.buildkit_names import DEFAULT_SHELL
from llb.compare import compare
from llb.compare import render as differences
from llb.dump.labels import command as command_of
from llb.dump.labels import place
from llb.errors import did_you_mean
from llb.testing.definitions import Build, to_definition, without_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb import Definition
    from llb.definition.decode import Vertex


@frozen(eq=False)
class Step:
    """A step of a build and its inputs.

    ``number`` is its number in the dump, from 1.
    """

    number: int
    vertex: Vertex = field(repr=False)
    _all: Mapping[str, Step] = field(repr=False)

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The input steps, in the order of the operation."""
        return tuple(self._all[digest] for digest, _ in self.vertex.inputs)

    @property
    def kind(self) -> str:
        """The kind: ``source``, ``exec``, ``file``, ``build``, ``merge``, ``diff``, ``passthrough``."""
        return self.vertex.kind or ""

    @property
    def label(self) -> str:
        """The name, if any, or else a one-line description."""
        return dump.label(self.vertex)

    @property
    def name(self) -> str | None:
        """The custom name, if any."""
        return self.vertex.name

    @property
    def digest(self) -> str:
        """The digest of the operation."""
        return self.vertex.digest

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments of a process; empty for other steps."""
        return tuple(self._meta.get("args", ()))

    @property
    def command(self) -> str:
        """The shell command, or the quoted arguments of a process."""
        if self.args[:2] == DEFAULT_SHELL and len(self.args) == 3:
            return self.args[2]
        return shlex.join(self.args)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process."""
        pairs = (variable.partition("=") for variable in self._meta.get("env", ()))
        return {name: value for name, _, value in pairs}

    @property
    def cwd(self) -> str:
        """The working directory of a process."""
        return str(self._meta.get("cwd", ""))

    @property
    def user(self) -> str:
        """The user of a process, ``""`` for that of the image."""
        return str(self._meta.get("user", ""))

    @property
    def mounts(self) -> dict[str, Mapping[str, Any]]:
        """The mounts of a process by target, without the root, as in the dump."""
        mounts = {str(mount["dest"]): mount for mount in self.vertex.op.get("mounts", ())}
        return {target: mount for target, mount in mounts.items() if target != "/"}

    @property
    def platform(self) -> str | None:
        """The platform, if any."""
        return self.vertex.platform

    @property
    def where(self) -> str:
        """The source location as ``file:line``, or else the number as ``#1``."""
        return place(self.vertex.locations[0]) if self.vertex.locations else f"#{self.number}"

    @checked
    def is_after(self, other: Step) -> bool:
        """Check whether this step depends on another one, directly or indirectly."""
        pending, seen = list(self.inputs), set()
        while pending:
            step = pending.pop()
            if step is other:
                return True
            if step.number not in seen:
                seen.add(step.number)
                pending.extend(step.inputs)
        return False

    @property
    def _meta(self) -> Mapping[str, Any]:
        meta: Mapping[str, Any] = self.vertex.op.get("meta", {})
        return meta


@checked
def steps(build: Build) -> tuple[Step, ...]:
    """List the steps of a build, inputs first, as a dump numbers them.

    >>> from llb import Image
    >>> [step.label for step in steps(Image("alpine").run("make"))]
    ['docker-image://docker.io/library/alpine:latest', 'run make']
    """
    steps_by_digest: dict[str, Step] = {}
    for number, vertex in enumerate(to_definition(build).vertices(), 1):
        if vertex.kind is not None:
            steps_by_digest[vertex.digest] = Step(number, vertex, steps_by_digest)
    return tuple(steps_by_digest.values())


@checked
def step(build: Build, text: str) -> Step:
    """Find the only step whose name or command equals ``text``, or else contains it.

    Raises AssertionError if no step or several steps match.
    """
    definition = to_definition(build)
    return _find(definition, steps(definition), text)


@checked
def assert_runs(build: Build, command: str | Sequence[str]) -> Step:
    """Assert that a step runs a command that contains the string, or has these arguments.

    Returns the first such step.
    """
    definition = to_definition(build)
    processes = [process for process in steps(definition) if process.kind == "exec"]
    for process in processes:
        if isinstance(command, str):
            if command in process.command:
                return process
        elif tuple(command) == process.args:
            return process
    expected = command if isinstance(command, str) else shlex.join(command)
    suggestion = did_you_mean(expected, [process.command for process in processes])
    raise AssertionError(f"no step runs {expected!r}{_hint(suggestion)}\n{_render(definition)}")


@checked
def assert_before(build: Build, first: str, then: str) -> None:
    """Assert that the step ``then`` depends on ``first``; both are found as by :func:`step`."""
    definition = to_definition(build)
    all_steps = steps(definition)
    earlier, later = (_find(definition, all_steps, text) for text in (first, then))
    if not later.is_after(earlier):
        reason = "comes before it" if earlier.is_after(later) else "does not depend on it"
        raise AssertionError(
            f"{later.label!r} ({later.where}) is not after {earlier.label!r} ({earlier.where}): "
            f"it {reason}\n{_render(definition)}"
        )


@checked
def assert_independent(build: Build, one: str, other: str) -> None:
    """Assert that neither of two steps depends on the other, so they can run in parallel."""
    definition = to_definition(build)
    all_steps = steps(definition)
    left, right = (_find(definition, all_steps, text) for text in (one, other))
    for first, then in ((left, right), (right, left)):
        if then is first or then.is_after(first):
            raise AssertionError(
                f"{then.label!r} ({then.where}) depends on {first.label!r} ({first.where})\n"
                f"{_render(definition)}"
            )


@checked
def assert_same(one: Build, other: Build) -> None:
    """Assert that two builds are the same except for their source locations.

    The message shows the differences as :mod:`llb.compare` does, with ``one`` as the old build.
    """
    old, new = (without_lines(to_definition(build)) for build in (one, other))
    if old != new:
        comparison = compare(to_definition(one), to_definition(other))
        report = differences(comparison)
        if comparison.equal:
            report = "the steps are the same, but in a different order\n"
        raise AssertionError(f"the builds differ:\n{report}")


def _find(definition: Definition, candidates: Sequence[Step], text: str) -> Step:
    names = {
        candidate.number: (candidate.label, command_of(candidate.vertex), candidate.command)
        for candidate in candidates
    }
    exact = [candidate for candidate in candidates if text in names[candidate.number]]
    matching = exact or [
        candidate
        for candidate in candidates
        if any(text in name for name in names[candidate.number])
    ]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        suggestion = did_you_mean(
            text, [name for group in names.values() for name in group if name]
        )
        raise AssertionError(f"no step matches {text!r}{_hint(suggestion)}\n{_render(definition)}")
    labels = ", ".join(f"#{candidate.number} {candidate.label}" for candidate in matching)
    raise AssertionError(f"{len(matching)} steps match {text!r}: {labels}\n{_render(definition)}")


def _hint(suggestion: str | None) -> str:
    return "" if suggestion is None else f" ({suggestion})"


def _render(definition: Definition) -> str:
    return f"the build is\n{dump.tree(definition)}"
