"""Every mistake that a Dockerfile can have, one function each.

They return the error with the place it is about; who finds the mistake raises it.
The words follow those of Docker's own frontend where users know them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.dockerfile.errors.suggest import nearest, suggestion
from llb.errors import LLBError, Span, did_you_mean
from llb.gocompat.fmt import quote
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Iterable


class DockerfileError(LLBError):
    """A Dockerfile that cannot be built, and where.

    ``words`` are those of Docker's frontend where they are others than the message.
    ``names_line`` is whether it puts the line in front of them, as it does where it reads
    instructions.
    """

    names_line = False

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        hint: str | None = None,
        words: str | None = None,
    ) -> None:
        super().__init__(shown(message), span=span, hint=hint)
        self.words = self.message if words is None else words

    @property
    def docker_words(self) -> str:
        """The error as Docker's frontend tells it."""
        if self.span is None or not self.names_line:
            return self.words
        return f"dockerfile parse error on line {self.span.line}: {self.words}"


@frozen
class Source:
    """A Dockerfile: its name, its bytes, and the text in them without a byte order mark."""

    filename: str
    data: bytes = field(repr=False)
    text: str = field(repr=False)

    @cached_property
    def shown(self) -> str:
        """The text for people."""
        return shown(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The text for people in lines."""
        return self.shown.split("\n")

    def span(self, line: int, end_line: int | None = None, word: str | None = None) -> Span:
        """Return the place of an instruction, and of a word on its first line."""
        column = None
        if word and 0 < line <= len(self.lines):
            found = self.lines[line - 1].find(shown(word))
            column = found + 1 if found >= 0 else None
        return Span(
            filename=self.filename,
            text=self.shown,
            line=max(line, 1),
            end_line=max(end_line or line, 1),
            column=column,
            width=len(word or "") or 1,
        )


def empty_file(source: Source) -> DockerfileError:
    """Return the error of a file without a byte."""
    return DockerfileError("the Dockerfile cannot be empty", span=source.span(1))


def no_instructions(source: Source, last: int) -> DockerfileError:
    """Return the error of a file with comments alone, at its last line."""
    return DockerfileError(
        "file with no instructions", span=source.span(last), hint="a Dockerfile begins with FROM"
    )


def no_stages(source: Source) -> DockerfileError:
    """Return the error of a file without FROM."""
    return DockerfileError("dockerfile contains no stages to build", span=source.span(1))


def line_too_long(source: Source, line: int) -> DockerfileError:
    """Return the error of a line that is longer than Docker reads, behind ``line``."""
    # Docker names the line before, and so do we; the excerpt shows both.
    return DockerfileError(
        "dockerfile line greater than max allowed size of 65535",
        span=source.span(line, line + 1),
    )


def repeated_directive(span: Span, name: str) -> DockerfileError:
    """Return the error of a parser directive that stands twice."""
    return DockerfileError(f"only one {name} parser directive can be used", span=span)


def bad_escape_token(span: Span, token: str) -> DockerfileError:
    """Return the error of an escape directive with another character."""
    return DockerfileError(f"invalid escape token '{token}' does not match ` or \\", span=span)


def unterminated_heredoc(span: Span, name: str) -> DockerfileError:
    """Return the error of a here-document that does not end."""
    return DockerfileError(
        "unterminated heredoc", span=span, hint=f"it ends with a line that is just {name}"
    )


def unknown_instruction(span: Span, name: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a first word that is no instruction."""
    # Docker compares without regard to case, and answers in the case of the word.
    near = nearest(name.upper(), known)
    if near is not None and (shown(name).upper() != name or name == name.lower()):
        near = near.lower()
    suggested = "" if near is None else f" (did you mean {near}?)"
    return DockerfileError(f"unknown instruction: {name}{suggested}", span=span)


def unknown_flag(span: Span, flag: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a flag that the instruction does not have."""
    known = list(known)
    suggested = suggestion(flag[2:], [each[2:] for each in known])
    hint = f"its flags are {', '.join(known)}" if known else None
    return DockerfileError(f"unknown flag: {flag}{suggested}", span=span, hint=hint)


def repeated_flag(span: Span, flag: str) -> DockerfileError:
    """Return the error of a flag that may stand once and stands twice."""
    return DockerfileError(f"duplicate flag specified: {flag}", span=span)


def missing_flag_value(span: Span, flag: str) -> DockerfileError:
    """Return the error of a flag that needs a value."""
    return DockerfileError(f"missing a value on flag: {flag}", span=span)


def bad_flag_value(span: Span, flag: str, value: str) -> DockerfileError:
    """Return the error of a flag that takes true or false."""
    return DockerfileError(f"expecting boolean value for flag {flag}, not: {value}", span=span)


def too_few_arguments(span: Span, name: str) -> DockerfileError:
    """Return the error of an instruction without an argument."""
    return DockerfileError(f"{name} requires at least one argument", span=span)


def bad_count(span: Span, name: str, count: int, least: int, most: int | None) -> DockerfileError:
    """Return the error of an added instruction with too few or too many words."""
    wanted = f"{least} or more" if most is None else f"{least} to {most}"
    if least == most:
        wanted = str(least)
    return DockerfileError(f"{name} takes {wanted} arguments, not {count}", span=span)


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
        f"invalid name for build stage: {quote(name)}, "
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
        f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value", span=span
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
    return DockerfileError(f"failed to process {quote(word)}: {reason}", span=span)


def blank_base(span: Span, name: str) -> DockerfileError:
    """Return the error of FROM with a variable that is empty."""
    return DockerfileError(
        f"base name ({name}) should not be blank",
        span=span,
        hint="give the variable a default in an ARG before the first FROM, or with --build-arg",
    )


def bad_base(span: Span, name: str, reason: str) -> DockerfileError:
    """Return the error of FROM with something that names no image."""
    return DockerfileError(f"failed to parse stage name {quote(name)}: {reason}", span=span)


def bad_context_name(span: Span | None, name: str, reason: str) -> DockerfileError:
    """Return the error of a stage or an image whose name no context could have."""
    return DockerfileError(f"invalid context name {name}: {reason}", span=span)


def bad_context(span: Span | None, reason: str, hint: str | None = None) -> DockerfileError:
    """Return the error of a named context that cannot be read."""
    return DockerfileError(reason, span=span, hint=hint)


def unknown_image(span: Span, ref: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of an image that the table of a conversion does not have."""
    return DockerfileError(
        f"there is no image {ref}",
        span=span,
        hint=did_you_mean(ref, known) or "give the resolver file an entry for it, or for *",
    )


def empty_platform(span: Span, text: str, near: str) -> DockerfileError:
    """Return the error of a platform that is a variable without a value."""
    return DockerfileError(f"empty platform value from expression {text}{near}", span=span)


def bad_platform(span: Span, text: str, reason: str) -> DockerfileError:
    """Return the error of a platform that cannot be read."""
    return DockerfileError(f"failed to parse platform {text}: {reason}", span=span)


def unknown_target(source: Source, name: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of a target that is no stage."""
    known = list(known)
    return DockerfileError(
        f"target stage {quote(name)} could not be found{suggestion(name, known)}",
        hint=f"the stages of {source.filename} are {', '.join(known)}" if known else None,
    )


def cycle(span: Span, name: str) -> DockerfileError:
    """Return the error of stages that need each other."""
    return DockerfileError(f"circular dependency detected on stage: {name}", span=span)


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
        "variable expansion is not supported for --from, define a new stage with FROM using ARG "
        "from global scope as a workaround",
        span=span,
    )


def bad_mount(
    span: Span, reason: str, *, hint: str | None = None, near: tuple[str, Iterable[str]] = ("", ())
) -> DockerfileError:
    """Return the error of a ``--mount`` that cannot be; ``near`` is a word and those known."""
    return DockerfileError(f"{reason}{suggestion(*near)}", span=span, hint=hint)


def mount_of_later_stage(span: Span, name: str, target: str) -> DockerfileError:
    """Return the error of a mount from a stage that comes later."""
    return DockerfileError(
        f'cannot mount from stage "{name}" to "{target}", '
        "stage needs to be defined before current command",
        span=span,
    )


def bad_mount_target(span: Span, target: str) -> DockerfileError:
    """Return the error of a mount in place of the whole tree."""
    return DockerfileError(f'invalid mount target "{target}"', span=span)


def bad_run_option(span: Span, flag: str, value: str, known: Iterable[str]) -> DockerfileError:
    """Return the error of ``--network`` or ``--security`` with a word that it does not know."""
    known = list(known)
    hint = did_you_mean(value, known) or f"it takes {', '.join(known)}"
    reason = f'security "{value}" is not valid'
    if flag == "--network":
        reason = f'invalid network mode "{value}"'
    return DockerfileError(reason, span=span, hint=hint)


def bad_device(
    span: Span, reason: str, *, near: tuple[str, Iterable[str]] = ("", ())
) -> DockerfileError:
    """Return the error of a ``--device`` that cannot be; ``near`` is a word and those known."""
    return DockerfileError(f"{reason}{suggestion(*near)}", span=span)


def labs_device(span: Span) -> DockerfileError:
    """Return the error of a ``--device`` where labs are not asked for."""
    return DockerfileError(
        "device feature is only supported in Dockerfile frontend 1.14.0-labs or later", span=span
    )


def remote_in_copy(span: Span, what: str) -> DockerfileError:
    """Return the error of COPY with what just ADD takes: a ``git ref`` or a ``URL``."""
    return DockerfileError(f"source can't be a {what} for COPY", span=span, hint="ADD takes it")


def bad_repository(span: Span, reason: str) -> DockerfileError:
    """Return the error of a repository that says what cannot be."""
    return DockerfileError(reason, span=span)


def bad_digest(span: Span, text: str) -> DockerfileError:
    """Return the error of a ``--checksum`` of a file that is no digest."""
    algorithm, colon, value = text.partition(":")
    lengths = {"sha256": 64, "sha384": 96, "sha512": 128}
    reason = "invalid checksum digest format"
    if colon and value and algorithm not in lengths:
        reason = "unsupported digest algorithm"
    elif colon and len(value) != lengths.get(algorithm):
        reason = "invalid checksum digest length"
    hint = "it is sha256: and 64 lower-case hexadecimal digits"
    return DockerfileError(f"{reason}: {text}", span=span, hint=hint, words=reason)


def bad_checksum(span: Span, reason: str) -> DockerfileError:
    """Return the error of ``--checksum`` of what has none."""
    return DockerfileError(f"checksum {reason}", span=span)


def bad_chmod(span: Span, value: str) -> DockerfileError:
    """Return the error of a mode that is neither octal nor symbolic."""
    reason = f"invalid chmod parameter: '{value}'"
    if not value[:1].isdigit():
        hint = "for example 0755 or u+x,go-w"
        return DockerfileError(reason, span=span, hint=hint, words="invalid syntax")
    return DockerfileError(
        f"{reason}. it should be octal string and between 0 and 07777", span=span
    )


def bad_port(span: Span, reason: str, *, hint: str | None = None) -> DockerfileError:
    """Return the error of a port that cannot be read."""
    return DockerfileError(reason, span=span, hint=hint)


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


def bad_healthcheck(span: Span, reason: str) -> DockerfileError:
    """Return the error of a health check that says no command."""
    return DockerfileError(reason, span=span)


def unknown_healthcheck(span: Span, kind: str) -> DockerfileError:
    """Return the error of a health check of a type that there is not."""
    return DockerfileError(
        f"Unknown type {quote(kind.upper())} in HEALTHCHECK (try CMD)",
        span=span,
        hint="HEALTHCHECK CMD, or HEALTHCHECK NONE",
    )


def bad_duration(span: Span, flag: str, value: str, words: str) -> DockerfileError:
    """Return the error of a length of time that cannot be read; ``words`` are Docker's."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}',
        span=span,
        hint="for example 30s or 1m30s",
        words=words,
    )


def short_duration(span: Span, flag: str, value: str) -> DockerfileError:
    """Return the error of a length of time that is too short."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}: it cannot be less than 1ms',
        span=span,
        words=f'Interval "{flag.removeprefix("--")}" cannot be less than 1ms',
    )


def bad_retries(span: Span, value: str, reason: str) -> DockerfileError:
    """Return the error of a number of retries that is none; ``reason`` is Docker's."""
    return DockerfileError(
        f'invalid number "{value}" of --retries: expected 0 or more',
        span=span,
        words=f'strconv.ParseInt: parsing "{value}": {reason}',
    )


def negative_retries(span: Span, value: str) -> DockerfileError:
    """Return the error of a number of retries below 0."""
    return DockerfileError(f"--retries cannot be negative ({int(value)})", span=span)


def bad_epoch(span: Span | None, value: str) -> DockerfileError:
    """Return the error of a time that is no number of seconds."""
    return DockerfileError(
        f"invalid SOURCE_DATE_EPOCH: {value}",
        span=span,
        hint="seconds since 1970, the word context, or the name of a context or a stage",
    )


def bad_epoch_stage(span: Span, reason: str) -> DockerfileError:
    """Return the error of a stage that SOURCE_DATE_EPOCH names and that is no source."""
    return DockerfileError(f"SOURCE_DATE_EPOCH stage {reason}", span=span)


def bad_check(where: str, reason: str) -> DockerfileError:
    """Return the error of settings of the checks that cannot be read."""
    return DockerfileError(f"failed to parse {where}: {reason}")


def violations(names: Iterable[str]) -> DockerfileError:
    """Return the error of a file with warnings that says that they fail the build."""
    return DockerfileError(f"lint violation found for rules: {', '.join(names)}")


def bad_ignore(span: Span, reason: str) -> DockerfileError:
    """Return the error of a line of an ignore file that is no pattern."""
    return DockerfileError(reason, span=span, words="syntax error in pattern")


def not_utf8(span: Span) -> DockerfileError:
    """Return the error of an operation that would hold bytes that are no UTF-8."""
    return DockerfileError(
        "string field contains invalid UTF-8", span=span, hint="a Dockerfile is written in UTF-8"
    )


def lone_exclusion(span: Span) -> DockerfileError:
    """Return the error of a line of an ignore file that takes nothing back."""
    return DockerfileError(
        "invalid pattern '!': nothing comes after it",
        span=span,
        words='illegal exclusion pattern: "!"',
    )


def refused_value(span: Span, reason: str, hint: str | None) -> DockerfileError:
    """Return the error of a value that LLB cannot hold, for the reason that it gives."""
    return DockerfileError(reason, span=span, hint=hint)
