"""Evaluate expressions. Errors are BakeFileError, at the place of the smallest part to blame."""

from __future__ import annotations

from functools import singledispatch

from llb.bake.evaluation.access import attribute, index
from llb.bake.evaluation.calls import called
from llb.bake.evaluation.operators import binary, operand, unary
from llb.bake.evaluation.scope import Scope
from llb.bake.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttribute,
    Index,
    Joined,
    JsonText,
    Literal,
    Name,
    ObjectKey,
    ObjectOf,
    Splat,
    SplatItem,
    Template,
    TupleOf,
    Unary,
    Wrapped,
)
from llb.bake.values.conversion import convert, to_text
from llb.bake.values.convertibility import unify
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import BOOL, DYNAMIC, ListType, SetType, Type, is_sequence
from llb.bake.values.value import (
    EMPTY_TUPLE,
    NULL,
    Value,
    can_iterate,
    list_of,
    object_of,
    string,
    tuple_of,
)
from llb.errors import BakeFileError, did_you_mean

_LONGEST = 64 * 1024 * 1024


@singledispatch
def evaluate(expression: Expression, scope: Scope) -> Value:
    """Compute the value of an expression. Raises BakeFileError."""
    raise NotImplementedError(type(expression))


@evaluate.register
def _(expression: Literal, scope: Scope) -> Value:  # noqa: ARG001
    return expression.value


@evaluate.register
def _(expression: Wrapped, scope: Scope) -> Value:
    return evaluate(expression.inner, scope)


@evaluate.register
def _(expression: JsonText, scope: Scope) -> Value:
    return evaluate(expression.template, scope)


@evaluate.register
def _(expression: Template, scope: Scope) -> Value:
    texts = [_interpolated(piece, scope) for piece in expression.pieces]
    if sum(map(len, texts)) > _LONGEST:
        raise expression.place.error("the string is longer than 64 MB")
    return string("".join(texts))


def _interpolated(piece: Expression, scope: Scope) -> str:
    value = evaluate(piece, scope)
    if value.is_null:
        raise piece.place.error("null cannot be part of a string")
    try:
        return to_text(value)
    except Unsuitable as error:
        raise piece.place.error(f"invalid value in a string: {error}") from None


@evaluate.register
def _(expression: Joined, scope: Scope) -> Value:
    return string("".join(element.text for element in evaluate(expression.loop, scope).elements))


@evaluate.register
def _(expression: Name, scope: Scope) -> Value:
    value = scope.variable(expression.name)
    if value is None:
        hint = did_you_mean(expression.name, scope.variable_names())
        raise expression.place.error(f"there is no variable '{expression.name}'", hint)
    return value


@evaluate.register
def _(expression: GetAttribute, scope: Scope) -> Value:
    source = evaluate(expression.source, scope)
    try:
        return attribute(source, expression.name)
    except Unsuitable as error:
        raise expression.place.error(str(error)) from None


@evaluate.register
def _(expression: Index, scope: Scope) -> Value:
    source, key = evaluate(expression.source, scope), evaluate(expression.key, scope)
    try:
        return index(source, key)
    except Unsuitable as error:
        raise expression.bracket.error(str(error)) from None


@evaluate.register
def _(expression: SplatItem, scope: Scope) -> Value:
    assert scope.item is not None, expression
    return scope.item


@evaluate.register
def _(expression: Splat, scope: Scope) -> Value:
    source = evaluate(expression.source, scope)
    if not is_sequence(source.type):
        if source.is_null:
            return EMPTY_TUPLE
        source = tuple_of([source])
    elif source.is_null:
        raise expression.source.place.error("null has no elements")
    results = [evaluate(expression.each, scope.with_item(item)) for item in source.elements]
    if not isinstance(source.type, ListType | SetType):
        return tuple_of(results)
    if len({result.type for result in results}) > 1:
        raise expression.each.place.error("the elements of this list have different types")
    return list_of(results, DYNAMIC)


@evaluate.register
def _(expression: Call, scope: Scope) -> Value:
    return called(expression, scope, evaluate)


@evaluate.register
def _(expression: Unary, scope: Scope) -> Value:
    value = evaluate(expression.operand, scope)
    try:
        return unary(expression.operator, value)
    except Unsuitable as error:
        raise expression.operand.place.error(
            f"invalid operand of '{expression.operator}': {error}"
        ) from None


@evaluate.register
def _(expression: Binary, scope: Scope) -> Value:
    if expression.operator in {"&&", "||"}:
        return _logical(expression, scope)
    left = _operand(expression.left, expression.operator, scope)
    right = _operand(expression.right, expression.operator, scope)
    try:
        return binary(expression.operator, left, right)
    except Unsuitable as error:
        raise expression.place.error(str(error)) from None


