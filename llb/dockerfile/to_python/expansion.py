"""Words of a Dockerfile as texts of Python: what expansion makes of them while values are unknown.

Each value that is known at run time alone is expanded as one character of Unicode's private use,
so that quotes, escapes and nesting are read by the same expansion as ever. What a modifier makes
of such a value, as ``${X:-y}``, becomes an expression of Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.expand import DOCUMENT, Expander, ExpansionError
from llb.dockerfile.to_python.code_layout import Hole, Word
from llb.dockerfile.to_python.refusal import Refusal
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST = 0xE000
_LAST = 0xF8FF
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*|[0-9]+|[@*#?\-$!]")
_MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_OPERATORS = ("//", ":-", ":+", ":?", "##", "%%", "-", "+", "?", "#", "%", "/")
# What Python 3.11 does not allow in an expression in a text.
_NEVER = ("\\", '"', "#", "\n")
_GLOB = re.compile(r"[*?\\'\"$]")


@frozen
class Value:
    """The value of a variable.

    ``code`` gives it at run time, as a ``str``; ``maybe`` is the code of one that may be None,
    for a variable that may be unset.
    """

    word: Word
    maybe: str | None = None


@define
class Marks:
    """The expressions that stand in a text as one character each."""

    holes: list[Hole] = field(factory=list)

    def mark(self, hole: Hole) -> str:
        """Return the character that stands for an expression."""
        if any(each in hole.code for each in _NEVER) or hole.code.count("f'") > 1:
            raise Refusal("a variable in the words of another variable's modifier")
        if hole not in self.holes:
            self.holes.append(hole)
        number = _FIRST + self.holes.index(hole)
        if number > _LAST:
            raise Refusal("too many variables in one instruction")
        return chr(number)

    def marked(self, word: Word) -> str:
        """Return a text with its expressions as characters."""
        return "".join(part if isinstance(part, str) else self.mark(part) for part in word.parts)

    def word(self, text: str) -> Word:
        """Return the text that characters stand in."""
        parts: list[str | Hole] = []
        place = 0
        for found in _MARKS.finditer(text):
            parts += [text[place : found.start()], self.holes[ord(found[0]) - _FIRST]]
            place = found.end()
        return Word.of(*parts, text[place:])


@define
class Expansion:
    """How words are read at one place of a file.

    ``lookup`` returns the value of a variable, None for one that is not set.
    """

    escape: str
    lookup: Callable[[str], Value | None]
    marks: Marks = field(factory=Marks)

    def word(self, text: str) -> Word:
        """Return a word with its variables replaced. Raises Refusal."""
        return self._expanded(text, Expander(escape=self.escape))

    def document(self, text: str) -> Word:
        """Return a here-document with its variables replaced. Raises Refusal."""
        return self._expanded(text, DOCUMENT)

    def marked(self, text: str) -> str:
        """Return a word with a character for each value that is not known. Raises Refusal."""
        return self.marks.marked(self.word(text))

    def words(self, text: str) -> tuple[Word, ...]:
        """Return a word that may be several, where a value that is not known is one of them."""
        expander = Expander(escape=self.escape)
        known, prepared = self._prepared(text, expander)
        if prepared != text:
            # Docker loses what stands before them.
            raise Refusal("modifiers in words that are split")
        try:
            return tuple(self.marks.word(each) for each in expander.words(text, known))
        except ExpansionError as error:
            raise Refusal(str(error)) from error

    def _expanded(self, text: str, expander: Expander) -> Word:
        if has_octets(text) or _MARKS.search(text):
            raise Refusal("it has bytes that are no text")
        known, text = self._prepared(text, expander)
        try:
            return self.marks.word(expander.word(text, known))
        except ExpansionError as error:
            raise Refusal(str(error)) from error

    def _prepared(self, text: str, expander: Expander) -> tuple[Mapping[str, str], str]:
        """Return the variables of a text, and the text with names for what modifiers make."""
        known: dict[str, str] = {}
        prepared = self._read(text, expander, known)
        for name in dict.fromkeys(_NAME.findall(prepared)):
            value = None if name in known else self._looked_up(name, prepared)
            if value is not None:
                known[name] = self.marks.marked(value.word)
        return known, prepared

    def _looked_up(self, name: str, text: str) -> Value | None:
        # Most names in a text are no variables, and asking leaves a trace.
        if re.search(rf"\$\{{?{re.escape(name)}(?![a-zA-Z0-9_])", text) is None:
            return None
        return self.lookup(name)

    def _read(self, text: str, expander: Expander, known: dict[str, str]) -> str:
        """Return a text in which modifiers of unknown values are replaced by variables."""
        parts: list[str] = []
        place, quoted = 0, False
        while place < len(text):
            character = text[place]
            if character == self.escape and (expander.quotes or not quoted):
                parts.append(text[place : place + 2])
                place += 2
            elif character == '"' and expander.quotes:
                quoted = not quoted
                parts.append(character)
                place += 1
            elif character == "'" and expander.quotes and not quoted:
                end = text.find("'", place + 1)
                end = len(text) if end < 0 else end + 1
                parts.append(text[place:end])
                place = end
            elif text.startswith("${", place):
                part, place = self._braces(text, place, expander, known)
                parts.append(part)
            else:
                parts.append(character)
                place += 1
        return "".join(parts)

    def _braces(
        self, text: str, start: int, expander: Expander, known: dict[str, str]
    ) -> tuple[str, int]:
        name = _NAME.match(text, start + 2)
        if name is None:
            return text[start : start + 2], start + 2
        operator = next((each for each in _OPERATORS if text.startswith(each, name.end())), "")
        if not operator:
            return text[start : name.end()], name.end()
        end = _closing(text, name.end() + len(operator), self.escape, quotes=expander.quotes)
        inner = text[name.end() + len(operator) : end]
        value = self.lookup(name[0])
        if value is None or (value.maybe is None and value.word.constant is not None):
            inner = self._read(inner, expander, known)
            return f"${{{name[0]}{operator}{inner}}}", end + 1
        alias = f"_{len(known)}_{len(self.marks.holes)}_"
        known[alias] = self.marks.marked(self._modified(value, operator, inner, expander))
        return f"${{{alias}}}", end + 1

    def _modified(self, value: Value, operator: str, inner: str, expander: Expander) -> Word:
        """Return what a modifier makes of a value that is known at run time."""
        if operator in ("-", "+", ":-", ":+"):
            return self._chosen(value, operator, self._expanded(inner, expander))
        if operator in (":?", "?"):
            raise Refusal(f"a variable that must be set: ${{…{operator}…}}")
        pattern, slash, replacement = inner.partition("/")
        is_plain = not _GLOB.search(replacement) and not replacement.count("/")
        if operator[0] != "/" and slash:
            pattern, replacement = inner, ""
        code = value.word.inner
        if operator in ("/", "//") and pattern and is_plain and not _GLOB.search(pattern):
            count = ", 1" if operator == "/" else ""
            return Word.of(Hole(f"{code}.replace({pattern!r}, {replacement!r}{count})"))
        method = _TRIMS.get((operator, pattern.strip("*") and _shape(pattern)))
        literal = pattern.replace("*", "", 1)
        if method is None or not literal or _GLOB.search(literal):
            raise Refusal(f"a pattern in ${{…{operator}{inner}}}")
        return Word.of(Hole(f"{code}.{method.format(repr(literal))}"))

    def _chosen(self, value: Value, operator: str, other: Word) -> Word:
        is_set = f"{value.maybe} is not None" if value.maybe is not None else ""
        code = value.word.inner
        match operator:
            case ":-":
                return Word.of(Hole(f"{value.maybe or code} or {other.inner}"))
            case ":+":
                return Word.of(Hole(f"{other.inner} if {value.maybe or code} else ''"))
            case "-" if is_set:
                return Word.of(Hole(f"{value.maybe} if {is_set} else {other.inner}"))
            case "+" if is_set:
                return Word.of(Hole(f"{other.inner} if {is_set} else ''"))
            case _ if "tree." in code:
                raise Refusal(f"a variable of the base that may be unset: ${{…{operator}…}}")
            case "-":
                return value.word
            case _:
                return other


# By the modifier and where the star is: what is left of a value of which a part is taken away.
_TRIMS = {
    ("#", "none"): "removeprefix({})",
    ("##", "none"): "removeprefix({})",
    ("%", "none"): "removesuffix({})",
    ("%%", "none"): "removesuffix({})",
    ("%", "last"): "rsplit({}, 1)[0]",
    ("%%", "last"): "split({}, 1)[0]",
    ("#", "first"): "split({}, 1)[-1]",
    ("##", "first"): "rsplit({}, 1)[-1]",
}


def _shape(pattern: str) -> str:
    if "*" not in pattern:
        return "none"
    return "last" if pattern.endswith("*") else "first" if pattern.startswith("*") else "other"


def _closing(text: str, place: int, escape: str, *, quotes: bool) -> int:
    """Return where the brace is that closes what is open at ``place``. Raises Refusal."""
    depth, quoted = 1, False
    while place < len(text):
        character = text[place]
        if character == escape:
            place += 1
        elif character == '"' and quotes:
            quoted = not quoted
        elif character == "'" and quotes and not quoted:
            place = text.find("'", place + 1)
            if place < 0:
                break
        elif text.startswith("${", place):
            depth += 1
        elif character == "}" and not quoted:
            depth -= 1
            if not depth:
                return place
        place += 1
    raise Refusal("a brace that is not closed")
