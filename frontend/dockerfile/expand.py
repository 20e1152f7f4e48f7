"""Variables in words: ``$name``, ``${name…}``, quotes and escapes, as in a shell.

The grammar is that of the Dockerfile reference ("Environment replacement") with
POSIX's modifiers ``-``, ``+``, ``?``, ``#``, ``%`` and ``/``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen, mutable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SPECIAL = frozenset("@*#?-$!0")
_HEREDOC_SPACE = "\t\r "
_QUOTED_ESCAPES = '"$'


class ExpansionError(Exception):
    """A word that cannot be expanded; the text says why."""


@frozen
class Expander:
    """How words are expanded.

    ``escape`` is the escape character of the file. ``raw_quotes`` and
    ``raw_escapes`` keep quotes and escapes in the result, ``keep_unset`` leaves a
    variable that is not set as it is written, ``quotes`` is whether quotes mean
    anything at all.
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False
    quotes: bool = True

    def word(self, text: str, env: Mapping[str, str]) -> str:
        """Return ``text`` with its variables replaced. Raises ExpansionError."""
        return self._read(text, env)[0]

    def words(self, text: str, env: Mapping[str, str]) -> tuple[str, ...]:
        """Return ``text`` expanded and then split at spaces outside of quotes."""
        return self._read(text, env)[1]

    def _read(self, text: str, env: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        try:
            return _Reader(self, text, env, self.raw_escapes).read(None)
        except RecursionError as error:
            raise ExpansionError("substitutions are nested too deeply") from error


@mutable
class _Words:
    """Words while they are put together."""

    words: list[str]
    current: list[str]

    def add(self, text: str) -> None:
        for character in text:
            if not character.isspace():
                self.current.append(character)
            elif self.current:
                self.end()

    def add_raw(self, text: str) -> None:
        # Something empty in quotes makes no word of its own.
        if text:
            self.current.append(text)

    def end(self) -> None:
        self.words.append("".join(self.current))
        self.current = []


@mutable
class _Reader:
    how: Expander
    text: str
    env: Mapping[str, str]
    raw_escapes: bool
    place: int = 0

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def next(self) -> str:
        character = self.peek()
        self.place += 1
        return character

    def read(self, stop: str | None) -> tuple[str, tuple[str, ...]]:
        """Expand up to ``stop``, or to the end; return the text and its words."""
        result: list[str] = []
        words = _Words([], [])
        while character := self.peek():
            if character == stop:
                self.place += 1
                break
            part, literal = self.part(character)
            if part is None:
                break
            result.append(part)
            if literal:
                words.add_raw(part)
            else:
                words.add(part)
        else:
            if stop is not None:
                raise ExpansionError(
                    f"unexpected end of statement while looking for matching {stop}"
                )
        if words.current:
            words.end()
        return "".join(result), tuple(words.words)

    def part(self, character: str) -> tuple[str | None, bool]:
        """Return the next piece of the result, and whether spaces in it are kept."""
        if character == "$":
            return self.dollar(), False
        if character == "<":
            return self.heredoc(), True
        if self.how.quotes and character == "'":
            return self.single_quoted(), True
        if self.how.quotes and character == '"':
            return self.double_quoted(), True
        self.place += 1
        if character != self.how.escape:
            return character, False
        escaped = self.next()
        if not escaped:
            return (character if self.raw_escapes else None), True
        return character * self.raw_escapes + escaped, True

    def single_quoted(self) -> str:
        end = self.text.find("'", self.place + 1)
        if end < 0:
            raise ExpansionError(
                "unexpected end of statement while looking for matching single-quote"
            )
        start, self.place = self.place, end + 1
        return self.text[start : end + 1] if self.how.raw_quotes else self.text[start + 1 : end]

    def double_quoted(self) -> str:
        quote = '"' * self.how.raw_quotes
        self.place += 1
        result = [quote]
        while character := self.peek():
            if character == '"':
                self.place += 1
                result.append(quote)
                return "".join(result)
            if character == "$":
                result.append(self.dollar())
                continue
            self.place += 1
            if character == self.how.escape:
                if self.raw_escapes:
                    result.append(character)
                following = self.peek()
                if not following:
                    continue
                if following in _QUOTED_ESCAPES or following == self.how.escape:
                    character = self.next()
            result.append(character)
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def heredoc(self) -> str:
        """Keep ``<<`` and the space after it in one word."""
        start = self.place
        self.place += 1
        if self.peek() == "<":
            self.place += 1
            while self.peek() and self.peek() in _HEREDOC_SPACE:
                self.place += 1
        return self.text[start : self.place]

    def dollar(self) -> str:
        self.place += 1
        if self.peek() != "{":
            name = self.name()
            if not name:
                return "$"
            if name not in self.env and self.how.keep_unset:
                return f"${name}"
            return self.env.get(name, "")
        self.place += 1
        if not self.peek():
            raise ExpansionError("syntax error: missing '}'")
        if self.peek() in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        return self.braces(self.name())

    def braces(self, name: str) -> str:
        operator = self.next()
        value = self.env.get(name)
        keep = value is None and self.how.keep_unset
        if operator == "}":
            return f"${{{name}}}" if keep else value or ""
        colon = operator == ":"
        if colon:
            operator = self.next()
        shown = ":" * colon + operator
        if operator == "/" and not colon:
            return self.replace(name, value, keep=keep)
        if not operator or operator not in "+-?#%" or (colon and operator in "#%"):
            raise ExpansionError(f"unsupported modifier ({shown}) in substitution")
        word = self.until("}", raw_escapes=operator in "#%")
        if keep:
            return f"${{{name}{shown}{word}}}"
        return _modified(name, value, operator, word, empty_is_unset=colon)

    def replace(self, name: str, value: str | None, *, keep: bool) -> str:
        every = self.peek() == "/"
        self.place += every
        pattern = self.until("/", raw_escapes=True)
        replacement = self.until("}", raw_escapes=True)
        if keep:
            return f"${{{name}/{pattern}/{replacement}}}"
        regex = _regex(pattern, greedy=True)
        return regex.sub(lambda _: replacement, value or "", count=0 if every else 1)

    def until(self, stop: str, *, raw_escapes: bool) -> str:
        outer, self.raw_escapes = self.raw_escapes, raw_escapes
        try:
            return self.read(stop)[0]
        except ExpansionError as error:
            if self.place >= len(self.text):
                missing = "'}'" if stop == "}" else "'/' in ${}"
                raise ExpansionError(f"syntax error: missing {missing}") from error
            raise
        finally:
            self.raw_escapes = outer

    def name(self) -> str:
        """Read a name: letters, digits and ``_``, digits alone, or one special character."""
        first = self.peek()
        if first.isdigit():
            return self.while_(str.isdigit)
        if first and first in _SPECIAL:
            return self.next()
        return self.while_(_is_name)

    def while_(self, accepts: Callable[[str], bool]) -> str:
        start = self.place
        while (character := self.peek()) and accepts(character):
            self.place += 1
        return self.text[start : self.place]


def _is_name(character: str) -> bool:
    return character.isalpha() or character.isdigit() or character == "_"


def _modified(
    name: str, value: str | None, operator: str, word: str, *, empty_is_unset: bool
) -> str:
    unset = value is None or (empty_is_unset and value == "")
    match operator:
        case "-":
            return word if unset else value or ""
        case "+":
            return "" if unset else word
        case "?":
            if unset:
                state = "unset" if value is None else "empty"
                raise ExpansionError(f"{name}: {word or f'is not allowed to be {state}'}")
            return value or ""
        case _:
            return _trimmed(value or "", operator, word)


def _trimmed(value: str, operator: str, pattern: str) -> str:
    """Return the value without its shortest, or with a doubled operator longest, match."""
    greedy = pattern.startswith(operator)
    pattern = pattern[1:] if greedy else pattern
    if operator == "#":
        match = _regex(pattern, greedy=greedy).match(value)
        return value[match.end() :] if match else value
    # A match at the end is one at the beginning of everything reversed.
    match = _regex(_reversed(pattern), greedy=greedy).match(value[::-1])
    return value[: len(value) - match.end()] if match else value


def _reversed(pattern: str) -> str:
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(pieces))


def _regex(pattern: str, *, greedy: bool) -> re.Pattern[str]:
    """Return a pattern of ``*`` and ``?`` as a regular expression."""
    out: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*":
            if not out or not out[-1].startswith(".*"):
                out.append(".*" if greedy else ".*?")
        elif character == "?":
            out.append(".")
        elif character == "\\":
            escaped = pattern[place : place + 1]
            if escaped in ("}", "/") and escaped:
                continue
            if not escaped or escaped not in "*?\\":
                raise ExpansionError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'"
                )
            out.append(re.escape(escaped))
            place += 1
        else:
            out.append(re.escape(character))
    return re.compile("".join(out))