def _operand(expression: Expression, operator: str, scope: Scope) -> Value:
    value = evaluate(expression, scope)
    try:
        return operand(value, operator)
    except Unsuitable as error:
        raise expression.place.error(f"invalid operand of '{operator}': {error}") from None


def _logical(expression: Binary, scope: Scope) -> Value:
    """Evaluate both operands; an error of one does not matter if the other decides."""
    results: list[Value] = []
    errors: list[BakeFileError] = []
    for side in (expression.left, expression.right):
        try:
            results.append(_operand(side, expression.operator, scope))
        except BakeFileError as error:
            errors.append(error)
    decisive = expression.operator == "||"
    for result in results:
        if result.is_true is decisive:
            return result
    if errors:
        raise errors[0]
    return binary(expression.operator, *results)


@evaluate.register
def _(expression: Conditional, scope: Scope) -> Value:
    chosen, other = expression.positive, expression.negative
    if not _condition(expression.condition, scope, "a condition"):
        chosen, other = other, chosen
    value = evaluate(chosen, scope)
    try:
        alternative = evaluate(other, scope)
    except BakeFileError:
        # What is not chosen may be invalid, and then has no type.
        return value
    common = _common_type(value, alternative)
    if common is None:
        place = expression.positive.place.to(expression.negative.place)
        raise place.error(
            "both results of a conditional must have one type, but one is"
            f" {value.type.friendly} and the other {alternative.type.friendly}"
        )
    try:
        return convert(value, common)
    except Unsuitable as error:
        raise chosen.place.error(f"invalid result of a conditional: {error}") from None


def _common_type(value: Value, alternative: Value) -> Type | None:
    if value == NULL:
        return alternative.type
    if alternative == NULL:
        return value.type
    if DYNAMIC in {value.type, alternative.type}:
        return DYNAMIC
    return unify([value.type, alternative.type])


def _condition(expression: Expression, scope: Scope, what: str) -> bool:
    value = evaluate(expression, scope)
    if value.is_null:
        raise expression.place.error(f"{what} must be true or false, not null")
    try:
        return convert(value, BOOL).is_true
    except Unsuitable as error:
        raise expression.place.error(f"{what} must be true or false: {error}") from None


@evaluate.register
def _(expression: TupleOf, scope: Scope) -> Value:
    return tuple_of(evaluate(element, scope) for element in expression.elements)


@evaluate.register
def _(expression: ObjectOf, scope: Scope) -> Value:
    members: dict[str, Value] = {}
    for key, value in expression.items:
        members[_key(key, scope)] = evaluate(value, scope)
    return object_of(members)


def _key(key: ObjectKey, scope: Scope) -> str:
    if key.literal is not None:
        return key.literal
    if not key.forced and isinstance(key.inner, GetAttribute | Index):
        raise key.place.error(
            "the key may be a reference or a name with periods",
            "write it in parentheses as a reference, or in quotes as a name",
        )
    return _text_key(key.inner, scope)


def _text_key(expression: Expression, scope: Scope) -> str:
    value = evaluate(expression, scope)
    if value.is_null:
        raise expression.place.error("null cannot be a key")
    try:
        return to_text(value)
    except Unsuitable as error:
        raise expression.place.error(f"invalid key: {error}") from None


@evaluate.register
def _(expression: For, scope: Scope) -> Value:
    source = evaluate(expression.source, scope)
    if not can_iterate(source):
        kind = "null" if source.is_null else f"a {source.type.friendly}"
        raise expression.source.place.error(f"{kind} has no elements for a loop")
    inner_scopes = [_loop_scope(expression, scope, key, value) for key, value in source.pairs()]
    if expression.condition is not None:
        condition = expression.condition
        inner_scopes = [inner for inner in inner_scopes if _condition(condition, inner, "'if'")]
    if expression.key is None:
        return tuple_of(evaluate(expression.value, inner) for inner in inner_scopes)
    return _loop_object(expression, expression.key, inner_scopes)


def _loop_scope(expression: For, scope: Scope, key: Value, value: Value) -> Scope:
    variables = {expression.value_name: value}
    if expression.key_name is not None:
        variables = {expression.key_name: key, **variables}
    return scope.child(variables)


def _loop_object(expression: For, key: Expression, scopes: list[Scope]) -> Value:
    groups: dict[str, list[Value]] = {}
    for inner in scopes:
        name = _text_key(key, inner)
        if name in groups and not expression.groups:
            raise key.place.error(
                f"two elements have the key '{name}'", "write '...' after the value to group them"
            )
        groups.setdefault(name, []).append(evaluate(expression.value, inner))
    if expression.groups:
        return object_of({name: tuple_of(values) for name, values in groups.items()})
    return object_of({name: values[0] for name, values in groups.items()})
