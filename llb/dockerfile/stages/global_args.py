"""Global arguments, declared before the first FROM: their values and dependencies."""

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
    """Variables that record which names are looked up, in order.

    ``found`` are the names that are set, ``missing`` those that are not.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.found: dict[str, None] = {}
        self.missing: dict[str, None] = {}

    def __getitem__(self, key: str) -> str:
        """Look up a variable, and record its name."""
        (self.found if key in self._values else self.missing)[key] = None
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order in which they were set."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the variables that are set."""
        return len(self._values)


@define
class Declaration:
    """The last declaration of an argument, and the arguments that its value depends on."""

    name: str
    value: str | None
    origin: Origin
    needs: frozenset[str] = frozenset()


@define
class Globals:
    """The global arguments: all values, and the declarations in the file."""

    values: dict[str, str]
    declared: dict[str, Declaration] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that FROM may use, with or without a value."""
        return tuple(dict.fromkeys((*self.declared, *self.values)))


def global_arguments(
    instructions: Iterable[Instruction],
    automatic: Mapping[str, str],
    build_args: Mapping[str, str],
    expander: Expander,
) -> Globals:
    """Evaluate the global arguments of a file; ``build_args`` override their defaults.

    Raises DockerfileError.
    """
    arguments = Globals(dict(automatic))
    for origin, name, default in _declarations(instructions):
        needs: set[str] = set()
        value = build_args.get(name)
        if name not in build_args and default is not None:
            variables = Lookups(arguments.values)
            try:
                value = expander.word(default, variables)
            except ExpansionError as error:
                raise errors.substitution(origin.span, default, str(error)) from error
            needs = set(variables.found)
            if name in needs:
                # A value that refers to its own argument needs the dependencies of the old value.
                before = arguments.declared.get(name)
                needs = (needs - {name}) | (before.needs if before else frozenset())
        if value is not None:
            arguments.values[name] = value
        arguments.declared[name] = Declaration(name, value, origin, frozenset(needs))
    return arguments


def _declarations(
    instructions: Iterable[Instruction],
) -> Iterator[tuple[Origin, str, str | None]]:
    for instruction in instructions:
        if isinstance(instruction, From):
            return
        if isinstance(instruction, Arg):
            for name, default in instruction.args:
                yield instruction.origin, name, default
