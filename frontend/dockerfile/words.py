"""Lines of a Dockerfile into words: by white space, by quotes, and the flags in front."""

from __future__ import annotations

import re

# White space that separates words; a line has no newline left at this point.
_FLAG_SPACE = "\t\n\v\f\r "
_SPACE = re.compile(r"[\t\v\f\r ]+")


def split_first(line: str) -> tuple[str, str]:
    """Return the first word and the rest of a line."""
    first, *rest = _SPACE.split(line.strip(), maxsplit=1)
    return first, rest[0] if rest else ""


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
    words: list[str] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
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
    while place < len(text) and (quote or not text[place].isspace()):
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
