"""Functions on strings."""

from __future__ import annotations

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.functions.graphemes import graphemes
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import NUMBER, STRING, ListType
from llb.bake.values.value import Value, integer, list_of, string

_STR = Parameter("str", STRING)
_STRINGS = ListType(STRING)
_MOST_SPACES = 10_000


@define("upper", _STR)
def _upper(text: Value) -> Value:
    """The string in capital letters."""
    return string("".join(_one(letter.upper(), letter) for letter in text.text))


@define("lower", _STR)
def _lower(text: Value) -> Value:
    """The string in small letters."""
    return string("".join(letter.lower()[0] for letter in text.text))


def _one(changed: str, letter: str) -> str:
    """Go changes letters one by one, so that none becomes two."""
    return changed if len(changed) == 1 else letter


@define("title", _STR)
def _title(text: Value) -> Value:
    """The string with a capital letter at the beginning of every word."""
    letters: list[str] = []
    before = " "
    for letter in text.text:
        letters.append(_one(letter.title(), letter) if _separates(before) else letter)
        before = letter
    return string("".join(letters))


def _separates(letter: str) -> bool:
    if letter.isalnum() or letter == "_":
        return False
    return letter.isascii() or letter.isspace()


@define("reverse", _STR)
def _reverse(text: Value) -> Value:
    """The characters of a string in the opposite order."""
    return string("".join(reversed(graphemes(text.text))))


@define("strlen", _STR)
def _strlen(text: Value) -> Value:
    """The number of characters in a string."""
    return integer(len(graphemes(text.text)))


@define("substr", _STR, Parameter("offset", NUMBER), Parameter("length", NUMBER))
def _substr(text: Value, offset: Value, length: Value) -> Value:
    """The part of a string from an offset, which may count from the end; length -1 is all of it."""
    characters = graphemes(text.text)
    start, count = whole(offset), whole(length)
    if start < 0:
        start = max(0, start + len(characters))
        count = count or -1
    elif count == 0:
        return string("")
    return string("".join(characters[start:] if count < 0 else characters[start : start + count]))


@define("join", Parameter("separator", STRING), variadic=Parameter("lists", _STRINGS))
def _join(separator: Value, *lists: Value) -> Value:
    """The strings of all lists, joined by a separator."""
    if not lists:
        raise Unsuitable("at least one list is required")
    for at, each in enumerate(lists, 1):
        for index, element in enumerate(each.elements):
            if element.is_null:
                message = f"element {index} is null; cannot concatenate null values"
                raise Unsuitable(message, argument=at)
    return string(separator.text.join(e.text for each in lists for e in each.elements))


@define("split", Parameter("separator", STRING), _STR)
def _split(separator: Value, text: Value) -> Value:
    """The parts of a string between separators."""
    parts = text.text.split(separator.text) if separator.text else list(text.text)
    return list_of(map(string, parts), STRING)


@define("sort", Parameter("list", _STRINGS))
def _sort(elements: Value) -> Value:
    """The strings of a list in order."""
    for index, element in enumerate(elements.elements):
        if element.is_null:
            raise Unsuitable(f"given list element {index} is null; a null string cannot be sorted")
    return list_of(sorted(elements.elements, key=lambda e: e.text.encode()), STRING)


@define("chomp", _STR)
def _chomp(text: Value) -> Value:
    """The string without newlines at its end."""
    return string(text.text.rstrip("\r\n"))


@define("indent", Parameter("spaces", NUMBER), _STR)
def _indent(spaces: Value, text: Value) -> Value:
    """The string with spaces after every newline."""
    count = whole(spaces)
    if not 0 <= count <= _MOST_SPACES:
        raise Unsuitable(f"{count} spaces are not possible", argument=0)
    return string(text.text.replace("\n", "\n" + " " * count))


@define("trim", _STR, Parameter("cutset", STRING))
def _trim(text: Value, cutset: Value) -> Value:
    """The string without any of some characters at its ends."""
    return string(text.text.strip(cutset.text))


@define("trimspace", _STR)
def _trim_space(text: Value) -> Value:
    """The string without spaces and newlines at its ends."""
    return string(
        text.text.strip(
            "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"
            "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
        )
    )


@define("trimprefix", _STR, Parameter("prefix", STRING))
def _trim_prefix(text: Value, prefix: Value) -> Value:
    """The string without a prefix."""
    return string(text.text.removeprefix(prefix.text))


@define("trimsuffix", _STR, Parameter("suffix", STRING))
def _trim_suffix(text: Value, suffix: Value) -> Value:
    """The string without a suffix."""
    return string(text.text.removesuffix(suffix.text))


@define("replace", _STR, Parameter("substr", STRING), Parameter("replace", STRING))
def _replace(text: Value, substr: Value, replace: Value) -> Value:
    """The string with a part replaced wherever it is."""
    return string(text.text.replace(substr.text, replace.text))
