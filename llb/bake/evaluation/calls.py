"""Call functions: find them, convert their arguments, and add the place to their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llb.bake.evaluation.type_constraints import type_of
from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import is_sequence, without_optional
from llb.bake.values.value import FALSE, TRUE, Value
from llb.errors import BakeFileError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.bake.evaluation.functions import Function
    from llb.bake.evaluation.scope import Scope
    from llb.bake.hcl.nodes import Call, Expression
    from llb.bake.hcl.places import Place

# Their arguments are not evaluated before the call.
SPECIAL_FORMS = {
    "can": "can(expression): whether an expression has a value",
    "convert": "convert(value, type): the value converted to a type",
    "try": "try(expressions...): the value of the first expression that has one",
}


class Evaluate(Protocol):
    """The evaluation of expressions, which is passed in: it needs calls itself."""

    def __call__(self, expression: Expression, scope: Scope, /) -> Value:
        """Compute the value of an expression."""


def called(call: Call, scope: Scope, evaluate: Evaluate) -> Value:
    """Compute the value of a call. Raises BakeFileError."""
    if call.name in SPECIAL_FORMS:
        return _special(call, scope, evaluate)
    function = scope.function(call.name)
    if function is None:
        hint = did_you_mean(call.name, [*scope.function_names(), *SPECIAL_FORMS])
        raise call.name_place.error(f"there is no function '{call.name}'", hint)
    arguments = _arguments(call, scope, evaluate)
    _check_count(call, function, len(arguments))
    values = [_argument(function, at, *argument) for at, argument in enumerate(arguments)]
    try:
        return function.run(*values)
    except Unsuitable as error:
        place = call.place
        if error.argument is not None and error.argument < len(arguments):
            place = arguments[error.argument][1]
        raise place.error(f"{call.name}: {error}") from None
    except RecursionError:
        raise call.place.error(f"{call.name}: the calls are nested too deep") from None


def _special(call: Call, scope: Scope, evaluate: Evaluate) -> Value:
    count = {"can": 1, "convert": 2}.get(call.name)
    if not call.arguments or call.expands or (count and len(call.arguments) != count):
        raise call.place.error(f"{call.name} has {count or 'one or more'} arguments")
    if call.name == "convert":
        return _converted(call, scope, evaluate)
    if call.name == "can":
        try:
            evaluate(call.arguments[0], scope)
        except BakeFileError:
            return FALSE
        return TRUE
    errors: list[BakeFileError] = []
    for argument in call.arguments:
        try:
            return evaluate(argument, scope)
        except BakeFileError as error:
            errors.append(error)
    reasons = "; ".join(error.title for error in errors)
    raise call.place.error(f"try: no expression has a value: {reasons}")


def _converted(call: Call, scope: Scope, evaluate: Evaluate) -> Value:
    kind = without_optional(type_of(call.arguments[1]))
    value = evaluate(call.arguments[0], scope)
    try:
        return convert(value, kind)
    except Unsuitable as error:
        raise call.arguments[0].place.error(f"convert: {error}") from None


def _arguments(call: Call, scope: Scope, evaluate: Evaluate) -> list[tuple[Value, Place]]:
    arguments = [(evaluate(each, scope), each.place) for each in call.arguments]
    if not call.expands:
        return arguments
    last, place = arguments.pop()
    if last.is_null or not is_sequence(last.type):
        kind = "null" if last.is_null else f"a {last.type.friendly}"
        raise place.error(f"a list, set or tuple is expected before '...', but this is {kind}")
    return arguments + [(element, place) for element in last.elements]


def _check_count(call: Call, function: Function, count: int) -> None:
    names = [parameter.name for parameter in function.parameters]
    if count < len(names):
        listed = ", ".join(f"'{name}'" for name in names[count:])
        raise call.place.error(f"{call.name}: missing {listed}", function.signature)
    if function.variadic is None and count > len(names):
        raise call.place.error(f"{call.name}: {count} arguments are too many", function.signature)


def _argument(function: Function, at: int, value: Value, place: Place) -> Value:
    parameter = function.parameter(at)
    try:
        converted = convert(value, parameter.type)
    except Unsuitable as error:
        raise place.error(f"{function.name}: invalid '{parameter.name}': {error}") from None
    if converted.is_null and not parameter.nullable:
        raise place.error(f"{function.name}: '{parameter.name}' must not be null")
    return converted


def names(functions: Sequence[Function]) -> list[str]:
    """List the names of functions and special forms, sorted."""
    return sorted([*(function.name for function in functions), *SPECIAL_FORMS])
