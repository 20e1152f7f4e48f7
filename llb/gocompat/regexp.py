r"""Regular expressions in Go's syntax, matched in time linear in the text.

Docker's patterns are translated to these, so that what a pattern means in a corner is
what Go's ``regexp`` says. It is that syntax (RE2's) as far as patterns reach it; Unicode
classes (``\p``) are refused.

Expressions of few repetitions are left to Python's engine, which is quick with them.
It tries the ways to divide a text among the repetitions one by one, so others are matched
by an automaton, which is in all the places that it can be in at once.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LAST = 0x10FFFF
_MAX_REPEAT = 1000
# With two, the divisions of the longest path are some millions at worst; with three, billions.
_MAX_BACKTRACKING = 2
_MAX_TRANSITIONS = 10_000

Ranges = tuple[tuple[int, int], ...]


@frozen
class Char:
    """One character out of ranges of code points, first and last included."""

    ranges: Ranges


class Anchor(Enum):
    """A place between characters; the values are the names in Python's expressions."""

    START = r"\A"
    END = r"\Z"
    WORD_EDGE = r"\b"
    NO_WORD_EDGE = r"\B"


@frozen
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@frozen
class Choice:
    """Any one of its branches."""

    branches: tuple[Node, ...]


@frozen
class Repeat:
    """A node ``least`` to ``most`` times, without an end where ``most`` is absent."""

    node: Node
    least: int
    most: int | None


Node = Char | Anchor | Sequence | Choice | Repeat


