r"""Regular expressions in Go's syntax, matched in time linear in the length of the string.

Docker translates its patterns to regular expressions, so corner cases behave as in Go's ``regexp``.
The supported syntax is the part of RE2 that patterns can produce; Unicode classes (``\p``) are
refused.

Expressions with few repetitions are compiled to Python's ``re``, which is fast for them. It
backtracks, so expressions with more repetitions are matched by an automaton, which follows all
possible positions at once.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LAST = 0x10FFFF
_MAX_REPEAT = 1000
# The limit of all copies that the bounds of repetitions make, such as 999 for `a{0,999}`.
_MAX_COPIES = 1000
# Backtracking over the longest path takes millions of steps at worst with two, billions with three.
_MAX_BACKTRACKING = 2
# The limit of the positions in all states that an automaton keeps.
_MAX_POSITIONS = 500_000

Ranges = tuple[tuple[int, int], ...]


@frozen
class Char:
    """A character from ranges of code points, which include both ends."""

    ranges: Ranges


class Anchor(Enum):
    """A position between characters; the values are Python's syntax."""

    START = r"\A"
    END = r"\Z"
    WORD_EDGE = r"\b"
    NO_WORD_EDGE = r"\B"


@frozen
class Sequence:
    """Parts that match in order."""

    parts: tuple[Node, ...]


@frozen
class Choice:
    """Alternatives, of which one matches."""

    branches: tuple[Node, ...]


@frozen
class Repeat:
    """A node that matches ``least`` to ``most`` times; without a limit if ``most`` is None."""

    node: Node
    least: int
    most: int | None


Node = Char | Anchor | Sequence | Choice | Repeat


