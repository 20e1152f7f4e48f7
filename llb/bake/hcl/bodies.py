"""Parse bodies: attributes and blocks, of a file or between braces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.hcl.expressions import parse_expression
from llb.bake.hcl.nodes import Attribute, Block, Body
from llb.bake.hcl.string_literals import unescape_quoted
from llb.bake.hcl.tokens import END, NAME, NEWLINE, QUOTE, Scanner, Token

if TYPE_CHECKING:
    from llb.bake.hcl.places import BakeFile, Place

_LABEL_END = '"'


def parse_body(source: BakeFile) -> Body:
    """Parse a file. Raises BakeFileError."""
    scanner = Scanner(source, start=1 if source.text.startswith("\ufeff") else 0)
    return _items(scanner, END, scanner.place(0, 0))


def _items(scanner: Scanner, end: str, opening: Place) -> Body:
    attributes: dict[str, Attribute] = {}
    blocks: list[Block] = []
    with scanner.lines(matter=True):
        while (closing := scanner.accept(end)) is None:
            if scanner.accept(NEWLINE):
                continue
            item = _item(scanner, opening, end)
            if isinstance(item, Block):
                blocks.append(item)
            else:
                _add(attributes, item)
    return Body(attributes, tuple(blocks), place=opening.to(closing.place))


def _add(attributes: dict[str, Attribute], item: Attribute) -> None:
    if item.name in attributes:
        first = attributes[item.name].name_place
        raise item.name_place.error(f"'{item.name}' is set twice, first at {first}")
    attributes[item.name] = item


def _item(scanner: Scanner, opening: Place, end: str) -> Attribute | Block:
    token = scanner.peek()
    if token.kind == END and end != END:
        raise opening.error("the block has no closing '}'")
    if token.kind == QUOTE:
        raise token.place.error("the name of an attribute has no quotes")
    name = scanner.expect(NAME, "the name of an attribute or block is expected")
    item = _attribute(scanner, name) if scanner.peek().kind == "=" else _block(scanner, name)
    after = scanner.peek()
    if after.kind not in {NEWLINE, END}:
        raise after.place.error(f"a new line is expected, but found {after.describe()}")
    scanner.accept(NEWLINE)
    return item


def _attribute(scanner: Scanner, name: Token) -> Attribute:
    scanner.next()
    value = parse_expression(scanner)
    place = name.place.to(value.place)
    return Attribute(name.text, value, name_place=name.place, place=place)


def _block(scanner: Scanner, name: Token) -> Block:
    labels: list[str] = []
    places: list[Place] = []
    while (brace := scanner.accept("{")) is None:
        token = scanner.peek()
        if token.kind == QUOTE:
            label, place = _label(scanner)
        elif token.kind == NAME:
            label, place = token.text, scanner.next().place
        elif labels:
            raise token.place.error(f"'{{' is expected, but found {token.describe()}")
        else:
            raise token.place.error(
                f"'=' or a block is expected after '{name.text}', but found {token.describe()}"
            )
        labels.append(label)
        places.append(place)
    head = name.place.to(places[-1]) if places else name.place
    body = _braces(scanner, brace.place)
    return Block(name.text, tuple(labels), body, label_places=tuple(places), place=head)


def _braces(scanner: Scanner, brace: Place) -> Body:
    """Parse the body of a block, which may be one attribute on the same line."""
    if scanner.peek().kind != NAME:
        return _items(scanner, "}", brace)
    name = scanner.next()
    scanner_token = scanner.peek()
    if scanner_token.kind != "=":
        raise scanner_token.place.error(
            "a block on one line has one attribute, 'name = value',"
            f" but found {scanner_token.describe()}"
        )
    attribute = _attribute(scanner, name)
    closing = scanner.expect("}", "a block on one line has one attribute and ends with '}'")
    return Body({name.text: attribute}, (), place=brace.to(closing.place))


def _label(scanner: Scanner) -> tuple[str, Place]:
    opening = scanner.next()
    start = scanner.offset
    end = start
    while (character := scanner.text[end : end + 1]) != _LABEL_END:
        if character in {"", "\n"}:
            raise opening.place.error("the string has no closing quote")
        if scanner.text.startswith(("${", "%{"), end) and scanner.text[end - 1] != character:
            place = scanner.place(end, end + 2)
            raise place.error(
                f"a label cannot have '{place.text}'",
                f"write '{character}{place.text}' for the text",
            )
        end += 2 if character == "\\" else 1
    scanner.offset = end + 1
    label = unescape_quoted(scanner.text[start:end], scanner.place(start, end))
    return label, scanner.place(opening.place.start, end + 1)
