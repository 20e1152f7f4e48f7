"""Model the stages of a Dockerfile as functions: names, comments, and global arguments."""

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
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.parser.parser import Parsed

# Names that function bodies use.
_LOCAL_NAMES = (
    "DOCKERFILE",
    "Device",
    "Git",
    "bind",
    "build",
    "chosen",
    "context",
    "instructions",
    "secret",
    "stages",
    "tmpfs",
    "tree",
)
_RESERVED = (*_LOCAL_NAMES, "Annotated", "Build", "BuildArg", "State", "target")
# The prefix of variables for trees that a stage uses several times.
SHARED = "from_"
_LAST = "image"
# Defaults of the platform arguments, as no build is running.
_AUTOMATIC_DEFAULTS = ConvertOptions().automatic_arguments("")


@frozen
class Step:
    """An instruction, and the comments above it in Python's form."""

    instruction: Instruction
    comments: tuple[str, ...]


@define(eq=False)
class Stage:
    """A stage: ``name`` is its name in the Dockerfile, if any, and ``function`` its name in Python.

    ``target`` is the name that clients build, and ``description`` comes from the comment above it.
    """

    number: int
    from_instruction: From
    name: str | None
    comments: tuple[str, ...]
    function: str = ""
    target: str = ""
    description: str = ""
    steps: list[Step] = field(factory=list)


