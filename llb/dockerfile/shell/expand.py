"""Variables in words: ``$name``, ``${name…}``, quotes and escapes, as in a shell.

The grammar is that of the Dockerfile reference ("Environment replacement") with
POSIX's modifiers ``-``, ``+``, ``?``, ``#``, ``%`` and ``/``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.globs import (
    GlobError,
    replace_all,
    replace_first,
    trim_prefix,
    trim_suffix,
)
from llb.dockerfile.shell.words import WHITE
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOM = "\ufeff"
# What Go writes for the character behind the end.
_NO_CHARACTER = "\ufffd"
_NAME = re.compile(r"(?:[a-zA-Z_][a-zA-Z0-9_]*+|[0-9]++)(?![^\x00-\x7f])")
_LETTERS = "[a-zA-Z_][a-zA-Z0-9_]*+"
_SPECIAL = frozenset("@*#?-$!")
_HEREDOC = re.compile(r"<(?:<[\t\r ]*)?")
_LONE_DOLLAR = r"\$(?![a-zA-Z0-9_{@*#?$!-]|[^\x00-\x7f])"
_QUOTED = """'[^']*+'|"[^"]*+\""""
_NOTHING = "(?!)"
_QUOTED_ESCAPES = '"$'
_OPERATORS = "+-?#%"
_PATTERN_OPERATORS = "#%"
_SPACE = re.compile(f"[{WHITE}]+")


class ExpansionError(Exception):
    """A word that cannot be expanded; the text says why, ``word`` is the whole of it."""

    word = ""


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
        # Nearly all words are one of these, and the long way takes ten times as long.
        patterns = _patterns(self.escape, self.quotes)
        if patterns.special.search(text) is None:
            return shown(text)
        if patterns.simple.match(text) is not None:
            return self._replaced(shown(text), env, patterns)
        return self._read(text, env, None)

    def words(self, text: str, env: Mapping[str, str]) -> tuple[str, ...]:
        """Return ``text`` expanded and then split at spaces outside of quotes."""
        if "<" not in text and _patterns(self.escape, self.quotes).special.search(text) is None:
            return tuple([word for word in _SPACE.split(shown(text)) if word])
        words = _Words()
        self._read(text, env, words)
        return words.all()

    def _replaced(self, text: str, env: Mapping[str, str], patterns: _Patterns) -> str:
        """Return a simple word with its variables replaced and its quotes taken away."""

        def variable(found: re.Match[str]) -> str:
            value = env.get(found[1] or found[2])
            if value is None and self.keep_unset:
                return found[0]
            operator = found[3]
            if operator is None:
                return value or ""
            is_set = bool(value) if operator[0] == ":" else value is not None
            if operator[-1] == "-":
                return value or "" if is_set else found[4]
            return found[4] if is_set else ""

        def part(found: re.Match[str]) -> str:
            quoted = found[5]
            if quoted is None:
                return variable(found)
            if quoted[0] == '"' and "$" in quoted:
                quoted = patterns.variable.sub(variable, quoted)
            return quoted if self.raw_quotes else quoted[1:-1]

        return patterns.part.sub(part, text)

    def _read(self, text: str, env: Mapping[str, str], words: _Words | None) -> str:
        try:
            return _Reader(self, shown(text).removeprefix(_BOM), env, words).read()
        except ExpansionError as error:
            error.word = text
            raise


# The content of a here-document, where quotes mean nothing and a backslash is the escape always.
DOCUMENT = Expander(quotes=False)


@frozen
class _Patterns:
    """What words are like: all that may mean something, whole words, and parts of these.

    A ``simple`` word has variables, quotes around texts and variables, and defaults that are
    plain text. Its parts are each a ``variable``, which is a name, or in braces a name, an
    operator and a word, or else, as the fifth group of ``part``, a text in quotes.
    """

    special: re.Pattern[str]
    simple: re.Pattern[str]
    variable: re.Pattern[str]
    part: re.Pattern[str]


@cache
def _patterns(escape: str, quotes: bool) -> _Patterns:  # noqa: FBT001 - a key of the cache
    means = f"${_BOM}{re.escape(escape)}"
    plain = f"[^{means}{_quotes(quotes=quotes)}]"
    braced = rf"\{{({_LETTERS})(?:(:?[-+])([^}}{means}'\"]*+))?\}}"
    variable = rf"\$(?:({_LETTERS})(?![^\x00-\x7f])|{braced})"
    # Python 3.11 fails on groups that capture inside of a possessive repetition.
    uncaught = re.sub(r"\((?!\?)", "(?:", variable) + f"|{_LONE_DOLLAR}"
    words = [f"{plain}++", uncaught]
    if quotes:
        words += ["'[^']*+'", f'"(?:[^{means}"]++|{uncaught})*+"']
    return _Patterns(
        special=re.compile(f"[{means}{_quotes(quotes=quotes)}]"),
        simple=re.compile(f"(?:{'|'.join(words)})*+\\Z"),
        variable=re.compile(variable),
        part=re.compile(f"{variable}|({_QUOTED if quotes else _NOTHING})"),
    )


