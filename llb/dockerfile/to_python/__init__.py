"""Convert a Dockerfile to a Python build file that creates the same operations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.parser.directives import detect_syntax
from llb.dockerfile.parser.parser import parse
from llb.dockerfile.to_python.code_layout import WIDTH, Raw, call, literal, statement
from llb.dockerfile.to_python.function_body import Body
from llb.dockerfile.to_python.instructions import write_base, write_instruction
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.sources import assign_shared_trees
from llb.dockerfile.to_python.stages import Model, build_model, is_name
from llb.errors import InputError
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.to_python.function_body import EndState
    from llb.dockerfile.to_python.stages import Stage

__all__ = ["Fallback", "Rewritten", "rewrite"]

_BUILD = "build: Build"
_STAGE = "TARGETSTAGE"
_DOCKER = ("docker/dockerfile", "docker.io/docker/dockerfile")
_IMPORTS = ("Device", "Git", "bind", "secret", "tmpfs")


@frozen
class Fallback:
    """A stage that is still built from the Dockerfile: its name, and the line and reason."""

    stage: str
    line: int
    reason: str


@frozen
class Rewritten:
    """A build file, and the stages that it still builds from the Dockerfile's own source."""

    source: str = field(repr=False)
    fallbacks: tuple[Fallback, ...] = ()


@checked
def rewrite(
    data: bytes | str,
    *,
    filename: str = "Dockerfile",
    target: str | None = None,
    syntax: str | None = None,
    resolver: Resolver | None = None,
) -> Rewritten:
    r"""Convert a Dockerfile to a Python build file that creates the same operations.

    Each stage becomes a function, each ARG a parameter, and comments are kept. ``target`` is the
    stage built by default; without it, the last one is. ``syntax`` is the frontend image named
    on the first line; by default it is the one that the Dockerfile names, if that is not Docker's.
    Without one, ``llb build`` evaluates the build file itself. A stage that Python cannot express is built from the source of the
    Dockerfile and listed in ``fallbacks``. With a ``resolver``, this includes a stage based on an
    image with ONBUILD; without one, such a stage warns when it is built.

    Raises DockerfileError if the file has a mistake, and InputError if no part of it can be
    converted.

    >>> print(rewrite("FROM alpine\nRUN echo $HOME\n").source)
    from llb import State
    from llb.buildfile import Build, target
    <BLANKLINE>
    <BLANKLINE>
    @target(default=True)
    def image(build: Build) -> State:
        return build.image("alpine").run("echo $HOME")
    <BLANKLINE>
    """
    data_bytes = data.encode() if isinstance(data, str) else data
    parsed = parse(data_bytes, filename)
    try:
        dockerfile = build_model(parsed)
        default = _default_stage(dockerfile, target)
        try:
            functions, fallbacks = _write_functions(dockerfile, default, resolver)
        except NotExpressible as error:
            fallbacks = [Fallback(default.target, error.line, error.reason)]
            functions = [_write_fallback(dockerfile, default, fallbacks[0], is_default=True)]
    except NotExpressible as error:
        raise InputError(
            f"{filename}:{error.line}: cannot convert to Python: {error.reason}"
        ) from error
    header = _write_header(functions, dockerfile, syntax or _syntax(data_bytes))
    if fallbacks:
        header += f"\n\n{_dockerfile_constant(parsed.source.text)}"
    build_file = "\n\n\n".join([header, *functions]) + "\n"
    if dockerfile.ending:
        build_file += "\n\n" + "\n".join(dockerfile.ending) + "\n"
    if has_octets(build_file) or "\0" in build_file:
        raise InputError(f"{filename}: cannot convert to Python: bytes that are not UTF-8")
    return Rewritten(build_file, tuple(fallbacks))


def _syntax(data: bytes) -> str | None:
    directive = detect_syntax(data)
    if directive is None or directive.source.partition(":")[0].partition("@")[0] in _DOCKER:
        return None
    return directive.cmdline


def _default_stage(dockerfile: Model, name: str | None) -> Stage:
    if name is None:
        return dockerfile.stages[-1]
    matches = [stage for stage in dockerfile.stages if stage.name == name.lower()]
    if not matches:
        names = [stage.name for stage in dockerfile.stages if stage.name is not None]
        raise errors.unknown_target(dockerfile.parsed.source, name, names)
    return matches[-1]


def _write_functions(
    dockerfile: Model, default: Stage, resolver: Resolver | None
) -> tuple[list[str], list[Fallback]]:
    functions: list[str] = []
    fallbacks: list[Fallback] = []
    end_states: dict[int, EndState] = {}
    for stage in dockerfile.stages:
        body = Body(dockerfile, stage, resolver)
        try:
            functions.append(_write_function(body, end_states, is_default=stage is default))
        except NotExpressible as error:
            line = error.line or body.line or stage.from_instruction.origin.lines[0]
            fallbacks.append(Fallback(stage.target, line, error.reason))
            functions.append(
                _write_fallback(dockerfile, stage, fallbacks[-1], is_default=stage is default)
            )
        else:
            end_states[stage.number] = body.end_state()
    return functions, fallbacks


