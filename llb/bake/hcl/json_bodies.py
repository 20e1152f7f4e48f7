"""Parse bake files in JSON: objects become the attributes and blocks that HCL would have."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.bake.hcl.expressions import parse_expression
from llb.bake.hcl.nodes import (
    Attribute,
    Block,
    Body,
    Expression,
    JsonText,
    Literal,
    ObjectKey,
    ObjectOf,
    TupleOf,
)
from llb.bake.hcl.templates import parse_bare
from llb.bake.hcl.tokens import Scanner
from llb.bake.values.numbers import parse_number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.value import NULL, boolean, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.bake.hcl.places import BakeFile, Place

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|[A-Za-z_]+")
_DEEPEST = 150


@frozen
class Schema:
    """The blocks that a body may have: the number of labels of each type, and its own schema."""

    blocks: Mapping[str, tuple[int, Schema]]


@frozen
class _Json:
    """A JSON value with its place: a scalar, a list, or pairs of keys and values."""

    content: Any
    place: Place

    @property
    def pairs(self) -> Sequence[tuple[_Json, _Json]]:
        """The members of an object."""
        if not isinstance(self.content, dict):
            raise self.place.error("an object is expected")
        return list(self.content.values())

    @property
    def objects(self) -> Sequence[_Json]:
        """An object, or the objects of a list."""
        return self.content if isinstance(self.content, list) else [self]


def parse_json_body(source: BakeFile, schema: Schema) -> Body:
    """Parse a file. Raises BakeFileError."""
    scanner = Scanner(source)
    value, end = _value(scanner, _skip(scanner, 0), 0)
    end = _skip(scanner, end)
    if end < len(source.text):
        raise scanner.place(end, end + 1).error("the end of the file is expected")
    return _body(value, schema)


def _body(value: _Json, schema: Schema) -> Body:
    attributes: dict[str, Attribute] = {}
    blocks: list[Block] = []
    for each in value.objects:
        for key, member in each.pairs:
            name = key.content
            if name == "//":
                continue
            if name in schema.blocks:
                labels, inner = schema.blocks[name]
                blocks += _blocks(key, member, labels, inner)
            else:
                attributes[name] = Attribute(
                    name,
                    _expression(member),
                    place=key.place.to(member.place),
                    name_place=key.place,
                )
    return Body(attributes, tuple(blocks), place=value.place)


def _blocks(key: _Json, value: _Json, labels: int, schema: Schema) -> list[Block]:
    if not labels:
        return [
            Block(key.content, (), _body(each, schema), label_places=(), place=key.place)
            for each in value.objects
        ]
    return [
        Block(
            key.content,
            (label.content,),
            _body(body, schema),
            label_places=(label.place,),
            place=key.place,
        )
        for each in value.objects
        for label, bodies in each.pairs
        for body in bodies.objects
    ]


def _expression(value: _Json) -> Expression:
    match value.content:
        case None:
            return Literal(NULL, place=value.place)
        case bool():
            return Literal(boolean(value.content), place=value.place)
        case str():
            return _text(value)
        case list():
            return TupleOf(tuple(map(_expression, value.content)), place=value.place)
        case dict():
            items = tuple(
                (ObjectKey(_text(key), forced=True, place=key.place), _expression(member))
                for key, member in value.pairs
            )
            return ObjectOf(items, place=value.place)
        case _:
            return Literal(number(value.content), place=value.place)


def _text(value: _Json) -> JsonText:
    """Parse the template in a string; its places are those of the text without JSON's escapes."""
    text = value.content
    place = value.place
    if place.text[1:-1] == text:
        scanner = Scanner(place.source, place.start + 1, place.end - 1)
    else:
        scanner = Scanner(type(place.source)(place.source.name, text))
    template = parse_bare(scanner, parse_expression)
    return JsonText(text, template, place=place)


def _skip(scanner: Scanner, offset: int) -> int:
    match = _SPACE.match(scanner.text, offset)
    assert match is not None
    return match.end()


def _value(scanner: Scanner, start: int, depth: int) -> tuple[_Json, int]:
    if depth > _DEEPEST:
        raise scanner.place(start, start + 1).error(f"values are nested more than {_DEEPEST} deep")
    match scanner.text[start : start + 1]:
        case "{":
            return _object(scanner, start, depth)
        case "[":
            return _list(scanner, start, depth)
        case '"':
            return _string(scanner, start)
        case _:
            return _word(scanner, start)


def _object(scanner: Scanner, start: int, depth: int) -> tuple[_Json, int]:
    members: dict[int, tuple[_Json, _Json]] = {}
    offset = _skip(scanner, start + 1)
    while scanner.text[offset : offset + 1] != "}":
        if members:
            offset = _skip(scanner, _expect(scanner, offset, ","))
        if scanner.text[offset : offset + 1] != '"':
            raise scanner.place(offset, offset + 1).error("a key in quotes is expected")
        key, offset = _string(scanner, offset)
        offset = _expect(scanner, _skip(scanner, offset), ":")
        value, offset = _value(scanner, _skip(scanner, offset), depth + 1)
        # A key may be there twice: blocks of one type, or one that HCL refuses.
        members[len(members)] = (key, value)
        offset = _skip(scanner, offset)
    return _Json(members, scanner.place(start, offset + 1)), offset + 1


def _list(scanner: Scanner, start: int, depth: int) -> tuple[_Json, int]:
    elements: list[_Json] = []
    offset = _skip(scanner, start + 1)
    while scanner.text[offset : offset + 1] != "]":
        if elements:
            offset = _skip(scanner, _expect(scanner, offset, ","))
        element, offset = _value(scanner, offset, depth + 1)
        elements.append(element)
        offset = _skip(scanner, offset)
    return _Json(elements, scanner.place(start, offset + 1)), offset + 1


def _string(scanner: Scanner, start: int) -> tuple[_Json, int]:
    match = _STRING.match(scanner.text, start)
    if match is None:
        raise scanner.place(start, start + 1).error("the string has no closing quote")
    place = scanner.place(start, match.end())
    try:
        return _Json(json.loads(match[0], strict=False), place), match.end()
    except ValueError as error:
        raise place.error(f"invalid string: {error}") from None


def _word(scanner: Scanner, start: int) -> tuple[_Json, int]:
    match = _WORD.match(scanner.text, start)
    place = scanner.place(start, start + 1 if match is None else match.end())
    word = "" if match is None else match[0]
    if word in {"true", "false", "null"}:
        return _Json({"true": True, "false": False, "null": None}[word], place), place.end
    try:
        return _Json(parse_number(word), place), place.end
    except Unsuitable:
        raise place.error("a JSON value is expected") from None


def _expect(scanner: Scanner, offset: int, character: str) -> int:
    if scanner.text[offset : offset + 1] != character:
        place = scanner.place(offset, offset + 1)
        found = f"'{place.text}'" if place.text else "the end of the file"
        raise place.error(f"'{character}' is expected, but found {found}")
    return offset + 1
