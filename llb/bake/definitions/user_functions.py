"""Functions that a bake file defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.bake.evaluation.expressions import evaluate
from llb.bake.evaluation.functions import Function, Parameter
from llb.bake.hcl.nodes import TupleOf, Wrapped, keyword
from llb.bake.values.value import tuple_of

if TYPE_CHECKING:
    from llb.bake.evaluation.scope import Scope
    from llb.bake.hcl.nodes import Attribute, Block, Expression
    from llb.bake.hcl.places import Place
    from llb.bake.values.value import Value

_ATTRIBUTES = ("params", "variadic_params", "result")


@frozen
class UserFunction:
    """A ``function`` block: its parameters, and the expression of its result."""

    name: str
    parameters: tuple[str, ...]
    variadic: str | None
    result: Expression
    place: Place = field(eq=False, repr=False)

    @classmethod
    def from_block(cls, block: Block) -> UserFunction:
        """Read a block. Raises BakeFileError."""
        attributes = block.body.attributes
        for name, attribute in attributes.items():
            if name not in _ATTRIBUTES:
                raise attribute.name_place.error(
                    f"invalid attribute '{name}' of a function: expected {', '.join(_ATTRIBUTES)}"
                )
        for name in ("params", "result"):
            if name not in attributes:
                raise block.place.error(f"the function '{block.labels[0]}' needs '{name}'")
        variadic = attributes.get("variadic_params")
        return cls(
            block.labels[0],
            _names(attributes["params"]),
            None if variadic is None else _name(variadic.value),
            attributes["result"].value,
            block.place,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters."""
        return (*self.parameters, *(() if self.variadic is None else (self.variadic,)))

    def to_function(self, scope: Scope) -> Function:
        """Create the function, which is evaluated in a scope inside this one."""

        def run(*arguments: Value) -> Value:
            variables = dict(zip(self.parameters, arguments, strict=False))
            if self.variadic is not None:
                variables[self.variadic] = tuple_of(arguments[len(self.parameters) :])
            return evaluate(self.result, scope.child(variables))

        return Function(
            self.name,
            tuple(Parameter(name) for name in self.parameters),
            None if self.variadic is None else Parameter(self.variadic),
            run,
        )


def _names(attribute: Attribute) -> tuple[str, ...]:
    value = attribute.value
    while isinstance(value, Wrapped):
        value = value.inner
    if not isinstance(value, TupleOf):
        raise value.place.error("the parameters of a function are a list of names")
    return tuple(map(_name, value.elements))


def _name(expression: Expression) -> str:
    name = keyword(expression)
    if name is None:
        raise expression.place.error("the name of a parameter is expected")
    return name
