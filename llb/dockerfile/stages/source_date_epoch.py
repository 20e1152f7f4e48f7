"""``SOURCE_DATE_EPOCH``: the creation time of a reproducible image.

The rules are those of the Dockerfile reference ("SOURCE_DATE_EPOCH") and of
reproducible-builds.org. The value is a number of seconds, or the name of a source whose time is
used: the build context, a named context, or a stage that adds one remote source.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.nodes import SCRATCH, Arg, Copy, From
from llb.dockerfile.shell.expand import ExpansionError
from llb.dockerfile.sources.git_refs import parse_git_ref
from llb.dockerfile.sources.named_contexts import find_context
from llb.dockerfile.sources.remote import repository, web_file
from llb.dockerfile_rules.copy import is_remote
from llb.errors import InvalidValueError
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb import State
    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.shell.expand import Expander
    from llb.errors import Span

NAME = "SOURCE_DATE_EPOCH"
_CONTEXT = "context"
_MAIN_LOG = "[internal] resolve main build context metadata"
_NAMED_LOG = f"[internal] resolve {NAME} named context "
_STAGE_LOG = f"[internal] resolve {NAME} source stage "


def find_epoch(
    value: str,
    instructions: Sequence[Instruction],
    arguments: Mapping[str, str],
    options: ConvertOptions,
    expander: Expander,
    span: Span | None,
) -> datetime | None:
    """Resolve a SOURCE_DATE_EPOCH; None if ``value`` is empty or its source has no time.

    ``instructions`` are those from the first FROM on. Raises DockerfileError.
    """
    if not value:
        return None
    if re.fullmatch(r"[+-]?[0-9]{1,19}", value):
        return _parse_seconds(value, span)
    if value == _CONTEXT:
        # A local directory has no time.
        return None if options.context is None else options.find_epoch(options.context, _MAIN_LOG)
    context = find_context(options.contexts, value, None, span=span)
    if context is not None:
        return options.find_epoch(context, _NAMED_LOG + value)
    for index, begin in enumerate(instructions):
        if isinstance(begin, From) and (begin.name or "").lower() == value.lower():
            env = {key: default for key, default in arguments.items() if key != NAME}
            body = _stage_body(instructions[index + 1 :])
            try:
                source = _stage_source(begin, body, env, options, expander)
            except ExpansionError as error:
                code = begin.origin.code
                raise errors.substitution(begin.origin.span, code, str(error)) from error
            return options.find_epoch(source, _STAGE_LOG + str(begin.name))
    raise errors.bad_epoch(span, value)


def seconds(epoch: datetime) -> str:
    """Format the time as a build argument, in seconds since 1970."""
    return str(int(epoch.timestamp()))


def _parse_seconds(value: str, span: Span | None) -> datetime:
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise errors.bad_epoch(span, value) from error


def _stage_body(instructions: Sequence[Instruction]) -> Sequence[Instruction]:
    for index, instruction in enumerate(instructions):
        if isinstance(instruction, From):
            return instructions[:index]
    return instructions


def _stage_source(
    begin: From,
    body: Sequence[Instruction],
    env: dict[str, str],
    options: ConvertOptions,
    expander: Expander,
) -> State:
    """Find the one remote source that a stage consists of."""
    span = begin.origin.span
    if expander.word(begin.base, env) != SCRATCH:
        raise errors.bad_epoch_stage(span, "must use FROM scratch")
    source: State | None = None
    for instruction in body:
        match instruction:
            case Arg():
                for name, default in instruction.args:
                    if name in options.build_args:
                        env[name] = options.build_args[name]
                    elif default is not None:
                        env[name] = expander.word(default, env)
            case Copy(is_add=True) if source is None:
                source = _remote_source(instruction, env, expander, span, advice=options.git_advice)
            case Copy(is_add=True):
                raise errors.bad_epoch_stage(span, "must contain exactly one remote ADD")
            case _:
                name = instruction.origin.code.split(maxsplit=1)[0].upper()
                reason = "does not meet source-only requirements: unsupported"
                raise errors.bad_epoch_stage(span, f"{reason} {name} instruction")
    if source is None:
        raise errors.bad_epoch_stage(span, "must contain exactly one remote ADD")
    return source


def _remote_source(
    instruction: Copy,
    env: Mapping[str, str],
    expander: Expander,
    span: Span,
    *,
    advice: bool,
) -> State:
    """Create the source of an ADD, which must be a URL or a Git repository.

    ``span`` is that of the stage, where Docker reports errors of the ADD. ``advice`` is whether
    git prints its advice.
    """
    if instruction.documents or len(instruction.sources) != 1:
        raise errors.bad_epoch_stage(span, "must contain exactly one remote ADD source")
    source = expander.word(instruction.sources[0], env)
    checksum = expander.word(instruction.checksum, env)
    try:
        if is_remote(source) and parse_git_ref(source) is None:
            return web_file(source, checksum and check_digest(checksum), locations=())
        git = parse_git_ref(source)
    except InvalidValueError as error:
        raise errors.refused_value(span, error.message, error.hint) from error
    except ValueError as error:
        raise errors.bad_repository(span, str(error)) from error
    if git is None or git.is_bare:
        raise errors.bad_epoch_stage(span, "source must be a single HTTP(S) or Git ADD")
    return repository(
        git,
        keep_git_dir=bool(instruction.keep_git_dir or git.keep_git_dir),
        checksum=checksum or git.checksum,
        advice=advice,
        locations=(),
    )