def char(*ranges: tuple[int, int], negated: bool = False) -> Char:
    """Return the character of these ranges, or that of all others."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return Char(_complement(merged) if negated else tuple(merged))


def literal(character: str) -> Char:
    """Return this very character."""
    return Char(((ord(character), ord(character)),))


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    others: list[tuple[int, int]] = []
    place = 0
    for first, last in ranges:
        if place < first:
            others.append((place, first - 1))
        place = last + 1
    if place <= _LAST:
        others.append((place, _LAST))
    return tuple(others)


def compile_node(node: Node) -> Callable[[str], bool]:
    """Return a function that tells whether an expression matches anywhere in a text."""
    if _repetitions(node) <= _MAX_BACKTRACKING:
        search = re.compile(_to_python(node), re.ASCII).search
        return lambda text: search(text) is not None
    return Automaton.from_node(node).matches


def _repetitions(node: Node) -> int:
    """Return how many repetitions there are, any with a bound counting as too many."""
    match node:
        case Sequence(parts) | Choice(parts):
            return sum(_repetitions(part) for part in parts)
        case Repeat(inner, 0, 1):
            return _repetitions(inner)
        case Repeat(inner, 0, None):
            return 1 + _repetitions(inner)
        case Repeat():
            return _MAX_BACKTRACKING + 1
        case _:
            return 0


def _to_python(node: Node) -> str:
    match node:
        case Char(((first, last),)) if first == last:
            return re.escape(chr(first))
        case Char(ranges):
            inner = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
            return f"[{inner}]" if inner else "(?!)"
        case Anchor():
            return node.value
        case Sequence(parts):
            return "".join(_to_python(part) for part in parts)
        case Choice(branches):
            return f"(?:{'|'.join(_to_python(branch) for branch in branches)})"
        case Repeat(inner, _, most):
            return f"(?:{_to_python(inner)}){'*' if most is None else '?'}"


@frozen
class _Split:
    """Go on at both places, counted from this one."""

    first: int
    second: int


_Step = Char | Anchor | _Split


@frozen
class _State:
    """The steps that an automaton is at, and the character before, if it matters.

    ``matched`` ends everything.
    """

    places: frozenset[int]
    before: str
    matched: bool = False


@frozen(eq=False)
class Automaton:
    """An expression as steps, each followed by the next; beyond the last it has matched."""

    steps: tuple[_Step, ...]
    transitions: dict[tuple[_State, str], _State] = field(factory=dict, repr=False)

    @classmethod
    def from_node(cls, node: Node) -> Automaton:
        """Return the steps of an expression."""
        return cls(tuple(_to_steps(node)))

    def matches(self, text: str) -> bool:
        """Return whether the expression matches anywhere in a text."""
        state = _State(frozenset({0}), "")
        for character in text:
            following = self.transitions.get((state, character))
            if following is None:
                following = self.follow(state, character)
                # What was found is kept, since most texts resemble each other, but not for ever.
                if len(self.transitions) >= _MAX_TRANSITIONS:
                    self.transitions.clear()
                self.transitions[state, character] = following
            if following.matched:
                return True
            state = following
        return len(self.steps) in self.reach(state, "")

    def follow(self, state: _State, character: str) -> _State:
        """Return the state that a character leads to."""
        reached = self.reach(state, character)
        code = ord(character)
        # A match may begin behind every character.
        taken = {0}
        for place in reached - {len(self.steps)}:
            step = self.steps[place]
            if isinstance(step, Char) and any(low <= code <= high for low, high in step.ranges):
                taken.add(place + 1)
        before = "w" if _is_word(character) else "-"
        return _State(frozenset(taken), before, len(self.steps) in reached)

    def reach(self, state: _State, after: str) -> set[int]:
        """Return the steps that are reached in front of the character ``after``."""
        is_edge = _is_word(state.before) != _is_word(after)
        held = {Anchor.WORD_EDGE if is_edge else Anchor.NO_WORD_EDGE}
        held |= {Anchor.START} if not state.before else set()
        held |= {Anchor.END} if not after else set()
        found: set[int] = set()
        pending = list(state.places)
        while pending:
            place = pending.pop()
            if place in found:
                continue
            found.add(place)
            match self.steps[place] if place < len(self.steps) else None:
                case _Split(first, second):
                    pending += (place + first, place + second)
                case Anchor() as anchor if anchor in held:
                    pending.append(place + 1)
        return found


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


def _to_steps(node: Node) -> list[_Step]:
    match node:
        case Char() | Anchor():
            return [node]
        case Sequence(parts):
            return [step for part in parts for step in _to_steps(part)]
        case Choice(branches):
            *others, last = branches
            steps = _to_steps(last)
            for branch in reversed(others):
                # A branch ends with a jump over those after it.
                first, over = _to_steps(branch), len(steps) + 1
                steps = [_Split(1, len(first) + 2), *first, _Split(over, over), *steps]
            return steps
        case Repeat(inner, least, int(most)):
            steps = _to_steps(inner)
            return [*steps * least, *[_Split(1, len(steps) + 1), *steps] * (most - least)]
        case Repeat(inner, least):
            steps = _to_steps(inner)
            again = -len(steps) - 1
            return [*steps * least, _Split(1, 1 - again), *steps, _Split(again, again)]


_DIGITS = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE = ((9, 10), (12, 13), (32, 32))
_ESCAPED_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_ESCAPED_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_NAMED_CLASSES: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGITS,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_ANY = char((10, 10), negated=True)
_BOUNDS = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_HEXADECIMAL = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_ESCAPED_ANCHORS = {
    "A": Anchor.START,
    "z": Anchor.END,
    "b": Anchor.WORD_EDGE,
    "B": Anchor.NO_WORD_EDGE,
}
_ESCAPED_ANCHOR = re.compile(r"[AzbB]")
_NAMED_CLASS = re.compile(r"\[:(.*?):\]", re.DOTALL)


def parse(text: str) -> Node:
    """Return what an expression says; raises InvalidValueError for one that is malformed."""
    parser = _Parser(text)
    node = parser.choice()
    if parser.place < len(text):
        raise InvalidValueError("a ')' has no '('")
    return node


class _Parser:
    """A reader of an expression, from ``place`` on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def take(self, expected: str) -> bool:
        """Step over ``expected`` if it comes next."""
        found = self.text.startswith(expected, self.place)
        self.place += len(expected) * found
        return found

    def next(self, missing: str) -> str:
        """Step over a character and return it; raises InvalidValueError at the end."""
        if self.place == len(self.text):
            raise InvalidValueError(missing)
        self.place += 1
        return self.text[self.place - 1]

    def take_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what ``pattern`` matches."""
        found = pattern.match(self.text, self.place)
        if found is not None:
            self.place = found.end()
        return found

    def choice(self) -> Node:
        """Read branches with ``|`` between them."""
        branches = [self.sequence()]
        while self.take("|"):
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self) -> Node:
        """Read what stands before the next ``|`` or ``)``."""
        parts: list[Node] = []
        while self.place < len(self.text) and self.text[self.place] not in "|)":
            if self.take("\\Q"):
                quoted, _, _ = self.text[self.place :].partition("\\E")
                self.place += len(quoted)
                self.take("\\E")
                parts += map(literal, quoted)
                if quoted:
                    parts[-1] = self.repeated(parts[-1])
            elif not self.take("\\E"):
                parts.append(self.repeated(self.single()))
        return Sequence(tuple(parts))

    def repeated(self, node: Node) -> Node:
        """Read how many times ``node`` is repeated."""
        bounds = self.bounds()
        if bounds is None:
            return node
        if self.bounds() is not None:
            raise InvalidValueError("a repetition is repeated")
        least, most = bounds
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
            raise InvalidValueError("a repetition has bounds that cannot be")
        return Repeat(node, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        """Read the bounds of a repetition, if there is one."""
        if self.take("*"):
            return 0, None
        if self.take("?"):
            return 0, 1
        found = self.take_match(_BOUNDS)
        if found is None:
            return None
        least, comma, most = found.groups()
        return int(least), int(most or least) if most or not comma else None

    def single(self) -> Node:
        """Read what a repetition would apply to."""
        if self.bounds() is not None:
            raise InvalidValueError("a repetition has nothing to repeat")
        match self.next("it ends early"):
            case "(":
                node = self.choice()
                if not self.take(")"):
                    raise InvalidValueError("a '(' has no ')'")
                return node
            case "[":
                return self.character_class()
            case "\\":
                found = self.take_match(_ESCAPED_ANCHOR)
                return _ESCAPED_ANCHORS[found[0]] if found else char(*self.escape())
            case ".":
                return _ANY
            case "^":
                return Anchor.START
            case "$":
                return Anchor.END
            case character:
                return literal(character)

    def character_class(self) -> Char:
        """Read a class, whose ``[`` was read."""
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not ranges or not self.take("]"):
            if found := self.take_match(_NAMED_CLASS):
                ranges += _named_class(found[1])
                continue
            first = self.class_member()
            ranges += first
            ends_class = self.text.startswith("-]", self.place)
            if len(first) == 1 and first[0][0] == first[0][1] and not ends_class and self.take("-"):
                (_, last), *others = self.class_member()
                if others or last < first[0][0]:
                    raise InvalidValueError("a class has a range that ends before it begins")
                ranges.append((first[0][0], last))
        return char(*ranges, negated=negated)

    def class_member(self) -> Ranges:
        """Read a character of a class, or a class of its own."""
        character = self.next("a class is not closed")
        return self.escape() if character == "\\" else ((ord(character), ord(character)),)

    def escape(self) -> Ranges:
        r"""Read what stands after a ``\``."""
        if found := self.take_match(_OCTAL):
            code = int(found[0], 8)
        elif found := self.take_match(_HEXADECIMAL):
            code = int(found[1] or found[2], 16)
        else:
            character = self.next("it ends with an escape")
            if character.lower() in _ESCAPED_CLASSES:
                ranges = _ESCAPED_CLASSES[character.lower()]
                return ranges if character.islower() else _complement(ranges)
            if character.isalnum() or not character.isascii():
                code = _ESCAPED_CONTROLS.get(character, _LAST + 1)
            else:
                code = ord(character)
        if code > _LAST:
            raise InvalidValueError("it escapes what cannot be escaped")
        return ((code, code),)


def _named_class(name: str) -> Ranges:
    ranges = _NAMED_CLASSES.get(name.removeprefix("^"))
    if ranges is None:
        raise InvalidValueError(f"there is no class of characters named {name!r}")
    return _complement(ranges) if name.startswith("^") else ranges


@cache
def compile_regex(text: str) -> Callable[[str], bool]:
    """Return a function that tells whether an expression matches anywhere in a text.

    Raises InvalidValueError for one that is malformed.
    """
    return compile_node(parse(text))
