"""Variables of a bake file: their definitions, and values for them from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.bake.evaluation.type_constraints import is_absent, type_of
from llb.bake.hcl.nodes import JsonText
from llb.bake.values.conversion import convert
from llb.bake.values.json import from_json, to_json
from llb.bake.values.numbers import Number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    PRIMITIVES,
    STRING,
    Collection,
    ListType,
    MapType,
    SetType,
    TupleType,
    Type,
)
from llb.bake.values.value import (
    Value,
    boolean,
    list_of,
    map_of,
    null,
    number,
    set_of,
    string,
    tuple_of,
)
from llb.gocompat.csv import split_csv
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.bake.hcl.nodes import Attribute, Block, Expression
    from llb.bake.hcl.places import Place

_JSON_SUFFIX = "_JSON"


@frozen
class Validation:
    """A condition that the value of a variable must satisfy."""

    condition: Expression
    message: Expression | None


@frozen
class VariableDefinition:
    """A ``variable`` block. ``type`` is None if the block has none."""

    name: str
    place: Place = field(eq=False, repr=False)
    type: Type | None = None
    default: Attribute | None = None
    description: str = ""
    validations: tuple[Validation, ...] = ()

    @classmethod
    def from_block(
        cls, block: Block, constant: Callable[[Expression], Value]
    ) -> VariableDefinition:
        """Read a block. Raises BakeFileError."""
        attributes = block.body.attributes
        description = attributes.get("description")
        kind = attributes.get("type")
        return cls(
            block.labels[0],
            block.place,
            None if kind is None or is_absent(kind.value) else type_of(kind.value),
            attributes.get("default"),
            "" if description is None else _described(description, constant),
            tuple(map(_validation, (b for b in block.body.blocks if b.type == "validation"))),
        )


def _described(attribute: Attribute, constant: Callable[[Expression], Value]) -> str:
    if isinstance(attribute.value, JsonText):
        # It may have no variables, so that it is no template.
        return attribute.value.text
    try:
        converted = convert(constant(attribute.value), STRING)
    except Unsuitable as error:
        raise attribute.value.place.error(f"invalid description: {error}") from None
    return "" if converted.is_null else converted.text


def _validation(block: Block) -> Validation:
    attributes = block.body.attributes
    if "condition" not in attributes:
        raise block.place.error("a validation needs 'condition'")
    message = attributes.get("error_message")
    return Validation(attributes["condition"].value, None if message is None else message.value)


@frozen
class Override:
    """A value for a variable from the environment or the command line."""

    text: str
    is_json: bool = False


def find_override(
    name: str, look_up: Callable[[str], str | None], taken: Callable[[str], bool], *, typed: bool
) -> Override | None:
    """Look up the value for a variable: under its name, or as JSON under ``NAME_JSON``.

    The JSON is preferred for a variable with a type. It is not looked up if a variable has its name.
    """
    text = look_up(name)
    if text is None or typed:
        json_name = name + _JSON_SUFFIX
        json_text = None if taken(json_name) else look_up(json_name)
        if json_text is not None:
            return Override(json_text, is_json=True)
    return None if text is None else Override(text)


def overridden(definition: VariableDefinition, default: Value | None, override: Override) -> Value:
    """Convert the value from outside to the type of the variable. Raises Unsuitable."""
    kind = definition.type
    if kind is not None:
        return _typed(definition.name, kind, override)
    if default is None or default.type == DYNAMIC:
        return string(override.text)
    if default.type in PRIMITIVES:
        return _primitive(definition.name, override.text, default.type)
    raise Unsuitable(
        f"unsupported type {default.type.friendly} for variable {definition.name}:"
        " it has no type, so that its value cannot come from the environment"
    )


def _typed(name: str, kind: Type, override: Override) -> Value:
    if override.is_json:
        try:
            return from_json(override.text, kind)
        except Unsuitable as error:
            raise Unsuitable(f"failed to convert variable {name} from JSON: {error}") from None
    if isinstance(kind, Collection | TupleType):
        try:
            return _from_csv(name, override.text, kind)
        except Unsuitable as error:
            raise Unsuitable(f"failed to convert variable {name} from CSV: {error}") from None
    if kind in PRIMITIVES:
        return _primitive(name, override.text, kind)
    raise Unsuitable(f"unsupported type {kind.friendly} for variable {name}: use {name}_JSON")


def _primitive(name: str, text: str, kind: Type) -> Value:
    if kind == STRING:
        return string(text)
    try:
        if kind == BOOL:
            return boolean(parse_switch(text))
        if kind == NUMBER:
            return number(Number.from_double(float(text)))
    except ValueError:
        raise Unsuitable(f"failed to parse {name} as {kind.friendly}: {text!r}") from None
    raise Unsuitable(f"{name} of type {kind.friendly} is not a primitive")


def _from_csv(name: str, text: str, kind: Type) -> Value:
    try:
        fields = split_csv(text)
    except ValueError as error:
        raise Unsuitable(f"failed to parse {text} as CSV: {error}") from None
    match kind:
        case TupleType():
            if len(kind.elements) != len(fields):
                raise Unsuitable(
                    f"tuple expects {len(kind.elements)} elements but only {len(fields)} provided"
                )
            pairs = zip(fields, kind.elements, strict=True)
            return tuple_of(_element(name, part, each) for part, each in pairs)
        case MapType():
            members = dict(_pair(name, part, kind.element) for part in fields)
            return map_of(members, kind.element)
        case ListType():
            return list_of((_element(name, part, kind.element) for part in fields), kind.element)
        case SetType():
            return set_of((_element(name, part, kind.element) for part in fields), kind.element)
        case _:
            raise Unsuitable(f"unsupported type {kind.friendly} for CSV specification")


def _element(name: str, text: str, kind: Type) -> Value:
    if kind not in PRIMITIVES:
        raise Unsuitable(f"unsupported type {kind.friendly} for CSV specification")
    return _primitive(name, text, kind)


def _pair(name: str, text: str, kind: Type) -> tuple[str, Value]:
    parts = text.split(":")
    if len(parts) != 2:
        raise Unsuitable(f"expected one k/v pair but got {len(parts)} pieces from {text}")
    return parts[0], _element(name, parts[1], kind)


@frozen
class Variable:
    """A variable as ``--list`` shows it. The value of a null is None."""

    name: str
    description: str = ""
    type: str = ""
    value: str | None = None


def described(definition: VariableDefinition, value: Value) -> Variable:
    """Describe a variable and its value."""
    kind = definition.type
    text: str | None
    if value.is_null:
        text = None
    elif kind is not None:
        text = to_json(value)
        if kind == STRING:
            text = text.strip('"')
    else:
        text = convert(value, STRING).text if value.type in PRIMITIVES else to_json(value)
    constraint = "" if kind is None else kind.constraint
    return Variable(definition.name, definition.description, constraint, text)


def without_value(definition: VariableDefinition) -> Value:
    """The value of a variable that has no default: a null of its type, or an empty string."""
    return string("") if definition.type is None else null(definition.type)
