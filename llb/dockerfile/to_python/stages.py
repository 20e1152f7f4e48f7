"""The stages of a Dockerfile as functions: their names, their comments, and the global arguments."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.buildfile.target import folded
from llb.dockerfile.instructions.nodes import Arg, From
from llb.dockerfile.instructions.parse import interpret
from llb.dockerfile.options import ConvertOptions
from llb.dockerfile.parser.directives import parse_directive
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.dockerfile.shell.words import WHITE
from llb.dockerfile.stages.source_date_epoch import NAME as SOURCE_DATE_EPOCH
from llb.dockerfile.to_python.refusal import Refusal
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.parser.parser import Parsed

# Names that the body of a function uses.
_USED = (
    "DOCKERFILE",
    "Git",
    "bind",
    "build",
    "chosen",
    "context",
    "docker",
    "secret",
    "stages",
    "tmpfs",
    "tree",
)
_RESERVED = (*_USED, "Build", "State", "target")
# What trees are called that a stage takes from several times.
SHARED = "from_"
_LAST = "image"
# What stands for the platforms of a build, of which there is none yet.
_HERE = ConvertOptions().automatic_arguments("")


@frozen
class Step:
    """An instruction with the comments above it, as Python has them."""

    instruction: Instruction
    comments: tuple[str, ...]


@define(eq=False)
class Stage:
    """A stage: ``name`` is that of the file, None for one without, ``function`` that in Python.

    ``target`` is what a client asks for, and ``description`` what the file says of the stage.
    """

    number: int
    begin: From
    name: str | None
    comments: tuple[str, ...]
    function: str = ""
    target: str = ""
    description: str = ""
    steps: list[Step] = field(factory=list)


@frozen
class Model:
    """A Dockerfile: its stages, and the arguments before the first.

    ``arguments`` are the defaults by name, each made of the one before; ``comments`` stand above them
    and above everything, and ``ending`` below.
    """

    parsed: Parsed
    stages: tuple[Stage, ...]
    arguments: Mapping[str, tuple[str, ...]]
    comments: tuple[str, ...]
    ending: tuple[str, ...]

    def find(self, name: str, before: Stage) -> Stage | None:
        """Return the stage of a name that stands before another one, the last of several."""
        found = [each for each in self.stages[: before.number] if each.name == name]
        return found[-1] if found else None

    def usual_base(self, stage: Stage) -> str:
        """Return what a stage begins with where no build arg is given."""
        expander = Expander(escape=self.parsed.escape)
        values = dict(_HERE)
        try:
            for name, defaults in self.arguments.items():
                for default in defaults:
                    values[name] = expander.word(default, values)
            return expander.word(stage.begin.base, values)
        except ExpansionError as error:
            raise Refusal(str(error), stage.begin.origin.lines[0]) from error

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The names of all arguments that the file declares, once each."""
        inner = (step.instruction for stage in self.stages for step in stage.steps)
        names = (name for each in inner if isinstance(each, Arg) for name, _ in each.args)
        return tuple(dict.fromkeys((*self.arguments, *names)))


def model(parsed: Parsed) -> Model:
    """Return the stages of a Dockerfile. Raises DockerfileError, and Refusal for no stage."""
    comments = _Comments(parsed)
    stages: list[Stage] = []
    arguments: dict[str, tuple[str, ...]] = {}
    above = [*comments.beginning]
    for each in interpret(parsed):
        found = comments.above(each)
        if isinstance(each, From):
            stages.append(Stage(len(stages), each, each.name, found))
        elif stages:
            stages[-1].steps.append(Step(each, found))
        elif isinstance(each, Arg):
            above += found
            _declare(each, arguments)
    if not stages:
        raise Refusal("it has no stage")
    made = Model(parsed, tuple(stages), arguments, tuple(above), comments.ending())
    _name(made)
    return made


def _declare(instruction: Arg, arguments: dict[str, tuple[str, ...]]) -> None:
    for name, default in instruction.args:
        if name == SOURCE_DATE_EPOCH:
            raise Refusal(f"{name}, which all stages depend on", instruction.origin.lines[0])
        others = (each for key, known in arguments.items() if key != name for each in known)
        if name in arguments and any(name in each for each in others):
            raise Refusal(f"the argument {name} is declared twice", instruction.origin.lines[0])
        arguments[name] = (*arguments.get(name, ()), *(() if default is None else (default,)))


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a parameter."""
    is_free = text not in _USED and not text.startswith(SHARED)
    return is_free and text.isidentifier() and not keyword.iskeyword(text)


def _name(made: Model) -> None:
    """Give each stage a function and a target that no other has."""
    taken = {*_RESERVED, *dir(builtins), *keyword.kwlist, *made.argument_names}
    targets: set[str] = set()
    for stage in made.stages:
        is_last = stage is made.stages[-1]
        wanted = stage.name or (_LAST if is_last else f"stage_{stage.number}")
        stem = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        stem = f"stage_{stem}" if stem[0].isdigit() else stem
        stage.function = _free(stem, taken, "_stage")
        taken.add(stage.function)
        stage.target = _free(wanted, targets, "_stage")
        targets.add(folded(stage.target))
        stage.description, stage.comments = _described(stage)


def _free(name: str, taken: Iterable[str], ending: str) -> str:
    while name in taken or folded(name) in taken:
        name += ending
    return name


def _described(stage: Stage) -> tuple[str, tuple[str, ...]]:
    """Return what the comment right above a stage says of it, and the other comments."""
    start = f"# {stage.name} "
    if not stage.comments or not stage.comments[-1].lower().startswith(start):
        return "", stage.comments
    return stage.comments[-1][len(start) :], stage.comments[:-1]


class _Comments:
    """The comments of a file, which the parser has just a part of."""

    def __init__(self, parsed: Parsed) -> None:
        self._lines = parsed.source.text.split("\n")
        self._nodes = {node.lines: node for node in parsed.nodes}
        self._place = _directives(self._lines)
        # What an empty line separates from the first instruction is about the whole file.
        first = parsed.nodes[0].lines[0] - 1
        blank = [
            place for place in range(self._place, first) if not self._lines[place].strip(WHITE)
        ]
        self.beginning = tuple(self._between(self._place, blank[-1])) if blank else ()
        self._place = blank[-1] if blank else self._place

    def above(self, instruction: Instruction) -> tuple[str, ...]:
        """Return the comments between the last instruction and one, and inside of that."""
        first, last = instruction.origin.lines
        found = [*self._between(self._place, first - 1)]
        node = self._nodes[instruction.origin.lines]
        if not node.heredocs:
            found += self._between(first, last)
        self._place = last
        return tuple(found)

    def ending(self) -> tuple[str, ...]:
        """Return the comments below the last instruction."""
        return tuple(self._between(self._place, len(self._lines)))

    def _between(self, start: int, end: int) -> Iterator[str]:
        for line in self._lines[start:end]:
            stripped = line.strip(WHITE)
            if stripped.startswith("#"):
                yield _comment(stripped)


def _comment(line: str) -> str:
    written = shown(line.lstrip("#").strip())
    return f"{'#' * (len(line) - len(line.lstrip('#')))} {written}".rstrip()


def _directives(lines: list[str]) -> int:
    """Return how many lines at the beginning are for the parser."""
    count = 0
    for line in lines:
        stripped = line.strip(WHITE)
        if not stripped.startswith("#") or parse_directive(stripped[1:]) is None:
            break
        count += 1
    return count