def char(*ranges: tuple[int, int], negated: bool = False) -> Char:
    """Build a character from ranges, or from all others if ``negated``."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return Char(_complement(merged) if negated else tuple(merged))


def literal(character: str) -> Char:
    """Build a node that matches one given character."""
    return Char(((ord(character), ord(character)),))


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    complement: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        if start < first:
            complement.append((start, first - 1))
        start = last + 1
    if start <= _LAST:
        complement.append((start, _LAST))
    return tuple(complement)


def compile_node(node: Node) -> Callable[[str], bool]:
    """Compile an expression to a function that searches a string for a match."""
    return compile_any((node,))


def compile_any(nodes: Iterable[Node]) -> Callable[[str], bool]:
    """Compile expressions to one function that searches a string for a match of any of them.

    It is much faster than a function for each.
    """
    fast: list[Node] = []
    slow: list[Node] = []
    for node in nodes:
        (fast if _repetitions(node) <= _MAX_BACKTRACKING else slow).append(node)
    if not slow:
        return _compile_python(fast)
    automaton = Automaton.from_node(Choice(tuple(slow)))
    if not fast:
        return automaton.matches
    search = _compile_python(fast)
    return lambda text: search(text) or automaton.matches(text)


def _compile_python(nodes: list[Node]) -> Callable[[str], bool]:
    compiled = re.compile(_to_python(Choice(tuple(nodes))), re.ASCII)
    # A search would try an expression with an anchor at its start everywhere, in vain.
    search = compiled.match if all(map(_is_anchored, nodes)) else compiled.search
    return lambda text: search(text) is not None


def _is_anchored(node: Node) -> bool:
    return isinstance(node, Sequence) and node.parts[:1] == (Anchor.START,)


def _repetitions(node: Node) -> int:
    """Count the repetitions; any with a bound counts as too many to backtrack."""
    match node:
        case Sequence(parts):
            return sum(map(_repetitions, parts))
        case Choice(branches):
            # The steps of the branches add up, those of a sequence multiply.
            return max(map(_repetitions, branches))
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
            return _class_to_python(ranges)
        case Anchor():
            return node.value
        case Sequence(parts):
            return "".join(_to_python(part) for part in parts)
        case Choice(branches):
            return f"(?:{'|'.join(_to_python(branch) for branch in branches)})"
        case Repeat(inner, _, most):
            return f"(?:{_to_python(inner)}){'*' if most is None else '?'}"


def _class_to_python(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    # Python needs milliseconds to compile a class of nearly all characters, but not its complement.
    others = _complement(ranges)
    negated = bool(others) and ranges[-1][1] == _LAST
    spans = others if negated else ranges
    inner = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)
    return f"[{'^' * negated}{inner}]"


@frozen
class _Split:
    """A step that continues at two others, given by their distance from this one."""

    first: int
    second: int


_Step = Char | Anchor | _Split


@frozen(eq=False)
class _State:
    """The positions of an automaton, and the kind of the previous character, if it matters.

    ``matched`` is set once the expression has matched. ``following`` holds the known states after
    the next character, and "" is the end of the string.
    """

    positions: frozenset[int]
    before: str
    matched: bool = False
    following: dict[str, _State] = field(factory=dict, repr=False)


@frozen(eq=False)
class Automaton:
    """An expression as a list of steps; reaching the end of the list is a match."""

    steps: tuple[_Step, ...]
    states: dict[tuple[frozenset[int], str, bool], _State] = field(factory=dict, repr=False)

    @classmethod
    def from_node(cls, node: Node) -> Automaton:
        """Convert an expression to an automaton."""
        return cls(tuple(_to_steps(node)))

    def matches(self, text: str) -> bool:
        """Check whether the expression matches anywhere in ``text``."""
        state = self.state(frozenset({0}), "", matched=False)
        for character in text:
            state = state.following.get(character) or self.follow(state, character)
            if state.matched:
                return True
        return (state.following.get("") or self.follow(state, "")).matched

    def state(self, positions: frozenset[int], before: str, *, matched: bool) -> _State:
        """Find a state, or create it."""
        key = (positions, before, matched)
        known = self.states.get(key)
        if known is None:
            # Most paths resemble each other, so their states are kept, up to a limit.
            if len(self.states) * len(self.steps) >= _MAX_POSITIONS:
                for state in list(self.states.values()):
                    state.following.clear()
                self.states.clear()
            known = self.states[key] = _State(*key)
        return known

    def follow(self, state: _State, character: str) -> _State:
        """Compute the state after a character, and remember it; "" is the end."""
        reached = self.reach(state, character)
        # A match may start after any character.
        positions = {0}
        if character:
            code = ord(character)
            for position in reached - {len(self.steps)}:
                step = self.steps[position]
                if isinstance(step, Char) and any(low <= code <= high for low, high in step.ranges):
                    positions.add(position + 1)
        before = "w" if _is_word(character) else "-"
        matched = len(self.steps) in reached
        following = self.state(frozenset(positions), before, matched=matched)
        state.following[character] = following
        return following

    def reach(self, state: _State, after: str) -> set[int]:
        """Collect the steps that are reachable before the character ``after``."""
        is_edge = _is_word(state.before) != _is_word(after)
        satisfied = {Anchor.WORD_EDGE if is_edge else Anchor.NO_WORD_EDGE}
        satisfied |= {Anchor.START} if not state.before else set()
        satisfied |= {Anchor.END} if not after else set()
        reached: set[int] = set()
        pending = list(state.positions)
        while pending:
            position = pending.pop()
            if position in reached:
                continue
            reached.add(position)
            match self.steps[position] if position < len(self.steps) else None:
                case _Split(first, second):
                    pending += (position + first, position + second)
                case Anchor() as anchor if anchor in satisfied:
                    pending.append(position + 1)
        return reached


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


def _to_steps(node: Node) -> list[_Step]:
    match node:
        case Char() | Anchor():
            return [node]
        case Sequence(parts):
            return [step for part in parts for step in _to_steps(part)]
        case Choice(branches):
            *earlier, last = branches
            steps = _to_steps(last)
            for branch in reversed(earlier):
                # Each branch ends with a jump over the following branches.
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
# The bounds of `*` and `?`.
_UNBOUNDED = ((0, None), (0, 1))
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


@lru_cache
def parse(text: str) -> Node:
    """Parse an expression. Raises InvalidValueError if it is malformed."""
    parser = _Parser(text)
    node = parser.choice()
    if parser.offset < len(text):
        raise InvalidValueError("unmatched ')'")
    return node


class _Parser:
    """A recursive-descent parser; ``offset`` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.copies = 0

    def take(self, expected: str) -> bool:
        """Skip ``expected`` if it comes next, and return whether it did."""
        is_next = self.text.startswith(expected, self.offset)
        self.offset += len(expected) * is_next
        return is_next

    def next(self, missing: str) -> str:
        """Consume one character. Raises InvalidValueError(``missing``) at the end."""
        if self.offset == len(self.text):
            raise InvalidValueError(missing)
        self.offset += 1
        return self.text[self.offset - 1]

    def take_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Consume what ``pattern`` matches here, if anything."""
        match = pattern.match(self.text, self.offset)
        if match is not None:
            self.offset = match.end()
        return match

    def choice(self) -> Node:
        """Parse alternatives separated by ``|``."""
        branches = [self.sequence()]
        while self.take("|"):
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self) -> Node:
        """Parse everything up to the next ``|`` or ``)``."""
        parts: list[Node] = []
        while self.offset < len(self.text) and self.text[self.offset] not in "|)":
            if self.take("\\Q"):
                quoted, _, _ = self.text[self.offset :].partition("\\E")
                self.offset += len(quoted)
                self.take("\\E")
                parts += map(literal, quoted)
                if quoted:
                    parts[-1] = self.repeated(parts[-1])
            elif not self.take("\\E"):
                parts.append(self.repeated(self.single()))
        return Sequence(tuple(parts))

    def repeated(self, node: Node) -> Node:
        """Parse a repetition of ``node``, if any follows."""
        bounds = self.bounds()
        if bounds is None:
            return node
        if self.bounds() is not None:
            raise InvalidValueError("repeated repetition")
        least, most = bounds
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
            raise InvalidValueError("invalid bounds of a repetition")
        if bounds not in _UNBOUNDED:
            # Each copy is a step of an automaton. Go allows millions of them.
            self.copies += max(least, most or 0)
            if self.copies > _MAX_COPIES:
                raise InvalidValueError(f"its repetitions add up to more than {_MAX_COPIES}")
        return Repeat(node, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        """Parse the bounds of a repetition, if any."""
        if self.take("*"):
            return 0, None
        if self.take("?"):
            return 0, 1
        match = self.take_match(_BOUNDS)
        if match is None:
            return None
        least, comma, most = match.groups()
        return int(least), int(most or least) if most or not comma else None

    def single(self) -> Node:
        """Parse one element, to which a repetition can apply."""
        if self.bounds() is not None:
            raise InvalidValueError("nothing to repeat")
        match self.next("unexpected end"):
            case "(":
                node = self.choice()
                if not self.take(")"):
                    raise InvalidValueError("unclosed '('")
                return node
            case "[":
                return self.character_class()
            case "\\":
                anchor = self.take_match(_ESCAPED_ANCHOR)
                return _ESCAPED_ANCHORS[anchor[0]] if anchor else char(*self.escape())
            case ".":
                return _ANY
            case "^":
                return Anchor.START
            case "$":
                return Anchor.END
            case character:
                return literal(character)

    def character_class(self) -> Char:
        """Parse a class after its ``[``."""
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not ranges or not self.take("]"):
            if match := self.take_match(_NAMED_CLASS):
                ranges += _named_class(match[1])
                continue
            first = self.class_member()
            ranges += first
            ends_class = self.text.startswith("-]", self.offset)
            if len(first) == 1 and first[0][0] == first[0][1] and not ends_class and self.take("-"):
                (_, last), *more_ranges = self.class_member()
                if more_ranges or last < first[0][0]:
                    raise InvalidValueError("reversed range in a class")
                ranges.append((first[0][0], last))
        return char(*ranges, negated=negated)

    def class_member(self) -> Ranges:
        """Parse a character or an escaped class within a class."""
        character = self.next("a class is not closed")
        return self.escape() if character == "\\" else ((ord(character), ord(character)),)

    def escape(self) -> Ranges:
        r"""Parse an escape after its ``\``."""
        if match := self.take_match(_OCTAL):
            code = int(match[0], 8)
        elif match := self.take_match(_HEXADECIMAL):
            code = int(match[1] or match[2], 16)
        else:
            character = self.next("it ends with a backslash")
            if character.lower() in _ESCAPED_CLASSES:
                ranges = _ESCAPED_CLASSES[character.lower()]
                return ranges if character.islower() else _complement(ranges)
            if character.isalnum() or not character.isascii():
                code = _ESCAPED_CONTROLS.get(character, _LAST + 1)
            else:
                code = ord(character)
        if code > _LAST:
            raise InvalidValueError("invalid escape")
        return ((code, code),)


def _named_class(name: str) -> Ranges:
    ranges = _NAMED_CLASSES.get(name.removeprefix("^"))
    if ranges is None:
        raise InvalidValueError(f"unknown character class {name!r}")
    return _complement(ranges) if name.startswith("^") else ranges
