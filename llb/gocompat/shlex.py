"""Split a command line into arguments, by the rules of google/shlex, which BuildKit uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = " \t\r\n"


@checked
def shlex(command: str) -> tuple[str, ...]:
    r"""Split a command line into arguments and remove the quotes.

    Characters in single quotes are literal; elsewhere a backslash escapes the next one. A word that
    begins with ``#`` starts a comment, up to the end of the line. Raises InvalidValueError for an
    unclosed quote or a trailing backslash.

    >>> shlex('echo "hello $USER" it\\\'s # a comment')
    ('echo', 'hello $USER', "it's")
    """
    words: list[str] = []
    word: str | None = None
    characters = iter(command)
    for character in characters:
        if character in _SPACE:
            if word is not None:
                words.append(word)
            word = None
        elif character == "#" and word is None:
            for skipped in characters:
                if skipped == "\n":
                    break
        elif character == "\\":
            word = (word or "") + _escaped(characters, command)
        elif character == "'":
            word = (word or "") + _single_quoted(characters, command)
        elif character == '"':
            word = (word or "") + _double_quoted(characters, command)
        else:
            word = (word or "") + character
    return tuple(words) if word is None else (*words, word)


def _escaped(characters: Iterator[str], command: str) -> str:
    following = next(characters, None)
    if following is None:
        raise InvalidValueError(f"invalid command {command!r}: it ends with a backslash")
    return following


def _single_quoted(characters: Iterator[str], command: str) -> str:
    content: list[str] = []
    for character in characters:
        if character == "'":
            return "".join(content)
        content.append(character)
    raise _unclosed_quote(command)


def _double_quoted(characters: Iterator[str], command: str) -> str:
    content: list[str] = []
    for character in characters:
        if character == '"':
            return "".join(content)
        content.append(_escaped(characters, command) if character == "\\" else character)
    raise _unclosed_quote(command)


def _unclosed_quote(command: str) -> InvalidValueError:
    return InvalidValueError(f"invalid command {command!r}: a quote is not closed")
