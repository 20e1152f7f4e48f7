"""From a Dockerfile to a build file in Python, which makes the same operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.parser.directives import detect_syntax
from llb.dockerfile.parser.parser import parse
from llb.dockerfile.to_python.code_layout import WIDTH, Raw, call, statement, text
from llb.dockerfile.to_python.function_body import Body
from llb.dockerfile.to_python.instructions import begin, write
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.sources import share
from llb.dockerfile.to_python.stages import Model, is_name, model
from llb.errors import InputError
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.to_python.function_body import Ending
    from llb.dockerfile.to_python.stages import Stage

__all__ = ["Fallback", "Rewritten", "rewrite"]

_BUILD = "build: Build"
_STAGE = "TARGETSTAGE"
SYNTAX = "myorg/pyfrontend"
_DOCKER = ("docker/dockerfile", "docker.io/docker/dockerfile")
_IMPORTS = ("Git", "bind", "secret", "tmpfs")


@frozen
class Fallback:
    """A stage that stays a Dockerfile: its name, the line of what cannot be written, and why."""

    stage: str
    line: int
    reason: str


@frozen
class Rewritten:
    """A build file, and the stages that it builds from the Dockerfile's own text."""

    source: str = field(repr=False)
    fallbacks: tuple[Fallback, ...] = ()


def rewrite(
    data: bytes | str,
    *,
    filename: str = "Dockerfile",
    target: str | None = None,
    syntax: str | None = None,
    resolver: Resolver | None = None,
) -> Rewritten:
    r"""Return the build file in Python that makes the operations of a Dockerfile.

    Each stage becomes a function, each ARG a parameter, and comments stay. ``target`` is the
    stage that is built by default, the last one where it is absent, and ``syntax`` the image of
    the frontend that the first line names. A stage that cannot be written out is built from the
    text of the Dockerfile, and is among the ``fallbacks``. With a ``resolver``, so is one upon an
    image with ONBUILD; without one, such a stage warns when it is built.

    Raises DockerfileError for a mistake in the file, and InputError where all of it cannot be
    written.

    >>> print(rewrite("FROM alpine\nRUN echo $HOME\n").source)
    # syntax=myorg/pyfrontend
    from llb import State
    from llb.buildfile import Build, target
    <BLANKLINE>
    <BLANKLINE>
    @target(default=True)
    def image(build: Build) -> State:
        return build.image("alpine").run("echo $HOME")
    <BLANKLINE>
    """
    given = data.encode() if isinstance(data, str) else data
    parsed = parse(given, filename)
    try:
        made = model(parsed)
        default = _default(made, target)
        try:
            functions, fallbacks = _functions(made, default, resolver)
        except Refusal as refusal:
            fallbacks = [Fallback(default.target, refusal.line, refusal.reason)]
            functions = [_fallback(made, default, fallbacks[0], is_default=True)]
    except Refusal as refusal:
        raise InputError(
            f"{filename}, line {refusal.line}, cannot be written in Python: {refusal.reason}"
        ) from refusal
    head = _head(functions, made, syntax or _syntax(given))
    if fallbacks:
        head += f"\n\n{_constant(parsed.source.text)}"
    source = "\n\n\n".join([head, *functions]) + "\n"
    if made.ending:
        source += "\n\n" + "\n".join(made.ending) + "\n"
    if has_octets(source) or "\0" in source:
        raise InputError(f"{filename} cannot be written in Python: it has bytes that are no UTF-8")
    return Rewritten(source, tuple(fallbacks))


def _syntax(data: bytes) -> str:
    found = detect_syntax(data)
    if found is None or found.source.partition(":")[0].partition("@")[0] in _DOCKER:
        return SYNTAX
    return found.cmdline


def _default(made: Model, name: str | None) -> Stage:
    if name is None:
        return made.stages[-1]
    found = [each for each in made.stages if each.name == name.lower()]
    if not found:
        names = [each.name for each in made.stages if each.name is not None]
        raise errors.unknown_target(made.parsed.source, name, names)
    return found[-1]


