"""Split the lines of a Dockerfile into words: by white space, by quotes, and leading flags."""

from __future__ import annotations

import re

from llb.gocompat.utf8 import decode, encode, shown

# White space by Go's ``unicode.IsSpace``; Python also counts U+001C to U+001F.
WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
# White space that separates flags; a line has no newline left at this point.
_FLAG_SPACE = "\t\n\v\f\r \x85\xa0"
# The last two are bytes that are not UTF-8, each of which Docker treats as a character here.
_MAY_BE_FLAG = f"-{_FLAG_SPACE}\udc85\udca0"
# Characters without a special meaning, whatever the quotes and the escape character are.
_PLAIN = re.compile(r"[a-zA-Z0-9_./=:${}@,+-]+")
_SPACE = re.compile(r"[\t\v\f\r ]+")
_FIRST = re.compile(r"([^\t\v\f\r ]*+)[\t\v\f\r ]*+(.*)", re.DOTALL)
# An unterminated quote extends to the end of the line.
_UNESCAPED = re.compile(rf"""(?:[^{WHITE}'"]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))++""")


def split_first(line: str) -> tuple[str, str]:
    """Split a line into its first word and the remainder."""
    match = _FIRST.match(line.strip(WHITE))
    assert match is not None
    return match[1], match[2]


def split_space(line: str) -> tuple[str, ...]:
    """Split a line at white space, without regard to quotes; no words for an empty line."""
    return tuple(_SPACE.split(line)) if line else ()


def split_legacy(line: str) -> tuple[str, str] | None:
    """Split the legacy form ``name value``; None if it has no value."""
    parts = _SPACE.split(line, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def split_quoted(line: str, escape: str) -> tuple[str, ...]:
    """Split a line at white space outside quotes and escapes.

    Quotes and escapes stay in the words; expansion removes them.
    """
    line = shown(line)
    if escape not in line:
        return tuple(_UNESCAPED.findall(line))
    words: list[str] = []
    index = 0
    while index < len(line):
        if line[index] in WHITE:
            index += 1
            continue
        word, index = _read_quoted_word(line, index, escape)
        if word:
            words.append(word)
    return tuple(words)


def _read_quoted_word(line: str, index: int, escape: str) -> tuple[str, int]:
    """Read the word that begins at ``index``; return it and the index of its end."""
    word: list[str] = []
    quote = ""
    while index < len(line) and (quote or line[index] not in WHITE):
        plain = _PLAIN.match(line, index)
        if plain is not None:
            word.append(plain[0])
            index = plain.end()
            continue
        character = line[index]
        index += 1
        if character == escape and quote != "'":
            if index == len(line):
                # An escape at the end of the line escapes nothing and is dropped.
                break
            word.append(character)
            character = line[index]
            index += 1
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        word.append(character)
    return "".join(word), index


def split_flags(line: str, escape: str) -> tuple[tuple[str, ...], str]:
    """Split off the leading words that begin with ``--``; return them and the remainder.

    Quotes and escapes are removed; the word ``--`` ends the flags.
    """
    if not line or line[0] not in _MAY_BE_FLAG:
        return (), line
    if not line.isascii():
        # Docker reads flags byte by byte, each as a Latin-1 character.
        flags, remainder = _split_flags(encode(line).decode("latin-1"), escape)
        return flags, decode(remainder.encode("latin-1"))
    return _split_flags(line, escape)


def _split_flags(line: str, escape: str) -> tuple[tuple[str, ...], str]:
    flags: list[str] = []
    index = 0
    while True:
        while index < len(line) and line[index] in _FLAG_SPACE:
            index += 1
        if not line.startswith("--", index):
            return tuple(flags), line[index:]
        word, index = _read_flag(line, index, escape)
        if word == "--":
            return tuple(flags), line[index:]
        flags.append(word)


def _read_flag(line: str, index: int, escape: str) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while index < len(line):
        plain = _PLAIN.match(line, index)
        if plain is not None:
            word.append(plain[0])
            index = plain.end()
            continue
        character = line[index]
        if not quote and character in _FLAG_SPACE:
            break
        index += 1
        if quote and character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif character == escape:
            if index < len(line):
                word.append(line[index])
                index += 1
        else:
            word.append(character)
    return "".join(word), index
