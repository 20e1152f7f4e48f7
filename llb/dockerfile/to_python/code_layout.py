"""Lay out Python code as a formatter does: calls, method chains, and strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 100
_INDENT = 4
# A string with fewer line breaks is written on one line, with its line breaks escaped.
_MIN_LINE_BREAKS = 2
# An expression that needs no parentheses.
_ATOM = re.compile(r"[\w.]+(\([^() ]*\))?\Z")
_TOKEN = re.compile(r"\s*\S+\s?|\s+")
_PLAIN = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@frozen
class Interpolation:
    """An expression in a string, written with single quotes; ``code`` evaluates to a ``str``."""

    code: str


@frozen
class Word:
    """A string with interpolated expressions."""

    parts: tuple[str | Interpolation, ...]

    @classmethod
    def of(cls, *parts: str | Interpolation) -> Word:
        """Build a string from parts and merge adjacent literal parts."""
        merged: list[str | Interpolation] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            elif part != "":
                merged.append(part)
        return cls(tuple(merged))

    @property
    def constant(self) -> str | None:
        """The string, or None if it contains expressions."""
        if not self.parts:
            return ""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, str) else None

    @property
    def inner(self) -> str:
        """Its code as part of another expression, with single quotes."""
        match self.parts:
            case (Interpolation(code),):
                return code if _ATOM.match(code) else f"({code})"
            case _ if any(
                isinstance(part, Interpolation) and "'" in part.code for part in self.parts
            ):
                # Before Python 3.12, an f-string cannot reuse its quotes inside.
                inner_parts = (Word((part,)).inner for part in self.parts)
                return f"({' + '.join(inner_parts)})"
            case _:
                return _quoted(self.parts, "'")


@frozen
class Raw:
    """Code to write unchanged."""

    code: str


@frozen
class Call:
    """A call with its arguments; a positional argument has an empty name."""

    function: str
    args: tuple[tuple[str, Expr], ...] = ()


@frozen
class Items:
    """A list."""

    items: tuple[Expr, ...]


@frozen
class Pairs:
    """A dictionary."""

    pairs: tuple[tuple[Expr, Expr], ...]


@frozen
class Link:
    """A method call, with the comments above it."""

    call: Call
    comments: tuple[str, ...] = ()


@frozen
class Chain:
    """A chain of method calls, each on the result of the one before."""

    head: Expr
    links: tuple[Link, ...] = field(default=())


Expr: TypeAlias = "Word | Raw | Call | Items | Pairs | Chain"


def call(function: str, *args: Expr, **named: Expr | None) -> Call:
    """Build a call, without the arguments that are None."""
    named_args = [(name, value) for name, value in named.items() if value is not None]
    return Call(function, (*(("", arg) for arg in args), *named_args))


def literal(value: str) -> Word:
    """Build a string without expressions."""
    return Word.of(value)


def string_list(values: Iterable[str | Word]) -> Items:
    """Build a list of strings."""
    return Items(tuple(literal(value) if isinstance(value, str) else value for value in values))


def needs_tree(expr: Expr) -> bool:
    """Check whether an expression reads the tree built so far."""
    match expr:
        case Raw():
            return False
        case Word(parts):
            return any(isinstance(part, Interpolation) and "tree." in part.code for part in parts)
        case Items(items):
            return any(map(needs_tree, items))
        case Pairs(pairs):
            return any(needs_tree(value) for _, value in pairs)
        case Call(_, args):
            return any(needs_tree(value) for _, value in args)
        case Chain(head, links):
            return needs_tree(head) or any(needs_tree(link.call) for link in links)


def flat(expr: Expr) -> str | None:
    """Write an expression on one line, or return None if it needs several."""
    match expr:
        case Raw(code):
            return code
        case Word(parts):
            return None if _is_multiline(expr) else _one_line(parts)
        case Items(items):
            return _join("[", [flat(item) for item in items], "]")
        case Pairs(pairs):
            entries = [_join("", [flat(key), flat(value)], "", ": ") for key, value in pairs]
            return _join("{", entries, "}")
        case Call(function, args):
            return _join(f"{function}(", [_argument(name, flat(arg)) for name, arg in args], ")")
        case Chain(head, links):
            if any(link.comments for link in links):
                return None
            return _join("", [flat(head), *(flat(link.call) for link in links)], "", ".")


def layout(expr: Expr, indent: int, before: int = 0, after: int = 0) -> str:
    """Write an expression that begins ``before`` columns after ``indent``.

    ``after`` is the number of characters that follow it on its last line.
    """
    line = flat(expr)
    if line is not None and _fits_one_line(expr) and indent + before + len(line) + after <= WIDTH:
        return line
    inside = indent + _INDENT
    match expr:
        case Raw(code):
            return code
        case Word():
            return _triple_quoted(expr) if _is_multiline(expr) else _wrapped_lines(expr, indent)
        case Items(items):
            return _one_per_line(
                "[", [layout(item, inside, after=1) for item in items], "]", indent
            )
        case Pairs(pairs):
            return _one_per_line(
                "{", [_entry(key, value, inside) for key, value in pairs], "}", indent
            )
        case Call(function, args):
            return _call(function, args, indent)
        case Chain():
            return _chain(expr, indent, before)


def statement(start: str, expr: Expr, indent: int) -> str:
    """Write ``start`` and an expression, such as ``return f()``, on as many lines as needed."""
    pad = " " * indent
    code = layout(expr, indent, before=len(start))
    if isinstance(expr, Word) and "\n" in code and not _is_multiline(expr):
        inside = layout(expr, indent + _INDENT)
        code = f"(\n{pad}{' ' * _INDENT}{inside}\n{pad})"
    return f"{pad}{start}{code}"


def _fits_one_line(expr: Expr) -> bool:
    return flat(expr) is not None and "\n" not in (flat(expr) or "")


def _join(start: str, parts: Sequence[str | None], end: str, separator: str = ", ") -> str | None:
    lines = [line for line in parts if line is not None]
    if len(lines) < len(parts):
        return None
    return start + separator.join(lines) + end


def _argument(name: str, code: str | None) -> str | None:
    return code if code is None or not name else f"{name}={code}"


def _one_per_line(start: str, parts: Sequence[str], end: str, indent: int) -> str:
    inside = " " * (indent + _INDENT)
    lines = "".join(f"{inside}{part},\n" for part in parts)
    return f"{start}\n{lines}{' ' * indent}{end}"


def _entry(key: Expr, value: Expr, indent: int) -> str:
    start = f"{flat(key)}: "
    return start + layout(value, indent, before=len(start), after=1)


def _call(function: str, args: tuple[tuple[str, Expr], ...], indent: int) -> str:
    inside = indent + _INDENT
    line = _join("", [_argument(name, flat(arg)) for name, arg in args], "")
    if line is not None and inside + len(line) <= WIDTH:
        return f"{function}(\n{' ' * inside}{line}\n{' ' * indent})"
    if len(args) == 1 and isinstance(args[0][1], Word) and not args[0][0]:
        string = layout(args[0][1], inside)
        if _is_multiline(args[0][1]):
            return f"{function}({string})"
        return f"{function}(\n{' ' * inside}{string}\n{' ' * indent})"
    parts = []
    for name, arg in args:
        start = f"{name}=" if name else ""
        parts.append(start + layout(arg, inside, before=len(start), after=1))
    return _one_per_line(f"{function}(", parts, ")", indent)


def _chain(chain: Chain, indent: int, before: int) -> str:
    line = flat(chain)
    inside = indent + _INDENT
    if line is not None and inside + len(line) <= WIDTH and not _has_one_call(chain):
        return f"(\n{' ' * inside}{line}\n{' ' * indent})"
    if _has_one_call(chain):
        return _attached_calls(chain, indent, before)
    pad = " " * inside
    links = list(chain.links)
    first = layout(chain.head, inside)
    if isinstance(chain.head, Raw) and not links[0].comments:
        first += f".{layout(links.pop(0).call, inside, len(first) + 1)}"
    lines = [f"{pad}{first}"]
    for link in links:
        lines += [f"{pad}{comment}" for comment in link.comments]
        lines.append(f"{pad}.{layout(link.call, inside, 1)}")
    return "(\n" + "\n".join(lines) + f"\n{' ' * indent})"


def _attached_calls(chain: Chain, indent: int, before: int) -> str:
    """Write method calls directly after each other, without line breaks between them."""
    column = before
    code = ""
    for expr in (chain.head, *(link.call for link in chain.links)):
        dot = "." if code else ""
        # A call that opens here must have room for its name.
        after = 0 if expr is chain.links[-1].call else len("." + "method(")
        part = dot + layout(expr, indent, column + len(dot), after)
        code += part
        last = part.rpartition("\n")[2]
        column = column + len(part) if last == part else len(last) - indent
    return code


def _has_one_call(chain: Chain) -> bool:
    """Check whether a chain has only one method call, which then needs no separate line."""
    links = chain.links[1:] if isinstance(chain.head, Raw) else chain.links
    return len(links) < 2 and not any(link.comments for link in chain.links)


def _is_multiline(word: Word) -> bool:
    """Check whether a string should be triple-quoted over several lines."""
    literals = "".join(part for part in word.parts if isinstance(part, str))
    is_plain = all(character.isprintable() or character in "\n\t" for character in literals)
    return is_plain and literals.count("\n") >= _MIN_LINE_BREAKS


def _triple_quoted(word: Word) -> str:
    is_format = any(isinstance(part, Interpolation) for part in word.parts)
    pieces = []
    for part in word.parts:
        if isinstance(part, Interpolation):
            pieces.append(f"{{{part.code}}}")
            continue
        escaped = part.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        pieces.append(escaped.replace("{", "{{").replace("}", "}}") if is_format else escaped)
    body = "".join(pieces)
    if body.endswith('"'):
        body = f'{body[:-1]}\\"'
    return f'{"f" * is_format}"""\\\n{body}"""'


def _one_line(parts: tuple[str | Interpolation, ...]) -> str:
    """Write a string on one line, with the quotes that need fewer escapes."""
    match parts:
        case (Interpolation(code),):
            return code.replace("'", '"')
        case _:
            return _quoted_best(parts)


def _quoted_best(parts: tuple[str | Interpolation, ...]) -> str:
    literals = "".join(part for part in parts if isinstance(part, str))
    codes = "".join(part.code for part in parts if isinstance(part, Interpolation))
    is_single = literals.count("'") < literals.count('"') and "'" not in codes
    return _quoted(parts, "'" if is_single else '"')


def _quoted(parts: tuple[str | Interpolation, ...], quote: str) -> str:
    is_format = any(isinstance(part, Interpolation) for part in parts)
    body = "".join(
        f"{{{part.code}}}"
        if isinstance(part, Interpolation)
        else "".join(_escaped(character, quote, is_format=is_format) for character in part)
        for part in parts
    )
    return f"{'f' * is_format}{quote}{body}{quote}"


def _escaped(character: str, quote: str, *, is_format: bool) -> str:
    if character == quote:
        return f"\\{quote}"
    if is_format and character in "{}":
        return character * 2
    if character in _PLAIN:
        return _PLAIN[character]
    if character.isprintable():
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _wrapped_lines(word: Word, indent: int) -> str:
    """Write a string as adjacent literals, one per line."""
    pieces: list[list[str | Interpolation]] = [[]]
    for part, is_begin in _tokens(word):
        line = _quoted(Word.of(*pieces[-1], part).parts, '"')
        if pieces[-1] and (is_begin or indent + len(line) + 1 > WIDTH):
            pieces.append([])
        pieces[-1].append(part)
    lines = [_quoted_best(Word.of(*piece).parts) for piece in pieces]
    return f"\n{' ' * indent}".join(lines)


def _tokens(word: Word) -> Iterator[tuple[str | Interpolation, bool]]:
    """Split a string into unbreakable parts, each with whether it must begin a line.

    A word keeps the space after it, and a run of several spaces begins a line.
    """
    for part in word.parts:
        if isinstance(part, Interpolation):
            yield part, False
        else:
            for token in _TOKEN.findall(part):
                yield token, token[:1].isspace() and token.strip() != ""
