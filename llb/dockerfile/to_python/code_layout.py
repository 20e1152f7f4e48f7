"""Python code, laid out as a formatter does it: calls, chains of calls, texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 100
_INDENT = 4
# A text of fewer lines stays on one, with its line ends written out.
_MANY_LINES = 2
# What needs no parentheses in an expression.
_ATOM = re.compile(r"[\w.]+(\([^() ]*\))?\Z")
_TOKEN = re.compile(r"\s*\S+\s?|\s+")
_PLAIN = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@frozen
class Hole:
    """An expression in a text, written with single quotes; ``code`` gives a ``str``."""

    code: str


@frozen
class Word:
    """A text with expressions in it."""

    parts: tuple[str | Hole, ...]

    @classmethod
    def of(cls, *parts: str | Hole) -> Word:
        """Return a text of parts, those that stand side by side as one."""
        found: list[str | Hole] = []
        for part in parts:
            if isinstance(part, str) and found and isinstance(found[-1], str):
                found[-1] += part
            elif part != "":
                found.append(part)
        return cls(tuple(found))

    @property
    def constant(self) -> str | None:
        """The text, or None where there are expressions in it."""
        if not self.parts:
            return ""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, str) else None

    @property
    def inner(self) -> str:
        """The code of it as part of another expression, with single quotes."""
        match self.parts:
            case (Hole(code),):
                return code if _ATOM.match(code) else f"({code})"
            case _ if any(isinstance(part, Hole) and "'" in part.code for part in self.parts):
                # Before 3.12 a text in a text cannot have the same quotes.
                each = (Word((part,)).inner for part in self.parts)
                return f"({' + '.join(each)})"
            case _:
                return _quoted(self.parts, "'")


@frozen
class Raw:
    """Code as it is."""

    code: str


@frozen
class Call:
    """A call with its arguments, by name where they have one."""

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
    """A call of a method, with the comments above it."""

    call: Call
    comments: tuple[str, ...] = ()


@frozen
class Chain:
    """Calls of methods, one on what the other returns."""

    head: Expr
    links: tuple[Link, ...] = field(default=())


Expr: TypeAlias = "Word | Raw | Call | Items | Pairs | Chain"


def call(function: str, *args: Expr, **named: Expr | None) -> Call:
    """Return a call; arguments that are None are left out."""
    given = [(name, value) for name, value in named.items() if value is not None]
    return Call(function, (*(("", each) for each in args), *given))


def text(value: str) -> Word:
    """Return a text without expressions."""
    return Word.of(value)


def texts(values: Iterable[str | Word]) -> Items:
    """Return a list of texts."""
    return Items(tuple(text(each) if isinstance(each, str) else each for each in values))


def needs_tree(expr: Expr) -> bool:
    """Return whether code depends on what the tree so far has."""
    match expr:
        case Raw():
            return False
        case Word(parts):
            return any(isinstance(part, Hole) and "tree." in part.code for part in parts)
        case Items(items):
            return any(map(needs_tree, items))
        case Pairs(pairs):
            return any(needs_tree(value) for _, value in pairs)
        case Call(_, args):
            return any(needs_tree(value) for _, value in args)
        case Chain(head, links):
            return needs_tree(head) or any(needs_tree(link.call) for link in links)


def flat(expr: Expr) -> str | None:
    """Return an expression on one line, or None where it needs several."""
    match expr:
        case Raw(code):
            return code
        case Word(parts):
            return None if _has_lines(expr) else _best(parts)
        case Items(items):
            return _joined("[", [flat(each) for each in items], "]")
        case Pairs(pairs):
            entries = [_joined("", [flat(key), flat(value)], "", ": ") for key, value in pairs]
            return _joined("{", entries, "}")
        case Call(function, args):
            return _joined(f"{function}(", [_named(name, flat(each)) for name, each in args], ")")
        case Chain(head, links):
            if any(link.comments for link in links):
                return None
            return _joined("", [flat(head), *(flat(link.call) for link in links)], "", ".")


def layout(expr: Expr, indent: int, before: int = 0, after: int = 0) -> str:
    """Return an expression that begins ``before`` columns behind ``indent``.

    ``after`` is how many characters follow it on its last line.
    """
    one = flat(expr)
    if one is not None and _is_whole(expr) and indent + before + len(one) + after <= WIDTH:
        return one
    inside = indent + _INDENT
    match expr:
        case Raw(code):
            return code
        case Word():
            return _lines(expr) if _has_lines(expr) else _wrapped(expr, indent)
        case Items(items):
            return _several("[", [layout(each, inside, after=1) for each in items], "]", indent)
        case Pairs(pairs):
            return _several("{", [_entry(key, value, inside) for key, value in pairs], "}", indent)
        case Call(function, args):
            return _call(function, args, indent)
        case Chain():
            return _chain(expr, indent, before)


def statement(start: str, expr: Expr, indent: int) -> str:
    """Return ``start`` and an expression, as ``return f()``, on as many lines as it needs."""
    pad = " " * indent
    code = layout(expr, indent, before=len(start))
    if isinstance(expr, Word) and "\n" in code and not _has_lines(expr):
        inside = layout(expr, indent + _INDENT)
        code = f"(\n{pad}{' ' * _INDENT}{inside}\n{pad})"
    return f"{pad}{start}{code}"


def _is_whole(expr: Expr) -> bool:
    return flat(expr) is not None and "\n" not in (flat(expr) or "")


def _joined(start: str, parts: Sequence[str | None], end: str, separator: str = ", ") -> str | None:
    known = [each for each in parts if each is not None]
    if len(known) < len(parts):
        return None
    return start + separator.join(known) + end


def _named(name: str, code: str | None) -> str | None:
    return code if code is None or not name else f"{name}={code}"


def _several(start: str, parts: Sequence[str], end: str, indent: int) -> str:
    inside = " " * (indent + _INDENT)
    lines = "".join(f"{inside}{part},\n" for part in parts)
    return f"{start}\n{lines}{' ' * indent}{end}"


def _entry(key: Expr, value: Expr, indent: int) -> str:
    start = f"{flat(key)}: "
    return start + layout(value, indent, before=len(start), after=1)


def _call(function: str, args: tuple[tuple[str, Expr], ...], indent: int) -> str:
    inside = indent + _INDENT
    one = _joined("", [_named(name, flat(each)) for name, each in args], "")
    if one is not None and inside + len(one) <= WIDTH:
        return f"{function}(\n{' ' * inside}{one}\n{' ' * indent})"
    if len(args) == 1 and isinstance(args[0][1], Word) and not args[0][0]:
        alone = layout(args[0][1], inside)
        if _has_lines(args[0][1]):
            return f"{function}({alone})"
        return f"{function}(\n{' ' * inside}{alone}\n{' ' * indent})"
    parts = []
    for name, each in args:
        start = f"{name}=" if name else ""
        parts.append(start + layout(each, inside, before=len(start), after=1))
    return _several(f"{function}(", parts, ")", indent)


def _chain(chain: Chain, indent: int, before: int) -> str:
    one = flat(chain)
    inside = indent + _INDENT
    if one is not None and inside + len(one) <= WIDTH and not _is_single(chain):
        return f"(\n{' ' * inside}{one}\n{' ' * indent})"
    if _is_single(chain):
        return _attached(chain, indent, before)
    pad = " " * inside
    links = list(chain.links)
    first = layout(chain.head, inside)
    if isinstance(chain.head, Raw) and not links[0].comments:
        first += f".{layout(links.pop(0).call, inside, len(first) + 1)}"
    lines = [f"{pad}{first}"]
    for link in links:
        lines += [f"{pad}{each}" for each in link.comments]
        lines.append(f"{pad}.{layout(link.call, inside, 1)}")
    return "(\n" + "\n".join(lines) + f"\n{' ' * indent})"


def _attached(chain: Chain, indent: int, before: int) -> str:
    """Return calls of methods that stand right behind each other."""
    place = before
    code = ""
    for each in (chain.head, *(link.call for link in chain.links)):
        dot = "." if code else ""
        # A call that opens here must have room for its name.
        after = 0 if each is chain.links[-1].call else len("." + "method(")
        part = dot + layout(each, indent, place + len(dot), after)
        code += part
        last = part.rpartition("\n")[2]
        place = place + len(part) if last == part else len(last) - indent
    return code


def _is_single(chain: Chain) -> bool:
    """Return whether there is one call of a method, which has no line of its own then."""
    links = chain.links[1:] if isinstance(chain.head, Raw) else chain.links
    return len(links) < 2 and not any(link.comments for link in chain.links)


def _has_lines(word: Word) -> bool:
    """Return whether a text is best written on several lines, between three quotes."""
    written = "".join(part for part in word.parts if isinstance(part, str))
    is_plain = all(each.isprintable() or each in "\n\t" for each in written)
    return is_plain and written.count("\n") >= _MANY_LINES


def _lines(word: Word) -> str:
    is_format = any(isinstance(part, Hole) for part in word.parts)
    found = []
    for part in word.parts:
        if isinstance(part, Hole):
            found.append(f"{{{part.code}}}")
            continue
        escaped = part.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        found.append(escaped.replace("{", "{{").replace("}", "}}") if is_format else escaped)
    body = "".join(found)
    if body.endswith('"'):
        body = f'{body[:-1]}\\"'
    return f'{"f" * is_format}"""\\\n{body}"""'


def _best(parts: tuple[str | Hole, ...]) -> str:
    """Return a text on one line, in the quotes that need fewer escapes."""
    match parts:
        case (Hole(code),):
            return code.replace("'", '"')
        case _:
            return _text(parts)


def _text(parts: tuple[str | Hole, ...]) -> str:
    written = "".join(part for part in parts if isinstance(part, str))
    codes = "".join(part.code for part in parts if isinstance(part, Hole))
    is_single = written.count("'") < written.count('"') and "'" not in codes
    return _quoted(parts, "'" if is_single else '"')


def _quoted(parts: tuple[str | Hole, ...], quote: str) -> str:
    is_format = any(isinstance(part, Hole) for part in parts)
    body = "".join(
        f"{{{part.code}}}"
        if isinstance(part, Hole)
        else "".join(_escaped(each, quote, is_format=is_format) for each in part)
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


def _wrapped(word: Word, indent: int) -> str:
    """Return a text as several that stand side by side, one a line."""
    pieces: list[list[str | Hole]] = [[]]
    for part, is_begin in _tokens(word):
        line = _quoted(Word.of(*pieces[-1], part).parts, '"')
        if pieces[-1] and (is_begin or indent + len(line) + 1 > WIDTH):
            pieces.append([])
        pieces[-1].append(part)
    lines = [_text(Word.of(*piece).parts) for piece in pieces]
    return f"\n{' ' * indent}".join(lines)


def _tokens(word: Word) -> Iterator[tuple[str | Hole, bool]]:
    """Yield the parts of a text that stay together, and whether one begins a line.

    Words do, with the space behind them, and a line begins where there are several spaces.
    """
    for part in word.parts:
        if isinstance(part, Hole):
            yield part, False
        else:
            for found in _TOKEN.findall(part):
                yield found, found[:1].isspace() and found.strip() != ""