def _write_function(body: Body, end_states: dict[int, EndState], *, is_default: bool) -> str:
    stage = body.stage
    assign_shared_trees(body)
    write_base(body, end_states)
    for step in stage.steps:
        body.comment(step.comments)
        write_instruction(body, step.instruction)
    lines = body.lines()
    parameters = [f"{name}: {_with_type(code)}" for name, code in body.parameters.items()]
    if re.search(r"\bbuild\.", "".join(lines)):
        parameters.insert(0, _BUILD)
    return "\n".join([*_signature_lines(stage, parameters, is_default=is_default), *lines])


def _with_type(code: str) -> str:
    return f"{'str | None' if code == 'None' else 'str'} = {code}"


def _signature_lines(stage: Stage, parameters: Sequence[str], *, is_default: bool) -> list[str]:
    """List the lines of a function above its body."""
    name_option = [f'name="{stage.target}"'] if stage.target != stage.function else []
    options = [*name_option, *(["default=True"] if is_default else [])]
    decorator = f"@target({', '.join(options)})" if options else "@target"
    start = f"def {stage.function}({', '.join(parameters)}) -> State:"
    lines = [*stage.comments, decorator]
    if len(start) <= WIDTH:
        lines.append(start)
    else:
        inner = "".join(f"    {parameter},\n" for parameter in parameters)
        lines.append(f"def {stage.function}(\n{inner}) -> State:")
    if stage.description:
        lines.append(f'    """{_sentence(stage.description)}"""')
    return lines


def _sentence(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', "'")
    return escaped[0].upper() + escaped[1:] + ("" if escaped.endswith((".", "!", "?")) else ".")


def _write_fallback(
    dockerfile: Model, stage: Stage, fallback: Fallback, *, is_default: bool
) -> str:
    """Write a function that builds a stage from the source of the Dockerfile."""
    if not is_default and (stage.name is None or _STAGE in dockerfile.parsed.source.text):
        raise NotExpressible(fallback.reason, fallback.line)
    parameters = [_BUILD, *_fallback_parameters(dockerfile)]
    target_name = (
        None if stage is dockerfile.stages[-1] or stage.name is None else literal(stage.name)
    )
    tree = call(
        "build.dockerfile", Raw("DOCKERFILE"), target=target_name, build_args=Raw("build.args")
    )
    return "\n".join(
        [
            *_signature_lines(stage, parameters, is_default=is_default),
            f"    # Built from the Dockerfile because of line {fallback.line}: {fallback.reason}.",
            statement("return ", tree, 4),
        ]
    )


def _fallback_parameters(dockerfile: Model) -> Iterator[str]:
    """Write the parameters of all build args; some of their names are reserved in Python."""
    used = set(filter(is_name, dockerfile.argument_names))
    for name in dockerfile.argument_names:
        if is_name(name):
            yield f"{name}: str | None = None"
            continue
        stem = re.sub(r"\W", "_", name, flags=re.ASCII)
        parameter = f"arg_{stem}" if stem[:1].isdigit() else f"{stem}_"
        while parameter in used or not is_name(parameter):
            parameter += "_"
        used.add(parameter)
        yield f"{parameter}: Annotated[str | None, BuildArg({json.dumps(name)})] = None"


def _dockerfile_constant(source: str) -> str:
    source = source if source.endswith("\n") else f"{source}\n"
    escaped = source.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').replace("\r", "\\r")
    return f'DOCKERFILE = """\\\n{escaped}"""'


def _write_header(functions: list[str], dockerfile: Model, syntax: str | None) -> str:
    code = "\n".join(functions)
    library_names = [
        "State",
        *(name for name in _IMPORTS if re.search(rf"(?<![\w.]){name}\(", code)),
    ]
    build_file_names = ["target", *(["Build"] if _BUILD in code else [])]
    build_file_names += ["BuildArg"] if "BuildArg(" in code else []
    build_file_names += ["instructions"] if "instructions." in code else []
    lines = [
        *([] if syntax is None else [f"# syntax={syntax}"]),
        *dockerfile.comments,
        *([""] if dockerfile.comments else []),
        *(["import posixpath"] if "posixpath." in code else []),
        *(["from typing import Annotated"] if "Annotated[" in code else []),
        *([""] if "posixpath." in code or "Annotated[" in code else []),
        f"from llb import {', '.join(_sort_imports(library_names))}",
        f"from llb.buildfile import {', '.join(_sort_imports(build_file_names))}",
    ]
    return "\n".join(lines)


def _sort_imports(names: Iterable[str]) -> list[str]:
    """Sort imported names: classes first."""
    return sorted(names, key=lambda name: (not name[0].isupper(), name))
