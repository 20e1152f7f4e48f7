"""Steps of a build to look at, and assertions on how they hang together."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb import dump
from llb.compare import compare
from llb.compare import render as differences
from llb.dump.labels import command as command_of
from llb.dump.labels import place
from llb.errors import did_you_mean
from llb.ops.defaults import SHELL
from llb.testing.definitions import Build, to_definition, without_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb import Definition
    from llb.definition.decode import Vertex


@frozen(eq=False)
class Step:
    """A step of a build, and the steps that it takes something from.

    ``number`` is that of the dump, from 1.
    """

    number: int
    vertex: Vertex = field(repr=False)
    _all: Mapping[str, Step] = field(repr=False)

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The steps that it takes something from, in the order of the operation."""
        return tuple(self._all[digest] for digest, _ in self.vertex.inputs)

    @property
    def kind(self) -> str:
        """What it is: ``source``, ``exec``, ``file``, ``build``, ``merge``, ``diff``, ``passthrough``."""
        return self.vertex.kind or ""

    @property
    def label(self) -> str:
        """What it does, in a line; its name where it has one."""
        return dump.label(self.vertex)

    @property
    def name(self) -> str | None:
        """The name that it was given."""
        return self.vertex.name

    @property
    def digest(self) -> str:
        """The digest of the operation."""
        return self.vertex.digest

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments of a process; of any other step none."""
        return tuple(self._meta.get("args", ()))

    @property
    def command(self) -> str:
        """What a shell is given, or the arguments of a process as one would type them."""
        if self.args[:2] == SHELL and len(self.args) == 3:
            return self.args[2]
        return shlex.join(self.args)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process."""
        pairs = (each.partition("=") for each in self._meta.get("env", ()))
        return {name: value for name, _, value in pairs}

    @property
    def cwd(self) -> str:
        """The directory of a process."""
        return str(self._meta.get("cwd", ""))

    @property
    def user(self) -> str:
        """The user of a process, ``""`` for that of the image."""
        return str(self._meta.get("user", ""))

    @property
    def mounts(self) -> dict[str, Mapping[str, Any]]:
        """The mounts of a process by target, the root left out, as the dump has them."""
        found = {str(each["dest"]): each for each in self.vertex.op.get("mounts", ())}
        return {target: each for target, each in found.items() if target != "/"}

    @property
    def platform(self) -> str | None:
        """The platform that it is for, where it has one."""
        return self.vertex.platform

    @property
    def where(self) -> str:
        """The line that made it, as ``file:line``, or its number as ``#1``."""
        return place(self.vertex.locations[0]) if self.vertex.locations else f"#{self.number}"

    def is_after(self, other: Step) -> bool:
        """Return whether it takes something from another step, directly or by way of others."""
        left, seen = list(self.inputs), set()
        while left:
            step = left.pop()
            if step is other:
                return True
            if step.number not in seen:
                seen.add(step.number)
                left.extend(step.inputs)
        return False

    @property
    def _meta(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.vertex.op.get("meta", {})
        return found


def steps(build: Build) -> tuple[Step, ...]:
    """Return the steps of a build, inputs first, as a dump numbers them.

    >>> from llb import Image
    >>> [each.label for each in steps(Image("alpine").run("make"))]
    ['docker-image://docker.io/library/alpine:latest', 'run make']
    """
    found: dict[str, Step] = {}
    for number, vertex in enumerate(to_definition(build).vertices(), 1):
        if vertex.kind is not None:
            found[vertex.digest] = Step(number, vertex, found)
    return tuple(found.values())


def step(build: Build, text: str) -> Step:
    """Return the only step whose name or command is ``text``, or else contains it.

    Raises AssertionError where there is none, or there are several.
    """
    definition = to_definition(build)
    return _one(definition, steps(definition), text)


def assert_runs(build: Build, command: str | Sequence[str]) -> Step:
    """Assert that a process is run: one whose command contains a text, or with these arguments.

    Returns the first such step.
    """
    definition = to_definition(build)
    processes = [each for each in steps(definition) if each.kind == "exec"]
    for each in processes:
        if isinstance(command, str):
            if command in each.command:
                return each
        elif tuple(command) == each.args:
            return each
    asked = command if isinstance(command, str) else shlex.join(command)
    near = did_you_mean(asked, [each.command for each in processes])
    raise AssertionError(f"no step runs {asked!r}{_hint(near)}\n{_shown(definition)}")


def assert_before(build: Build, first: str, then: str) -> None:
    """Assert that a step needs another one, by their texts as :func:`step` takes them."""
    definition = to_definition(build)
    found = steps(definition)
    one, other = (_one(definition, found, text) for text in (first, then))
    if not other.is_after(one):
        reason = "comes before it" if one.is_after(other) else "does not depend on it"
        raise AssertionError(
            f"{other.label!r} ({other.where}) is not after {one.label!r} ({one.where}): "
            f"it {reason}\n{_shown(definition)}"
        )


def assert_independent(build: Build, one: str, other: str) -> None:
    """Assert that neither of two steps needs the other, so that they can run at the same time."""
    definition = to_definition(build)
    found = steps(definition)
    left, right = (_one(definition, found, text) for text in (one, other))
    for first, then in ((left, right), (right, left)):
        if then is first or then.is_after(first):
            raise AssertionError(
                f"{then.label!r} ({then.where}) depends on {first.label!r} ({first.where})\n"
                f"{_shown(definition)}"
            )


def assert_same(one: Build, other: Build) -> None:
    """Assert that two builds are the same but for the lines that they were written in.

    The differences are told in the words of :mod:`llb.compare`, ``one`` being the old.
    """
    old, new = (without_lines(to_definition(each)) for each in (one, other))
    if old != new:
        found = compare(to_definition(one), to_definition(other))
        text = differences(found)
        if found.equal:
            text = "the steps are the same, in another order\n"
        raise AssertionError(f"the builds are not the same:\n{text}")


def _one(definition: Definition, found: Sequence[Step], text: str) -> Step:
    names = {each.number: (each.label, command_of(each.vertex), each.command) for each in found}
    exact = [each for each in found if text in names[each.number]]
    matching = exact or [each for each in found if any(text in name for name in names[each.number])]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        near = did_you_mean(text, [name for each in names.values() for name in each if name])
        raise AssertionError(f"no step is {text!r}{_hint(near)}\n{_shown(definition)}")
    told = ", ".join(f"#{each.number} {each.label}" for each in matching)
    raise AssertionError(f"{len(matching)} steps are {text!r}: {told}\n{_shown(definition)}")


def _hint(near: str | None) -> str:
    return "" if near is None else f" ({near})"


def _shown(definition: Definition) -> str:
    return f"the build is\n{dump.tree(definition)}"
