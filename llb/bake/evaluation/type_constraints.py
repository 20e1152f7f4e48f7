"""Types that a bake file spells: ``string``, ``list(number)``, ``object({name = string})``."""

from __future__ import annotations

from llb.bake.hcl.expressions import parse_whole
from llb.bake.hcl.nodes import (
    Call,
    Expression,
    JsonText,
    Literal,
    ObjectOf,
    TupleOf,
    Wrapped,
    keyword,
)
from llb.bake.hcl.places import BakeFile
from llb.bake.hcl.tokens import Scanner
from llb.bake.values.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from llb.errors import did_you_mean

_KEYWORDS: dict[str, Type] = {"string": STRING, "number": NUMBER, "bool": BOOL, "any": DYNAMIC}
_COLLECTIONS = {"list": ListType, "set": SetType, "map": MapType}
_NAMES = (*_KEYWORDS, *_COLLECTIONS, "object", "tuple")


def type_of(expression: Expression) -> Type:
    """Read an expression as a type. Raises BakeFileError."""
    expression = _unwrapped(expression)
    word = keyword(expression)
    if word in _KEYWORDS:
        return _KEYWORDS[word]
    if isinstance(expression, Call):
        return _constructed(expression)
    if word in _NAMES:
        raise expression.place.error(f"the type '{word}' needs an argument, such as {word}(string)")
    if word is not None:
        raise expression.place.error(f"invalid type '{word}'", did_you_mean(word, _NAMES))
    raise expression.place.error("a type is expected, such as string or list(string)")


def _unwrapped(expression: Expression) -> Expression:
    """Parse the text of a JSON string as an expression."""
    if not isinstance(expression, JsonText):
        return expression
    place = expression.place
    return parse_whole(Scanner(BakeFile(place.source.name, expression.text)))


def _constructed(call: Call) -> Type:
    if call.name in _KEYWORDS:
        raise call.place.error(f"the type '{call.name}' has no arguments")
    if call.name == "optional":
        raise call.place.error("optional() is possible only for the attributes of an object")
    if call.name not in _NAMES:
        hint = did_you_mean(call.name, _NAMES)
        raise call.name_place.error(f"invalid type '{call.name}'", hint)
    if len(call.arguments) != 1:
        raise call.place.error(f"the type '{call.name}' has one argument")
    argument = call.arguments[0]
    if call.name == "object":
        return _object(argument)
    if call.name == "tuple":
        if not isinstance(argument, TupleOf):
            raise argument.place.error("tuple() needs a list of types")
        return TupleType(tuple(map(type_of, argument.elements)))
    return _COLLECTIONS[call.name](type_of(argument))


def _object(argument: Expression) -> Type:
    if not isinstance(argument, ObjectOf):
        raise argument.place.error("object() needs attributes with their types")
    attributes: dict[str, Type] = {}
    optional: set[str] = set()
    for key, kind in argument.items:
        name = keyword(key.inner)
        if name is None:
            raise key.place.error("the name of an attribute is expected")
        if name in attributes:
            raise key.place.error(f"the attribute '{name}' is there twice")
        if isinstance(kind, Call) and kind.name == "optional":
            if len(kind.arguments) != 1:
                raise kind.place.error("optional() has one argument, the type of the attribute")
            optional.add(name)
            attributes[name] = type_of(kind.arguments[0])
        else:
            attributes[name] = type_of(kind)
    return ObjectType.of(attributes, frozenset(optional))


def is_absent(expression: Expression | None) -> bool:
    """Check whether a variable has no type: it is not there, or null."""
    while isinstance(expression, Wrapped):
        expression = expression.inner
    return expression is None or (isinstance(expression, Literal) and expression.value.is_null)