@frozen
class Model:
    """A Dockerfile: its stages, and the arguments before the first of them.

    ``arguments`` are the defaults by name; each default may refer to the one before it.
    ``comments`` are at the top of the file and above the arguments, ``ending`` at the bottom.
    """

    parsed: Parsed
    stages: tuple[Stage, ...]
    arguments: Mapping[str, tuple[str, ...]]
    comments: tuple[str, ...]
    ending: tuple[str, ...]

    def find(self, name: str, before: Stage) -> Stage | None:
        """Find the last stage of a name that is defined before another stage."""
        matches = [stage for stage in self.stages[: before.number] if stage.name == name]
        return matches[-1] if matches else None

    def default_base(self, stage: Stage) -> str:
        """Expand the base of a stage with the defaults of all build args."""
        expander = Expander(escape=self.parsed.escape)
        values = dict(_AUTOMATIC_DEFAULTS)
        try:
            for name, defaults in self.arguments.items():
                for default in defaults:
                    values[name] = expander.word(default, values)
            return expander.word(stage.from_instruction.base, values)
        except ExpansionError as error:
            raise NotExpressible(str(error), stage.from_instruction.origin.lines[0]) from error

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The names of all arguments that the file declares, without duplicates."""
        instructions = (step.instruction for stage in self.stages for step in stage.steps)
        names = (
            name
            for instruction in instructions
            if isinstance(instruction, Arg)
            for name, _ in instruction.args
        )
        return tuple(dict.fromkeys((*self.arguments, *names)))


def build_model(parsed: Parsed) -> Model:
    """Collect the stages of a Dockerfile.

    Raises DockerfileError, and NotExpressible if the file has no stage.
    """
    comments = _Comments(parsed)
    stages: list[Stage] = []
    arguments: dict[str, tuple[str, ...]] = {}
    top_comments = [*comments.beginning]
    for instruction in interpret(parsed):
        comments_above = comments.above(instruction)
        if isinstance(instruction, From):
            stages.append(Stage(len(stages), instruction, instruction.name, comments_above))
        elif stages:
            stages[-1].steps.append(Step(instruction, comments_above))
        elif isinstance(instruction, Arg):
            top_comments += comments_above
            _declare(instruction, arguments)
    if not stages:
        raise NotExpressible("the file has no stage")
    dockerfile = Model(parsed, tuple(stages), arguments, tuple(top_comments), comments.ending())
    _assign_names(dockerfile)
    return dockerfile


def _declare(instruction: Arg, arguments: dict[str, tuple[str, ...]]) -> None:
    for name, default in instruction.args:
        if name == SOURCE_DATE_EPOCH:
            raise NotExpressible(f"all stages depend on ARG {name}", instruction.origin.lines[0])
        other_defaults = (
            value for key, values in arguments.items() if key != name for value in values
        )
        if name in arguments and any(name in value for value in other_defaults):
            raise NotExpressible(f"ARG {name} is declared twice", instruction.origin.lines[0])
        arguments[name] = (*arguments.get(name, ()), *(() if default is None else (default,)))


def is_name(string: str) -> bool:
    """Check whether a string can name a parameter."""
    is_free = string not in _LOCAL_NAMES and not string.startswith(SHARED)
    return is_free and string.isidentifier() and not keyword.iskeyword(string)


def _assign_names(dockerfile: Model) -> None:
    """Give each stage a unique function name and target name."""
    used_functions = {*_RESERVED, *dir(builtins), *keyword.kwlist, *dockerfile.argument_names}
    used_targets: set[str] = set()
    for stage in dockerfile.stages:
        is_last = stage is dockerfile.stages[-1]
        name = stage.name or (_LAST if is_last else f"stage_{stage.number}")
        stem = re.sub(r"\W", "_", name, flags=re.ASCII)
        stem = f"stage_{stem}" if stem[0].isdigit() else stem
        stage.function = _unused_name(stem, used_functions, "_stage")
        used_functions.add(stage.function)
        stage.target = _unused_name(name, used_targets, "_stage")
        used_targets.add(folded(stage.target))
        stage.description, stage.comments = _split_description(stage)


def _unused_name(name: str, used: Iterable[str], suffix: str) -> str:
    while name in used or folded(name) in used:
        name += suffix
    return name


def _split_description(stage: Stage) -> tuple[str, tuple[str, ...]]:
    """Split the comments above a stage into its description and the others."""
    start = f"# {stage.name} "
    if not stage.comments or not stage.comments[-1].lower().startswith(start):
        return "", stage.comments
    return stage.comments[-1][len(start) :], stage.comments[:-1]


class _Comments:
    """Read the comments of a file in order; the parser keeps only some of them."""

    def __init__(self, parsed: Parsed) -> None:
        self._lines = parsed.source.text.split("\n")
        self._nodes = {node.lines: node for node in parsed.nodes}
        self._position = _count_directives(self._lines)
        # Comments that a blank line separates from the first instruction describe the file.
        first_line = parsed.nodes[0].lines[0] - 1
        blank_lines = [
            index
            for index in range(self._position, first_line)
            if not self._lines[index].strip(WHITE)
        ]
        self.beginning = (
            tuple(self._between(self._position, blank_lines[-1])) if blank_lines else ()
        )
        self._position = blank_lines[-1] if blank_lines else self._position

    def above(self, instruction: Instruction) -> tuple[str, ...]:
        """Read the comments between the previous instruction and this one, and inside this one."""
        first_line, last_line = instruction.origin.lines
        comments = [*self._between(self._position, first_line - 1)]
        node = self._nodes[instruction.origin.lines]
        if not node.heredocs:
            comments += self._between(first_line, last_line)
        self._position = last_line
        return tuple(comments)

    def ending(self) -> tuple[str, ...]:
        """Read the comments below the last instruction."""
        return tuple(self._between(self._position, len(self._lines)))

    def _between(self, start: int, end: int) -> Iterator[str]:
        for line in self._lines[start:end]:
            stripped = line.strip(WHITE)
            if stripped.startswith("#"):
                yield _comment(stripped)


def _comment(line: str) -> str:
    content = shown(line.lstrip("#").strip())
    return f"{'#' * (len(line) - len(line.lstrip('#')))} {content}".rstrip()


def _count_directives(lines: list[str]) -> int:
    """Count the parser directives at the beginning."""
    count = 0
    for line in lines:
        stripped = line.strip(WHITE)
        if not stripped.startswith("#") or parse_directive(stripped[1:]) is None:
            break
        count += 1
    return count
