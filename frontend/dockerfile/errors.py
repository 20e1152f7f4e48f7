"""Every mistake that a Dockerfile can have, one function each.

They return the error with the place it is about; who finds the mistake raises it.
The words follow those of Docker's own frontend where users know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import LLBError, Span, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


class DockerfileError(LLBError):
    """A Dockerfile that cannot be built, and where."""


@frozen
class Source:
    """A Dockerfile: its name, its bytes, and the text in them without a byte order mark."""

    filename: str
    data: bytes = field(repr=False)
    text: str = field(repr=False)

    def span(self, line: int, end_line: int | None = None, word: str | None = None) -> Span:
        """Return the place of an instruction, and of a word on its first line."""
        lines = self.text.splitlines()
        column = None
        if word and 0 < line <= len(lines):
            found = lines[line - 1].find(word)
            column = found + 1 if found >= 0 else None
        return Span(
            filename=self.filename,
            text=self.text,
            line=max(line, 1),
            end_line=max(end_line or line, 1),
            column=column,
            width=len(word or "") or 1,
        )


def empty_file(source: Source) -> DockerfileError:
    """Return the error of a file without a byte."""
    return DockerfileError("the Dockerfile cannot be empty", span=source.span(1))


def no_instructions(source: Source) -> DockerfileError:
    """Return the error of a file with comments alone."""
    return DockerfileError(
        "file with no instructions", span=source.span(1), hint="a Dockerfile begins with FROM"
    )


def no_stages(source: Source) -> DockerfileError:
    """Return the error of a file without FROM."""
    return DockerfileError("dockerfile contains no stages to build", span=source.span(1))


def line_too_long(source: Source, line: int) -> DockerfileError:
    """Return the error of a line that is longer than Docker reads."""
    return DockerfileError(
        "dockerfile line greater than max allowed size of 65535", span=source.span(line)
    )


def repeated_directive(span: Span, name: str) -> DockerfileError:
    """Return the error of a parser directive that stands twice."""
    return DockerfileError(f"only one {name} parser directive can be used", span=span)


def bad_escape_token(span: Span, token: str) -> DockerfileError:
    """Return the error of an escape directive with another character."""
    return DockerfileError(f"invalid escape token {token!r} does not match ` or \\", span=span)


def unterminated_heredoc(span: Span, name: str) -> DockerfileError:
    """Return the error of a here-document that does not end."""
    return DockerfileError(
        "unterminated heredoc", span=span, hint=f"it ends with a line that is just {name}"
    )


def unknown_instruction(span: Span, name: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a first word that is no instruction."""
    return DockerfileError(
        f"unknown instruction: {name}", span=span, hint=did_you_mean(name.upper(), known)
    )