@cache
def _plain(stop: str, escape: str, quotes: bool) -> re.Pattern[str]:  # noqa: FBT001 - likewise
    """Return what is taken as it is, up to ``stop`` or anything with a meaning."""
    return re.compile(f"[^$<{stop}{re.escape(escape)}{_quotes(quotes=quotes)}]+")


@cache
def _quoted(escape: str) -> re.Pattern[str]:
    """Return what is taken as it is in double quotes."""
    return re.compile(f'[^$"{re.escape(escape)}]+')


def _quotes(*, quotes: bool) -> str:
    return "'\"" if quotes else ""


@define
class _Words:
    """Words while they are put together."""

    words: list[str] = field(factory=list)
    current: list[str] = field(factory=list)

    def add(self, text: str) -> None:
        first, *more = _SPACE.split(text)
        self.add_raw(first)
        for part in more:
            self.end()
            self.add_raw(part)

    def add_raw(self, text: str) -> None:
        # Something empty in quotes makes no word of its own.
        if text:
            self.current.append(text)

    def end(self) -> None:
        if self.current:
            self.words.append("".join(self.current))
            self.current = []

    def all(self) -> tuple[str, ...]:
        self.end()
        return tuple(self.words)


@define
class _Frame:
    """A piece of the text that is being read, up to ``stop``; the outermost has none."""

    stop: str
    plain: re.Pattern[str]
    result: list[str] = field(factory=list)


@define
class _Substitution(_Frame):
    """The word of a modifier, ``${name-word}``; ``raw`` is what held before it.

    ``pattern`` is that of a replacement once it is read.
    """

    name: str = ""
    operator: str = ""
    has_colon: bool = False
    raw: bool = False
    pattern: str | None = None

    @property
    def shown(self) -> str:
        return ":" * self.has_colon + (self.operator or _NO_CHARACTER)

    @property
    def missing(self) -> str:
        place = "'/' in ${}" if self.stop == "/" else "'}'"
        return f"syntax error: missing {place}"


