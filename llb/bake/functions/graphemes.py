"""Characters as readers see them: a letter with its accents, an emoji with its modifiers."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def graphemes(text: str) -> list[str]:
    r"""Split a text into characters as readers see them (the main rules of Unicode's annex 29).

    >>> [len(character) for character in graphemes("ae\u0301")]
    [1, 2]
    """
    if text.isascii() and "\r" not in text:
        return list(text)
    clusters: list[str] = []
    for character in text:
        if clusters and _extends(clusters[-1], character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _extends(cluster: str, character: str) -> bool:
    last = cluster[-1]
    if last == "\r" or character in "\r\n":
        return last == "\r" and character == "\n"
    if unicodedata.category(last) == "Cc":
        return False
    if unicodedata.category(character) in {"Mn", "Me", "Mc"} or character == _JOINER:
        return True
    if _is_modifier(character):
        return True
    if last == _JOINER:
        return ord(character) >= 0x2190
    if _is_regional(last) and _is_regional(character):
        return sum(map(_is_regional, cluster)) % 2 == 1
    return _is_hangul_continued(last, character)


def _is_modifier(character: str) -> bool:
    return 0x1F3FB <= ord(character) <= 0x1F3FF or 0xE0020 <= ord(character) <= 0xE007F


def _is_regional(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _is_hangul_continued(last: str, character: str) -> bool:
    leading = 0x1100 <= ord(last) <= 0x115F
    syllable = 0xAC00 <= ord(last) <= 0xD7A3
    vowel = 0x1160 <= ord(last) <= 0x11A7
    trailing = 0x11A8 <= ord(last) <= 0x11FF
    code = ord(character)
    if leading:
        return 0x1100 <= code <= 0x11A7 or 0xAC00 <= code <= 0xD7A3
    if syllable or vowel:
        return 0x1160 <= code <= 0x11FF
    return trailing and 0x11A8 <= code <= 0x11FF