def unknown_flag(span: Span, flag: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a flag that the instruction does not have."""
    known = list(known)
    hint = did_you_mean(flag, known)
    if hint is None and known:
        hint = f"its flags are {', '.join(known)}"
    return DockerfileError(f"unknown flag: {flag}", span=span, hint=hint)


def repeated_flag(span: Span, flag: str) -> DockerfileError:
    """Return the error of a flag that may stand once and stands twice."""
    return DockerfileError(f"duplicate flag specified: {flag}", span=span)


def missing_flag_value(span: Span, flag: str) -> DockerfileError:
    """Return the error of a flag that needs a value."""
    return DockerfileError(f"missing a value on flag: {flag}", span=span)


def bad_flag_value(span: Span, flag: str, value: str) -> DockerfileError:
    """Return the error of a flag that takes true or false."""
    return DockerfileError(f"expecting boolean value for flag {flag}, not: {value}", span=span)


def unsupported(span: Span | None, what: str) -> DockerfileError:
    """Return the error of something that Docker's frontend has and this one lacks."""
    return DockerfileError(
        f"{what} is not supported yet",
        span=span,
        hint="docker/dockerfile:1 in the '# syntax=' line supports it",
    )


def too_few_arguments(span: Span, name: str) -> DockerfileError:
    """Return the error of an instruction without an argument."""
    return DockerfileError(f"{name} requires at least one argument", span=span)


def not_one_argument(span: Span, name: str) -> DockerfileError:
    """Return the error of an instruction that takes one argument."""
    return DockerfileError(f"{name} requires exactly one argument", span=span)


def no_destination(span: Span, name: str) -> DockerfileError:
    """Return the error of a copy with one argument."""
    return DockerfileError(
        f"{name} requires at least two arguments, but only one was provided. "
        "Destination could not be determined",
        span=span,
    )


def bad_from(span: Span) -> DockerfileError:
    """Return the error of FROM with another number of words."""
    return DockerfileError(
        "FROM requires either one or three arguments", span=span, hint="FROM image [AS name]"
    )


def bad_stage_name(span: Span, name: str) -> DockerfileError:
    """Return the error of a stage with an invalid name."""
    return DockerfileError(
        f"invalid name for build stage: {name!r}, "
        "name can't start with a number or contain symbols",
        span=span,
    )


def no_stage_yet(span: Span) -> DockerfileError:
    """Return the error of an instruction before the first FROM."""
    return DockerfileError(
        "no build stage in current context", span=span, hint="a stage begins with FROM"
    )


def missing_value(span: Span, name: str) -> DockerfileError:
    """Return the error of ENV or LABEL with a name alone."""
    return DockerfileError(f"{name} must have two arguments", span=span)


def no_equals(span: Span, word: str) -> DockerfileError:
    """Return the error of a pair without an equals sign."""
    return DockerfileError(
        f'syntax error - can\'t find = in "{word}". Must be of the form: name=value', span=span
    )


def blank_name(span: Span, name: str) -> DockerfileError:
    """Return the error of a pair without a name."""
    return DockerfileError(f"{name} names can not be blank", span=span)


def not_strings(span: Span) -> DockerfileError:
    """Return the error of a JSON array of other things than strings."""
    return DockerfileError(
        "when using JSON array syntax, arrays must be comprised of strings only", span=span
    )


def not_json(span: Span, name: str) -> DockerfileError:
    """Return the error of an instruction that takes JSON alone."""
    return DockerfileError(
        f"{name} requires the arguments to be in JSON form",
        span=span,
        hint=f'for example {name} ["/bin/sh", "-c"]',
    )


def heredoc_destination(span: Span, name: str) -> DockerfileError:
    """Return the error of a copy to a here-document."""
    return DockerfileError(f"{name} cannot accept a heredoc as a destination", span=span)


def substitution(span: Span, word: str, reason: str) -> DockerfileError:
    """Return the error of a word that cannot be expanded."""
    return DockerfileError(f'failed to process "{word}": {reason}', span=span)


def blank_base(span: Span, name: str) -> DockerfileError:
    """Return the error of FROM with a variable that is empty."""
    return DockerfileError(
        f"base name ({name}) should not be blank",
        span=span,
        hint="give the variable a default in an ARG before the first FROM, or with --build-arg",
    )


def bad_base(span: Span, name: str, reason: str) -> DockerfileError:
    """Return the error of FROM with something that names no image."""
    return DockerfileError(f'failed to parse stage name "{name}": {reason}', span=span)


def bad_platform(span: Span, text: str, reason: str) -> DockerfileError:
    """Return the error of a platform that cannot be read."""
    return DockerfileError(f"failed to parse platform {text}: {reason}", span=span)


def unknown_target(source: Source, name: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a target that is no stage."""
    known = list(known)
    return DockerfileError(
        f'target stage "{name}" could not be found in {source.filename}',
        hint=did_you_mean(name, known) or (f"its stages are {', '.join(known)}" if known else None),
    )


def cycle(span: Span, name: str) -> DockerfileError:
    """Return the error of stages that need each other."""
    return DockerfileError(f'circular dependency detected on stage: "{name}"', span=span)


def bad_stage_index(span: Span, index: int) -> DockerfileError:
    """Return the error of a stage number that does not exist."""
    return DockerfileError(f"invalid stage index {index}", span=span)


def later_stage(span: Span, name: str, current: str, verb: str = "copy") -> DockerfileError:
    """Return the error of a copy or a mount from a stage that comes later."""
    return DockerfileError(
        f'cannot {verb} from stage "{name}", '
        f'it needs to be defined before current stage "{current}"',
        span=span,
    )


def variable_in_from(span: Span) -> DockerfileError:
    """Return the error of ``--from`` with a variable."""
    return DockerfileError(
        "variable expansion is not supported for --from",
        span=span,
        hint="define a new stage with FROM using ARG from global scope as a workaround",
    )


def bad_mount(
    span: Span, reason: str, *, hint: str | None = None, near: tuple[str, Iterable[str]] = ("", ())
) -> DockerfileError:
    """Return the error of a ``--mount`` that cannot be; ``near`` is a word and those known."""
    return DockerfileError(
        f"invalid --mount: {reason}", span=span, hint=hint or did_you_mean(*near)
    )


def bad_mount_target(span: Span, target: str) -> DockerfileError:
    """Return the error of a mount in place of the whole tree."""
    return DockerfileError(f'invalid mount target "{target}"', span=span)


def bad_run_option(span: Span, flag: str, value: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of ``--network`` or ``--security`` with a word that it does not know."""
    known = list(known)
    hint = did_you_mean(value, known) or f"it takes {', '.join(known)}"
    return DockerfileError(f'invalid value for {flag}: "{value}"', span=span, hint=hint)


def bad_chmod(span: Span, value: str) -> DockerfileError:
    """Return the error of a mode that is neither octal nor symbolic."""
    if not value[:1].isdigit():
        return DockerfileError(
            f"invalid chmod parameter: '{value}'", span=span, hint="for example 0755 or u+x,go-w"
        )
    return DockerfileError(
        f"invalid chmod parameter: '{value}'. it should be octal string and between 0 and 07777",
        span=span,
    )


def bad_port(span: Span, port: str, reason: str) -> DockerfileError:
    """Return the error of a port that cannot be read."""
    return DockerfileError(f'invalid port: "{port}": {reason}', span=span)


def bad_signal(span: Span, name: str) -> DockerfileError:
    """Return the error of a signal that does not exist."""
    return DockerfileError(f"invalid signal: {name}", span=span)


def empty_volume(span: Span) -> DockerfileError:
    """Return the error of a volume without a name."""
    return DockerfileError("VOLUME specified can not be an empty string", span=span)


def chained_onbuild(span: Span) -> DockerfileError:
    """Return the error of ONBUILD ONBUILD."""
    return DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", span=span)


def forbidden_trigger(span: Span, name: str) -> DockerfileError:
    """Return the error of an instruction that ONBUILD cannot leave for later."""
    return DockerfileError(f"{name} isn't allowed as an ONBUILD trigger", span=span)


def bad_trigger(span: Span, reason: str) -> DockerfileError:
    """Return the error of an ONBUILD instruction of the image below, at the FROM."""
    return DockerfileError(reason, span=span, hint="it is an ONBUILD instruction of the base")


def bad_healthcheck(span: Span, reason: str, *, hint: str | None = None) -> DockerfileError:
    """Return the error of a health check that says no command."""
    return DockerfileError(f"invalid HEALTHCHECK: {reason}", span=span, hint=hint)


def bad_duration(span: Span, flag: str, value: str) -> DockerfileError:
    """Return the error of a length of time that cannot be read."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}', span=span, hint="for example 30s or 1m30s"
    )


def short_duration(span: Span, flag: str, value: str) -> DockerfileError:
    """Return the error of a length of time that is too short."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}: it cannot be less than 1ms', span=span
    )


def bad_retries(span: Span, value: str) -> DockerfileError:
    """Return the error of a number of retries that is none."""
    return DockerfileError(f'invalid number "{value}" of --retries: expected 0 or more', span=span)


def bad_epoch(span: Span | None, value: str) -> DockerfileError:
    """Return the error of a time that is no number of seconds."""
    return DockerfileError(
        f"invalid SOURCE_DATE_EPOCH: {value}", span=span, hint="seconds since 1970, for example 0"
    )


def bad_ignore(span: Span, reason: str) -> DockerfileError:
    """Return the error of a line of an ignore file that is no pattern."""
    return DockerfileError(reason, span=span)


def refused_value(span: Span, reason: str, hint: str | None) -> DockerfileError:
    """Return the error of a value that LLB cannot hold, for the reason that it gives."""
    return DockerfileError(reason, span=span, hint=hint)
