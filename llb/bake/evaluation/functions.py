"""What a function of bake files is: its name, its parameters, and what it does with values."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.bake.values.types import DYNAMIC, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llb.bake.values.value import Value


@frozen
class Parameter:
    """A parameter: its name, the type that arguments are converted to, and whether null is allowed."""

    name: str
    type: Type = DYNAMIC
    nullable: bool = False


@frozen
class Function:
    """A function. ``run`` gets the converted arguments, and raises Unsuitable."""

    name: str
    parameters: tuple[Parameter, ...]
    variadic: Parameter | None
    run: Callable[..., Value] = field(eq=False)
    description: str = ""

    def parameter(self, index: int) -> Parameter:
        """The parameter for the argument at an index."""
        if index < len(self.parameters):
            return self.parameters[index]
        assert self.variadic is not None
        return self.variadic

    @property
    def signature(self) -> str:
        """The name and the parameters, for the documentation."""
        names = [parameter.name for parameter in self.parameters]
        if self.variadic is not None:
            names.append(f"{self.variadic.name}...")
        return f"{self.name}({', '.join(names)})"


def define(
    name: str, *parameters: Parameter, variadic: Parameter | None = None
) -> Callable[[Callable[..., Value]], Function]:
    """Define a function by what it runs; the first line of the docstring describes it."""

    def defined(run: Callable[..., Value]) -> Function:
        description = (inspect.getdoc(run) or "").split("\n", 1)[0]
        return Function(name, parameters, variadic, run, description)

    return defined


def collected(*modules: object) -> Sequence[Function]:
    """List the functions that modules define, by name."""
    functions = (
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Function)
    )
    return sorted(functions, key=lambda function: function.name)