def _functions(
    made: Model, default: Stage, resolver: Resolver | None
) -> tuple[list[str], list[Fallback]]:
    functions: list[str] = []
    fallbacks: list[Fallback] = []
    endings: dict[int, Ending] = {}
    for stage in made.stages:
        body = Body(made, stage, resolver)
        try:
            functions.append(_function(body, endings, is_default=stage is default))
        except Refusal as refusal:
            line = refusal.line or body.line or stage.begin.origin.lines[0]
            fallbacks.append(Fallback(stage.target, line, refusal.reason))
            functions.append(_fallback(made, stage, fallbacks[-1], is_default=stage is default))
        else:
            endings[stage.number] = body.ending()
    return functions, fallbacks


def _function(body: Body, endings: dict[int, Ending], *, is_default: bool) -> str:
    stage = body.stage
    share(body)
    begin(body, endings)
    for step in stage.steps:
        body.comment(step.comments)
        write(body, step.instruction)
    lines = body.lines()
    parameters = [f"{name}: {_typed(code)}" for name, code in body.parameters.items()]
    if re.search(r"\bbuild\.", "".join(lines)):
        parameters.insert(0, _BUILD)
    return "\n".join([*_signature(stage, parameters, is_default=is_default), *lines])


def _typed(code: str) -> str:
    return f"{'str | None' if code == 'None' else 'str'} = {code}"


def _signature(stage: Stage, given: Sequence[str], *, is_default: bool) -> list[str]:
    """Return the lines of a function above its body."""
    named = [f'name="{stage.target}"'] if stage.target != stage.function else []
    options = [*named, *(["default=True"] if is_default else [])]
    decorator = f"@target({', '.join(options)})" if options else "@target"
    start = f"def {stage.function}({', '.join(given)}) -> State:"
    lines = [*stage.comments, decorator]
    if len(start) <= WIDTH:
        lines.append(start)
    else:
        inner = "".join(f"    {each},\n" for each in given)
        lines.append(f"def {stage.function}(\n{inner}) -> State:")
    if stage.description:
        lines.append(f'    """{_sentence(stage.description)}"""')
    return lines


def _sentence(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', "'")
    return escaped[0].upper() + escaped[1:] + ("" if escaped.endswith((".", "!", "?")) else ".")


def _fallback(made: Model, stage: Stage, why: Fallback, *, is_default: bool) -> str:
    """Return a function that builds a stage from the text of the Dockerfile."""
    if not is_default and (stage.name is None or _STAGE in made.parsed.source.text):
        raise Refusal(why.reason, why.line)
    names = filter(is_name, made.argument_names)
    parameters = [_BUILD, *(f"{name}: str | None = None" for name in names)]
    asked = None if stage is made.stages[-1] or stage.name is None else text(stage.name)
    made_of = call(
        "build.dockerfile", Raw("DOCKERFILE"), target=asked, build_args=Raw("build.args")
    )
    return "\n".join(
        [
            *_signature(stage, parameters, is_default=is_default),
            f"    # Line {why.line} of the Dockerfile has no words in Python: {why.reason}.",
            statement("return ", made_of, 4),
        ]
    )


def _constant(written: str) -> str:
    written = written if written.endswith("\n") else f"{written}\n"
    escaped = written.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').replace("\r", "\\r")
    return f'DOCKERFILE = """\\\n{escaped}"""'


def _head(functions: list[str], made: Model, syntax: str) -> str:
    code = "\n".join(functions)
    names = ["State", *(name for name in _IMPORTS if re.search(rf"(?<![\w.]){name}\(", code))]
    of_file = ["target", *(["Build"] if _BUILD in code else [])]
    of_file += ["docker"] if "docker." in code else []
    lines = [
        f"# syntax={syntax}",
        *made.comments,
        *([""] if made.comments else []),
        *(["import posixpath", ""] if "posixpath." in code else []),
        f"from llb import {', '.join(_sorted(names))}",
        f"from llb.buildfile import {', '.join(_sorted(of_file))}",
    ]
    return "\n".join(lines)


def _sorted(names: Iterable[str]) -> list[str]:
    """Return names in the order of imports: classes first."""
    return sorted(names, key=lambda name: (not name[0].isupper(), name))
