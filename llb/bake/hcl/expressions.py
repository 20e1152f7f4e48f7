"""Parse expressions: operators by precedence, then terms, and what follows a term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttribute,
    Index,
    Literal,
    Name,
    ObjectKey,
    ObjectOf,
    Splat,
    SplatItem,
    TupleOf,
    Unary,
    Wrapped,
)
from llb.bake.hcl.templates import parse_heredoc, parse_loop_names, parse_quoted
from llb.bake.hcl.tokens import END, NAME, NEWLINE, NUMBER, Scanner, Token
from llb.bake.values.numbers import parse_number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.value import FALSE, NULL, TRUE, number

if TYPE_CHECKING:
    from llb.bake.hcl.places import Place

_PRECEDENCE = {
    operator: level
    for level, operators in enumerate(
        (("||",), ("&&",), ("==", "!="), (">", ">=", "<", "<="), ("+", "-"), ("*", "/", "%"))
    )
    for operator in operators
}
_KEYWORDS = {"true": TRUE, "false": FALSE, "null": NULL}
_DEEPEST = 60


def parse_expression(scanner: Scanner) -> Expression:
    """Parse an expression. Raises BakeFileError."""
    scanner.depth += 1
    if scanner.depth > _DEEPEST:
        raise scanner.peek().place.error(f"expressions are nested more than {_DEEPEST} deep")
    try:
        return _conditional(scanner)
    finally:
        scanner.depth -= 1


def _conditional(scanner: Scanner) -> Expression:
    condition = _binary(scanner, 0)
    if scanner.accept("?") is None:
        return condition
    positive = parse_expression(scanner)
    scanner.expect(":", "a conditional needs ':' and the result for false")
    negative = parse_expression(scanner)
    return Conditional(condition, positive, negative, place=condition.place.to(negative.place))


def _binary(scanner: Scanner, lowest: int) -> Expression:
    """Parse operators of at least this precedence; those of one precedence bind to the left."""
    left = _term_with_steps(scanner)
    while (level := _PRECEDENCE.get(scanner.peek().kind, -1)) >= lowest:
        operator = scanner.next()
        right = _binary(scanner, level + 1)
        left = Binary(operator.kind, left, right, place=left.place.to(right.place))
    return left


def _term_with_steps(scanner: Scanner) -> Expression:
    return _steps(scanner, _term(scanner))


def _steps(scanner: Scanner, term: Expression) -> Expression:
    """Parse the attributes, indices and splats after a term."""
    while True:
        if scanner.accept("."):
            term = _after_dot(scanner, term)
        elif opening := scanner.accept("["):
            term = _after_bracket(scanner, term, opening)
        else:
            return term


def _after_dot(scanner: Scanner, source: Expression) -> Expression:
    token = scanner.next()
    match token.kind:
        case "name":
            return GetAttribute(source, token.text, place=source.place.to(token.place))
        case "number":
            return _legacy_index(source, token)
        case "*":
            return _attribute_splat(scanner, source, token)
        case _:
            raise token.place.error(
                f"the name of an attribute is expected after '.', but found {token.describe()}"
            )


def _legacy_index(source: Expression, token: Token) -> Expression:
    if not token.text.isdecimal():
        first, _, second = token.text.partition(".")
        raise token.place.error(
            f"invalid index '.{token.text}'", f"write [{first}][{second}] for two indices"
        )
    return Index(source, _number(token), bracket=token.place, place=source.place.to(token.place))


def _attribute_splat(scanner: Scanner, source: Expression, star: Token) -> Expression:
    """Parse ``source.*.a.b``, in which only attributes belong to the elements."""
    each: Expression = SplatItem(place=star.place)
    while scanner.accept("."):
        token = scanner.next()
        if token.kind == NUMBER:
            each = _legacy_index(each, token)
        elif token.kind == NAME:
            each = GetAttribute(each, token.text, place=each.place.to(token.place))
        else:
            raise token.place.error(
                f"the name of an attribute is expected after '.', but found {token.describe()}"
            )
    return Splat(source, each, place=source.place.to(each.place))


def _after_bracket(scanner: Scanner, source: Expression, opening: Token) -> Expression:
    if scanner.accept("*"):
        closing = scanner.expect("]", "']' is expected after '[*'")
        each = _steps(scanner, SplatItem(place=opening.place.to(closing.place)))
        return Splat(source, each, place=source.place.to(each.place))
    with scanner.lines(matter=False):
        key = parse_expression(scanner)
        closing = scanner.expect("]", "']' is expected after an index")
    bracket = opening.place.to(closing.place)
    return Index(source, key, bracket=bracket, place=source.place.to(closing.place))


def _term(scanner: Scanner) -> Expression:
    token = scanner.peek()
    match token.kind:
        case "(":
            return _parentheses(scanner)
        case "number":
            return _number(scanner.next())
        case "name":
            return _name_or_call(scanner)
        case "quote":
            return parse_quoted(scanner, parse_expression)
        case "heredoc":
            return parse_heredoc(scanner, parse_expression)
        case "-" | "!":
            scanner.next()
            operand = _term_with_steps(scanner)
            return Unary(token.kind, operand, place=token.place.to(operand.place))
        case "[":
            return _tuple(scanner)
        case "{":
            return _object(scanner)
        case _:
            raise token.place.error(f"an expression is expected, but found {token.describe()}")


def _number(token: Token) -> Literal:
    try:
        return Literal(number(parse_number(token.text)), place=token.place)
    except Unsuitable as error:
        raise token.place.error(f"invalid number '{token.text}': {error}") from None


def _parentheses(scanner: Scanner) -> Expression:
    opening = scanner.next()
    with scanner.lines(matter=False):
        inner = parse_expression(scanner)
        closing = scanner.expect(")", f"')' is expected for the '(' at {opening.place}")
    return Wrapped(inner, place=opening.place.to(closing.place))


def _name_or_call(scanner: Scanner) -> Expression:
    token = scanner.next()
    if scanner.peek().kind in {"(", "::"}:
        return _call(scanner, token)
    if token.text in _KEYWORDS:
        return Literal(_KEYWORDS[token.text], place=token.place)
    return Name(token.text, place=token.place)


def _call(scanner: Scanner, first: Token) -> Expression:
    name, name_place = first.text, first.place
    while scanner.accept("::"):
        token = scanner.expect(NAME, "the name of a function is expected after '::'")
        name, name_place = f"{name}::{token.text}", name_place.to(token.place)
    opening = scanner.expect("(", "'(' is expected after the name of a function")
    arguments: list[Expression] = []
    expands = False
    with scanner.lines(matter=False):
        while (closing := scanner.accept(")")) is None:
            arguments.append(parse_expression(scanner))
            expands = scanner.accept("...") is not None
            if expands or scanner.accept(",") is None:
                purpose = f"',' or ')' is expected for the '(' at {opening.place}"
                closing = scanner.expect(")", purpose)
                break
    place = first.place.to(closing.place)
    return Call(name, tuple(arguments), expands, name_place=name_place, place=place)


def _tuple(scanner: Scanner) -> Expression:
    opening = scanner.next()
    with scanner.lines(matter=False):
        if scanner.accept_word("for"):
            return _loop(scanner, opening, "]")
        elements: list[Expression] = []
        while (closing := scanner.accept("]")) is None:
            elements.append(parse_expression(scanner))
            if scanner.accept(",") is None:
                purpose = f"',' or ']' is expected for the '[' at {opening.place}"
                closing = scanner.expect("]", purpose)
                break
    return TupleOf(tuple(elements), place=opening.place.to(closing.place))


def _object(scanner: Scanner) -> Expression:
    opening = scanner.next()
    with scanner.lines(matter=False):
        if scanner.accept_word("for"):
            return _loop(scanner, opening, "}")
    items: list[tuple[ObjectKey, Expression]] = []
    with scanner.lines(matter=True):
        while (closing := scanner.accept("}")) is None:
            if scanner.accept(NEWLINE):
                continue
            items.append(_item(scanner))
            if scanner.accept(",", NEWLINE) is None:
                purpose = f"',', a new line or '}}' is expected for the '{{' at {opening.place}"
                closing = scanner.expect("}", purpose)
                break
    return ObjectOf(tuple(items), place=opening.place.to(closing.place))


def _item(scanner: Scanner) -> tuple[ObjectKey, Expression]:
    forced = scanner.peek().kind == "("
    key = parse_expression(scanner)
    if scanner.accept("=", ":") is None:
        token = scanner.peek()
        raise token.place.error(
            f"'=' is expected after the key of an object, but found {token.describe()}"
        )
    return ObjectKey(key, forced, place=key.place), parse_expression(scanner)


def _loop(scanner: Scanner, opening: Token, closer: str) -> Expression:
    key_name, value_name = parse_loop_names(scanner)
    source = parse_expression(scanner)
    scanner.expect(":", "':' is expected after the collection of a loop")
    value = parse_expression(scanner)
    key: Expression | None = None
    if scanner.accept("=>"):
        key, value = value, parse_expression(scanner)
    ellipsis = scanner.accept("...")
    condition = parse_expression(scanner) if scanner.accept_word("if") else None
    closing = scanner.expect(closer, f"'{closer}' is expected at the end of a loop")
    _check_loop(closer, key, value.place, None if ellipsis is None else ellipsis.place)
    place = opening.place.to(closing.place)
    groups = ellipsis is not None
    return For(key_name, value_name, source, key, value, condition, groups, place=place)


def _check_loop(closer: str, key: Expression | None, value: Place, ellipsis: Place | None) -> None:
    if closer == "}" and key is None:
        raise value.error("a loop that creates an object needs 'key => value'")
    if closer == "]" and key is not None:
        raise key.place.error("a loop that creates a tuple has no '=>'")
    if closer == "]" and ellipsis is not None:
        raise ellipsis.error("a loop that creates a tuple cannot group with '...'")


def parse_whole(scanner: Scanner) -> Expression:
    """Parse an expression that reaches to the end of the text. Raises BakeFileError."""
    with scanner.lines(matter=False):
        expression = parse_expression(scanner)
        scanner.expect(END, "the end of the expression is expected")
    return expression
