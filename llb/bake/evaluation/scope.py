"""What names mean where an expression is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.bake.evaluation.functions import Function
    from llb.bake.values.value import Value


@frozen(eq=False)
class Scope:
    """Variables and functions by name, and those of the scope around it."""

    variables: Mapping[str, Value]
    functions: Mapping[str, Function] = field(factory=dict)
    outer: Scope | None = None
    item: Value | None = None

    def child(self, variables: Mapping[str, Value]) -> Scope:
        """Create a scope inside this one, with more variables."""
        return Scope(variables, {}, self, self.item)

    def with_item(self, item: Value) -> Scope:
        """Create a scope inside this one for an element of a splat."""
        return Scope({}, {}, self, item)

    def variable(self, name: str) -> Value | None:
        """Look up a variable; None if there is none."""
        for scope in self._outwards():
            if name in scope.variables:
                return scope.variables[name]
        return None

    def function(self, name: str) -> Function | None:
        """Look up a function; None if there is none."""
        for scope in self._outwards():
            if name in scope.functions:
                return scope.functions[name]
        return None

    def variable_names(self) -> list[str]:
        """List the names of all variables."""
        return [name for scope in self._outwards() for name in scope.variables]

    def function_names(self) -> list[str]:
        """List the names of all functions."""
        return [name for scope in self._outwards() for name in scope.functions]

    def _outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer
