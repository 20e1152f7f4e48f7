"""Lines of a Dockerfile into words: by white space, by quotes, and the flags in front."""

from __future__ import annotations

import re

from llb.gocompat.utf8 import decode, encode, shown

# White space as Go's ``unicode.IsSpace`` has it; Python counts U+001C to U+001F too.
WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
# White space that separates words; a line has no newline left at this point.
_FLAG_SPACE = "\t\n\v\f\r \x85\xa0"
# The last two are bytes that are no UTF-8, of which Docker takes each for a character here.
_MAY_BE_FLAG = f"-{_FLAG_SPACE}\udc85\udca0"
# What means nothing, whatever the quotes around it and the escape character.
_PLAIN = re.compile(r"[a-zA-Z0-9_./=:${}@,+-]+")
_SPACE = re.compile(r"[\t\v\f\r ]+")
_FIRST = re.compile(r"([^\t\v\f\r ]*+)[\t\v\f\r ]*+(.*)", re.DOTALL)
# A quote that does not end goes on to the end of the text.
_UNESCAPED = re.compile(rf"""(?:[^{WHITE}'"]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))++""")


def split_first(line: str) -> tuple[str, str]:
    """Return the first word and the rest of a line."""
    found = _FIRST.match(line.strip(WHITE))
    assert found is not None
    return found[1], found[2]


def split_space(text: str) -> tuple[str, ...]:
    """Return the words of ``text`` with no regard for quotes; none for an empty text."""
    return tuple(_SPACE.split(text)) if text else ()


def split_legacy(text: str) -> tuple[str, str] | None:
    """Return name and value of the old form ``name value``, or None where it has no value."""
    parts = _SPACE.split(text, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def split_quoted(text: str, escape: str) -> tuple[str, ...]:
    """Return the words of ``text``, where quotes and escapes keep spaces together.

    Quotes and escapes stay in the words; they are taken away by expansion.
    """
    text = shown(text)
    if escape not in text:
        return tuple(_UNESCAPED.findall(text))
    words: list[str] = []
    place = 0
    while place < len(text):
        if text[place] in WHITE:
            place += 1
            continue
        word, place = _quoted_word(text, place, escape)
        if word:
            words.append(word)
    return tuple(words)


def _quoted_word(text: str, place: int, escape: str) -> tuple[str, int]:
    """Return the word that begins at ``place``, and where it ends."""
    word: list[str] = []
    quote = ""
    while place < len(text) and (quote or text[place] not in WHITE):
        plain = _PLAIN.match(text, place)
        if plain is not None:
            word.append(plain[0])
            place = plain.end()
            continue
        character = text[place]
        place += 1
        if character == escape and quote != "'":
            if place == len(text):
                # An escape at the end of the line escapes nothing and is dropped.
                break
            word.append(character)
            character = text[place]
            place += 1
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        word.append(character)
    return "".join(word), place


def split_flags(text: str, escape: str) -> tuple[tuple[str, ...], str]:
    """Return the words in front that begin with ``--``, and the rest of the line.

    Quotes and escapes are taken away here; a word ``--`` alone ends the flags.
    """
    if not text or text[0] not in _MAY_BE_FLAG:
        return (), text
    if not text.isascii():
        # Docker reads flags byte by byte, each as a character of Latin 1.
        flags, rest = _split_flags(encode(text).decode("latin-1"), escape)
        return flags, decode(rest.encode("latin-1"))
    return _split_flags(text, escape)


def _split_flags(text: str, escape: str) -> tuple[tuple[str, ...], str]:
    flags: list[str] = []
    place = 0
    while True:
        while place < len(text) and text[place] in _FLAG_SPACE:
            place += 1
        if not text.startswith("--", place):
            return tuple(flags), text[place:]
        word, place = _flag(text, place, escape)
        if word == "--":
            return tuple(flags), text[place:]
        flags.append(word)


def _flag(text: str, place: int, escape: str) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while place < len(text):
        plain = _PLAIN.match(text, place)
        if plain is not None:
            word.append(plain[0])
            place = plain.end()
            continue
        character = text[place]
        if not quote and character in _FLAG_SPACE:
            break
        place += 1
        if quote and character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif character == escape:
            if place < len(text):
                word.append(text[place])
                place += 1
        else:
            word.append(character)
    return "".join(word), place