class _Reader:
    """Reads a word. Nesting is kept in a list, so that it may be as deep as it likes."""

    def __init__(
        self, how: Expander, text: str, env: Mapping[str, str], words: _Words | None
    ) -> None:
        self.how = how
        self.text = text
        self.env = env
        self.words = words
        self.raw_escapes = how.raw_escapes
        self.place = 0
        self.frame = self.new_frame("")
        self.outer: list[_Frame] = []

    def new_frame(self, stop: str) -> _Frame:
        return _Frame(stop, _plain(stop, self.how.escape, self.how.quotes))

    def read(self) -> str:
        """Return the word expanded."""
        text, length = self.text, len(self.text)
        while True:
            match = self.frame.plain.match(text, self.place)
            if match is not None:
                self.place = match.end()
                self.add(match[0])
            if self.place >= length:
                if not self.outer:
                    return "".join(self.frame.result)
                raise self.unended()
            self.step(text[self.place])

    def step(self, character: str) -> None:
        """Read what begins with a character that has a meaning."""
        if character == self.frame.stop:
            self.place += 1
            self.end()
        elif character == "$":
            self.dollar()
        elif self.frame.stop == '"':
            self.quoted_escape()
        elif character == "<":
            match = _HEREDOC.match(self.text, self.place)
            assert match is not None
            self.place = match.end()
            self.add(match[0], literal=True)
        elif character == "'" and self.how.quotes:
            self.single_quoted()
        elif character == '"' and self.how.quotes:
            self.place += 1
            self.enter(_Frame('"', _quoted(self.how.escape)))
            self.add('"' * self.how.raw_quotes, literal=True)
        else:
            self.escape(character)

    def add(self, text: str, *, literal: bool = False) -> None:
        """Add a piece of the result; the spaces of a literal one do not separate words."""
        self.frame.result.append(text)
        if self.words is not None and not self.outer:
            if literal:
                self.words.add_raw(text)
            else:
                self.words.add(text)

    def escape(self, character: str) -> None:
        self.place += 1
        escaped = self.text[self.place : self.place + 1]
        self.place += 1
        # At the end of the text it escapes nothing and is dropped.
        self.add(character * self.raw_escapes + escaped, literal=True)

    def quoted_escape(self) -> None:
        """Read an escape in double quotes, where it escapes a few characters alone."""
        escape = self.how.escape
        following = self.text[self.place + 1 : self.place + 2]
        self.place += 1
        self.add(escape * self.raw_escapes)
        if following and following in _QUOTED_ESCAPES + escape:
            self.place += 1
            self.add(following)
        elif following:
            self.add(escape)

    def single_quoted(self) -> None:
        end = self.text.find("'", self.place + 1)
        if end < 0:
            self.place = len(self.text)
            raise self.failed("unexpected end of statement while looking for matching single-quote")
        start, self.place = self.place, end + 1
        raw = self.how.raw_quotes
        self.add(self.text[start : end + 1] if raw else self.text[start + 1 : end], literal=True)

    def enter(self, frame: _Frame) -> None:
        self.outer.append(self.frame)
        self.frame = frame

    def leave(self) -> str:
        """Return what the innermost frame has come to, and go on in the one around it."""
        text = "".join(self.frame.result)
        self.frame = self.outer.pop()
        return text

    def end(self) -> None:
        """Take the result of a frame that met its end."""
        frame = self.frame
        if not isinstance(frame, _Substitution):
            self.add('"' * self.how.raw_quotes)
            self.add(self.leave(), literal=True)
            return
        if frame.stop == "/":
            frame.pattern = "".join(frame.result)
            frame.stop, frame.plain = "}", self.new_frame("}").plain
            frame.result = []
            return
        self.raw_escapes = frame.raw
        word = self.leave()
        try:
            self.add(self.substituted(frame, word))
        except GlobError as error:
            raise self.failed(str(error)) from error

    def dollar(self) -> None:
        self.place += 1
        if self.text[self.place : self.place + 1] != "{":
            name = self.name()
            unset = f"${name}" if self.how.keep_unset or not name else ""
            self.add(self.env.get(name, unset) if name else unset)
            return
        self.place += 1
        first = self.text[self.place : self.place + 1]
        if not first:
            raise self.failed("syntax error: missing '}'")
        if first in "{}:":
            raise self.failed("syntax error: bad substitution")
        self.braces(self.name())

    def braces(self, name: str) -> None:
        operator = self.next()
        if operator == "}":
            self.add(self.env.get(name, f"${{{name}}}" if self.how.keep_unset else ""))
            return
        has_colon = operator == ":"
        if has_colon:
            operator = self.next()
        elif not operator or operator not in _OPERATORS + "/":
            raise self.failed(_unsupported(operator or _NO_CHARACTER))
        if has_colon and operator and operator in _PATTERN_OPERATORS:
            raise self.failed(_unsupported(f":{operator}"))
        is_replacement = operator == "/" and not has_colon
        is_pattern = is_replacement or operator in tuple(_PATTERN_OPERATORS)
        if is_replacement and self.text[self.place : self.place + 1] == "/":
            self.place += 1
            operator = "//"
        stop = "/" if is_replacement else "}"
        plain = self.new_frame(stop).plain
        self.enter(
            _Substitution(
                stop, plain, [], name, operator, has_colon=has_colon, raw=self.raw_escapes
            )
        )
        self.raw_escapes = is_pattern
        if self.words is not None:
            # In Docker's frontend, what was read of the word so far gets lost here.
            self.words.current = []

    def substituted(self, frame: _Substitution, word: str) -> str:
        """Return what a modifier makes of a variable."""
        value = self.env.get(frame.name)
        if value is None and self.how.keep_unset:
            shown = f"/{frame.pattern}/" if frame.pattern is not None else frame.shown
            return f"${{{frame.name}{shown}{word}}}"
        unset = value is None or (frame.has_colon and value == "")
        match frame.operator:
            case "-":
                return word if unset else value or ""
            case "+":
                return "" if unset else word
            case "?":
                if unset:
                    state = "unset" if value is None else "empty"
                    raise self.failed(f"{frame.name}: {word or f'is not allowed to be {state}'}")
                return value or ""
            case "#" | "%":
                return _trimmed(value or "", frame.operator, word)
            case "/" | "//" if frame.pattern is not None:
                return _replaced(value or "", frame.operator, frame.pattern, word)
        raise self.failed(_unsupported(frame.shown))

    def name(self) -> str:
        """Read a name: letters, digits and ``_``, digits alone, or one special character."""
        match = _NAME.match(self.text, self.place)
        if match is not None:
            self.place = match.end()
            return match[0]
        first = self.text[self.place : self.place + 1]
        if first in _SPECIAL:
            self.place += 1
            return first
        start = self.place
        only_digits = first.isdecimal()
        while self.place < len(self.text):
            character = self.text[self.place]
            is_more = character.isalpha() or character == "_"
            if not (character.isdecimal() or (is_more and not only_digits)):
                break
            self.place += 1
        return self.text[start : self.place]

    def next(self) -> str:
        character = self.text[self.place : self.place + 1]
        self.place += 1
        return character

    def unended(self) -> ExpansionError:
        """Return the error of a text that ends inside of something."""
        sign = "double-quote" if self.frame.stop == '"' else self.frame.stop
        return self.failed(f"unexpected end of statement while looking for matching {sign}")

    def failed(self, reason: str) -> ExpansionError:
        """Return the error of the word; at its end it is the outermost brace that is missing."""
        if self.place >= len(self.text):
            frames = (*self.outer, self.frame)
            found = (each.missing for each in frames if isinstance(each, _Substitution))
            reason = next(found, reason)
        return ExpansionError(reason)


def _unsupported(operator: str) -> str:
    return f"unsupported modifier ({operator}) in substitution"


def _trimmed(value: str, operator: str, pattern: str) -> str:
    """Return the value without its shortest, or with a doubled operator longest, match."""
    longest = pattern.startswith(operator)
    trim = trim_prefix if operator == "#" else trim_suffix
    return trim(value, pattern[1:] if longest else pattern, longest=longest)


def _replaced(value: str, operator: str, pattern: str, replacement: str) -> str:
    replace = replace_all if operator == "//" else replace_first
    return replace(value, pattern, replacement)
