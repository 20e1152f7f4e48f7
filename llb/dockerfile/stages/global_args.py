"""Arguments before the first FROM: their values, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.nodes import Arg, From
from llb.dockerfile.shell.expand import ExpansionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.dockerfile.instructions.nodes import Instruction, Origin
    from llb.dockerfile.shell.expand import Expander


class Lookups(Mapping[str, str]):
    """Variables that remember which of them were asked for, in that order.

    ``found`` are those that are set, ``missing`` those that are not.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.found: dict[str, None] = {}
        self.missing: dict[str, None] = {}

    def __getitem__(self, key: str) -> str:
        """Return the value of a variable, and remember that it was asked for."""
        (self.found if key in self._values else self.missing)[key] = None
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        """Return the names, in the order in which they were set."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many are set."""
        return len(self._values)


@define
class Declared:
    """An argument as it was declared last, and the arguments that its value is made of."""

    name: str
    value: str | None
    origin: Origin
    needs: frozenset[str] = frozenset()


@define
class Globals:
    """The arguments before the first FROM: all values, and what the file itself declares."""

    values: dict[str, str]
    declared: dict[str, Declared] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that FROM may use, with a value or without one."""
        return tuple(dict.fromkeys((*self.declared, *self.values)))


def global_arguments(
    instructions: Iterable[Instruction],
    automatic: Mapping[str, str],
    given: Mapping[str, str],
    expander: Expander,
) -> Globals:
    """Return the global arguments of a file, with those that are ``given`` in place of defaults.

    Raises DockerfileError.
    """
    found = Globals(dict(automatic))
    for origin, name, default in _declarations(instructions):
        needs: set[str] = set()
        value = given.get(name)
        if name not in given and default is not None:
            variables = Lookups(found.values)
            try:
                value = expander.word(default, variables)
            except ExpansionError as error:
                raise errors.substitution(origin.span, default, str(error)) from error
            needs = set(variables.found)
            if name in needs:
                # An argument made of itself needs what it was made of before.
                before = found.declared.get(name)
                needs = (needs - {name}) | (before.needs if before else frozenset())
        if value is not None:
            found.values[name] = value
        found.declared[name] = Declared(name, value, origin, frozenset(needs))
    return found


def _declarations(
    instructions: Iterable[Instruction],
) -> Iterator[tuple[Origin, str, str | None]]:
    for each in instructions:
        if isinstance(each, From):
            return
        if isinstance(each, Arg):
            for name, default in each.args:
                yield each.origin, name, default
