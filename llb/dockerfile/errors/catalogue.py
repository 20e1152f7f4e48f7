"""Catalogue of the errors in Dockerfiles, one function each.

Each function builds the error with its source position and returns it; the caller raises it.
Messages follow Docker's own frontend where users know its wording.
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
    """An error in a Dockerfile, with its source position.

    ``words`` is the message of Docker's frontend if it differs from ours. ``names_line`` is
    whether Docker puts the line number in front of it, as it does while it parses instructions.
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
        """The error message of Docker's frontend."""
        if self.span is None or not self.names_line:
            return self.words
        return f"dockerfile parse error on line {self.span.line}: {self.words}"


@frozen
class Source:
    """A Dockerfile: its name, its bytes, and its decoded text without the byte order mark."""

    filename: str
    data: bytes = field(repr=False)
    text: str = field(repr=False)

    @cached_property
    def shown(self) -> str:
        """The printable text, for messages."""
        return shown(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the printable text."""
        return self.shown.split("\n")

    def span(self, line: int, end_line: int | None = None, word: str | None = None) -> Span:
        """Locate an instruction by its lines, and optionally a word on the first of them."""
        column = None
        if word and 0 < line <= len(self.lines):
            index = self.lines[line - 1].find(shown(word))
            column = index + 1 if index >= 0 else None
        return Span(
            filename=self.filename,
            text=self.shown,
            line=max(line, 1),
            end_line=max(end_line or line, 1),
            column=column,
            width=len(word or "") or 1,
        )


def empty_file(source: Source) -> DockerfileError:
    """Report an empty file."""
    return DockerfileError("the Dockerfile cannot be empty", span=source.span(1))


def no_instructions(source: Source, last: int) -> DockerfileError:
    """Report a file that has comments only, at its last line."""
    return DockerfileError(
        "file with no instructions", span=source.span(last), hint="a Dockerfile begins with FROM"
    )


def no_stages(source: Source) -> DockerfileError:
    """Report a file without FROM."""
    return DockerfileError("dockerfile contains no stages to build", span=source.span(1))


def line_too_long(source: Source, line: int) -> DockerfileError:
    """Report a line that is longer than Docker reads; it is the one after ``line``."""
    # Docker names the line before, so we do too; the excerpt shows both.
    return DockerfileError(
        "dockerfile line greater than max allowed size of 65535",
        span=source.span(line, line + 1),
    )


def repeated_directive(span: Span, name: str) -> DockerfileError:
    """Report a duplicate parser directive."""
    return DockerfileError(f"only one {name} parser directive can be used", span=span)


def bad_escape_token(span: Span, token: str) -> DockerfileError:
    """Report an escape directive with an invalid character."""
    return DockerfileError(f"invalid escape token '{token}' does not match ` or \\", span=span)


def unterminated_heredoc(span: Span, name: str) -> DockerfileError:
    """Report an unterminated heredoc."""
    return DockerfileError(
        "unterminated heredoc", span=span, hint=f"expected a line that contains only {name}"
    )


def unknown_instruction(span: Span, name: str, instructions: Iterable[str]) -> DockerfileError:
    """Report an unknown instruction, and suggest the nearest one."""
    # Docker ignores case when it compares, and suggests a name in the case of the word.
    near = nearest(name.upper(), instructions)
    if near is not None and (shown(name).upper() != name or name == name.lower()):
        near = near.lower()
    suggested = "" if near is None else f" (did you mean {near}?)"
    return DockerfileError(f"unknown instruction: {name}{suggested}", span=span)


def unknown_flag(span: Span, flag: str, flags: Iterable[str]) -> DockerfileError:
    """Report an unknown flag, and suggest the nearest of the instruction's flags."""
    flags = list(flags)
    suggested = suggestion(flag[2:], [name[2:] for name in flags])
    hint = f"its flags are {', '.join(flags)}" if flags else None
    return DockerfileError(f"unknown flag: {flag}{suggested}", span=span, hint=hint)


def repeated_flag(span: Span, flag: str) -> DockerfileError:
    """Report a duplicate flag."""
    return DockerfileError(f"duplicate flag specified: {flag}", span=span)


def missing_flag_value(span: Span, flag: str) -> DockerfileError:
    """Report a flag without its value."""
    return DockerfileError(f"missing a value on flag: {flag}", span=span)


def bad_flag_value(span: Span, flag: str, value: str) -> DockerfileError:
    """Report a boolean flag with an invalid value."""
    return DockerfileError(f"expecting boolean value for flag {flag}, not: {value}", span=span)


def too_few_arguments(span: Span, name: str) -> DockerfileError:
    """Report an instruction without arguments."""
    return DockerfileError(f"{name} requires at least one argument", span=span)


def bad_count(span: Span, name: str, count: int, least: int, most: int | None) -> DockerfileError:
    """Report an added instruction with too few or too many words."""
    expected = f"{least} or more" if most is None else f"{least} to {most}"
    if least == most:
        expected = str(least)
    return DockerfileError(f"{name} takes {expected} arguments, not {count}", span=span)


def not_one_argument(span: Span, name: str) -> DockerfileError:
    """Report an instruction that does not have exactly one argument."""
    return DockerfileError(f"{name} requires exactly one argument", span=span)


def no_destination(span: Span, name: str) -> DockerfileError:
    """Report a COPY or ADD without a destination."""
    return DockerfileError(
        f"{name} requires at least two arguments, but only one was provided. "
        "Destination could not be determined",
        span=span,
    )


def bad_from(span: Span) -> DockerfileError:
    """Report a FROM that has neither one nor three arguments."""
    return DockerfileError(
        "FROM requires either one or three arguments", span=span, hint="FROM image [AS name]"
    )


def bad_stage_name(span: Span, name: str) -> DockerfileError:
    """Report an invalid stage name."""
    return DockerfileError(
        f"invalid name for build stage: {quote(name)}, "
        "name can't start with a number or contain symbols",
        span=span,
    )


def no_stage_yet(span: Span) -> DockerfileError:
    """Report an instruction before the first FROM."""
    return DockerfileError(
        "no build stage in current context", span=span, hint="a stage begins with FROM"
    )


def missing_value(span: Span, name: str) -> DockerfileError:
    """Report an ENV or LABEL that has a name but no value."""
    return DockerfileError(f"{name} must have two arguments", span=span)


def no_equals(span: Span, word: str) -> DockerfileError:
    """Report a name=value pair without an equals sign."""
    return DockerfileError(
        f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value", span=span
    )


def blank_name(span: Span, name: str) -> DockerfileError:
    """Report a name=value pair without a name."""
    return DockerfileError(f"{name} names can not be blank", span=span)


def not_strings(span: Span) -> DockerfileError:
    """Report a JSON array with items that are not strings."""
    return DockerfileError(
        "when using JSON array syntax, arrays must be comprised of strings only", span=span
    )


def not_json(span: Span, name: str) -> DockerfileError:
    """Report an instruction whose arguments must be a JSON array."""
    return DockerfileError(
        f"{name} requires the arguments to be in JSON form",
        span=span,
        hint=f'for example {name} ["/bin/sh", "-c"]',
    )


def heredoc_destination(span: Span, name: str) -> DockerfileError:
    """Report a COPY or ADD with a heredoc as its destination."""
    return DockerfileError(f"{name} cannot accept a heredoc as a destination", span=span)


def substitution(span: Span, word: str, reason: str) -> DockerfileError:
    """Report a word whose variables cannot be expanded."""
    return DockerfileError(f"failed to process {quote(word)}: {reason}", span=span)


def blank_base(span: Span, name: str) -> DockerfileError:
    """Report a FROM whose base image name expands to an empty string."""
    return DockerfileError(
        f"base name ({name}) should not be blank",
        span=span,
        hint="give the variable a default in an ARG before the first FROM, "
        "or pass it as a build argument",
    )


def bad_base(span: Span, name: str, reason: str) -> DockerfileError:
    """Report an invalid image reference in FROM."""
    return DockerfileError(f"failed to parse stage name {quote(name)}: {reason}", span=span)


def bad_context_name(span: Span | None, name: str, reason: str) -> DockerfileError:
    """Report a stage or image name that cannot be looked up among the named contexts."""
    return DockerfileError(f"invalid context name {name}: {reason}", span=span)


def bad_context(span: Span | None, reason: str, hint: str | None = None) -> DockerfileError:
    """Report an invalid named context."""
    return DockerfileError(reason, span=span, hint=hint)


def unknown_image(span: Span, ref: str, refs: Iterable[str]) -> DockerfileError:
    """Report an image that is missing from the table of an offline conversion."""
    return DockerfileError(
        f"there is no image {ref}",
        span=span,
        hint=did_you_mean(ref, refs) or "add an entry for it, or for *, to the resolver file",
    )


def empty_platform(span: Span, expression: str, near: str) -> DockerfileError:
    """Report a platform whose expression expands to an empty string."""
    return DockerfileError(f"empty platform value from expression {expression}{near}", span=span)


def bad_platform(span: Span, expression: str, reason: str) -> DockerfileError:
    """Report an invalid platform."""
    return DockerfileError(f"failed to parse platform {expression}: {reason}", span=span)


def unknown_target(source: Source, name: str, stages: Iterable[str]) -> DockerfileError:
    """Report an unknown target stage, and suggest the nearest one."""
    stages = list(stages)
    return DockerfileError(
        f"target stage {quote(name)} could not be found{suggestion(name, stages)}",
        hint=f"the stages of {source.filename} are {', '.join(stages)}" if stages else None,
    )


def cycle(span: Span, name: str) -> DockerfileError:
    """Report a circular dependency between stages."""
    return DockerfileError(f"circular dependency detected on stage: {name}", span=span)


def bad_stage_index(span: Span, index: int) -> DockerfileError:
    """Report an invalid stage index."""
    return DockerfileError(f"invalid stage index {index}", span=span)


def later_stage(span: Span, name: str, current: str, verb: str = "copy") -> DockerfileError:
    """Report a copy or a mount from a later stage."""
    return DockerfileError(
        f'cannot {verb} from stage "{name}", '
        f'it needs to be defined before current stage "{current}"',
        span=span,
    )


def variable_in_from(span: Span) -> DockerfileError:
    """Report a ``--from`` that contains a variable."""
    return DockerfileError(
        "variable expansion is not supported for --from, define a new stage with FROM using ARG "
        "from global scope as a workaround",
        span=span,
    )


def bad_mount(
    span: Span, reason: str, *, hint: str | None = None, near: tuple[str, Iterable[str]] = ("", ())
) -> DockerfileError:
    """Report an invalid ``--mount``; ``near`` is a misspelt word and the valid ones."""
    return DockerfileError(f"{reason}{suggestion(*near)}", span=span, hint=hint)


def mount_of_later_stage(span: Span, name: str, target: str) -> DockerfileError:
    """Report a RUN that mounts a later stage."""
    return DockerfileError(
        f'cannot mount from stage "{name}" to "{target}", '
        "stage needs to be defined before current command",
        span=span,
    )


def bad_mount_target(span: Span, target: str) -> DockerfileError:
    """Report a mount over the root directory."""
    return DockerfileError(f'invalid mount target "{target}"', span=span)


def bad_run_option(span: Span, flag: str, value: str, allowed: Iterable[str]) -> DockerfileError:
    """Report an invalid value of ``--network`` or ``--security``."""
    allowed = list(allowed)
    hint = did_you_mean(value, allowed) or f"expected one of {', '.join(allowed)}"
    reason = f'security "{value}" is not valid'
    if flag == "--network":
        reason = f'invalid network mode "{value}"'
    return DockerfileError(reason, span=span, hint=hint)


def bad_device(
    span: Span, reason: str, *, near: tuple[str, Iterable[str]] = ("", ())
) -> DockerfileError:
    """Report an invalid ``--device``; ``near`` is a misspelt word and the valid ones."""
    return DockerfileError(f"{reason}{suggestion(*near)}", span=span)


def owner_names_in_link(span: Span, chown: str) -> DockerfileError:
    """Report names in ``--chown`` of a ``COPY --link``, whose layer has no list of users."""
    return DockerfileError(
        f"--chown={chown}: user and group names can't be resolved when used with --link, "
        "use numeric uid[:gid] instead",
        span=span,
    )


def remote_in_copy(span: Span, kind: str) -> DockerfileError:
    """Report a COPY of a ``git ref`` or a ``URL``, which only ADD accepts."""
    return DockerfileError(f"source can't be a {kind} for COPY", span=span, hint="use ADD")


def bad_repository(span: Span, reason: str) -> DockerfileError:
    """Report an invalid or contradictory Git repository."""
    return DockerfileError(reason, span=span)


def bad_digest(span: Span, checksum: str) -> DockerfileError:
    """Report a ``--checksum`` that is not a digest."""
    algorithm, colon, value = checksum.partition(":")
    lengths = {"sha256": 64, "sha384": 96, "sha512": 128}
    reason = "invalid checksum digest format"
    if colon and value and algorithm not in lengths:
        reason = "unsupported digest algorithm"
    elif colon and len(value) != lengths.get(algorithm):
        reason = "invalid checksum digest length"
    hint = "expected sha256: and 64 lower-case hexadecimal digits"
    return DockerfileError(f"{reason}: {checksum}", span=span, hint=hint, words=reason)


def bad_checksum(span: Span, reason: str) -> DockerfileError:
    """Report a ``--checksum`` on sources that cannot have one."""
    return DockerfileError(f"checksum {reason}", span=span)


def bad_chmod(span: Span, value: str) -> DockerfileError:
    """Report a ``--chmod`` that is neither an octal nor a symbolic mode."""
    reason = f"invalid chmod parameter: '{value}'"
    if not value[:1].isdigit():
        hint = "for example 0755 or u+x,go-w"
        return DockerfileError(reason, span=span, hint=hint, words="invalid syntax")
    return DockerfileError(
        f"{reason}. it should be octal string and between 0 and 07777", span=span
    )


def bad_port(span: Span, reason: str, *, hint: str | None = None) -> DockerfileError:
    """Report an invalid port in EXPOSE."""
    return DockerfileError(reason, span=span, hint=hint)


def bad_signal(span: Span, name: str) -> DockerfileError:
    """Report an unknown signal in STOPSIGNAL."""
    return DockerfileError(f"invalid signal: {name}", span=span)


def empty_volume(span: Span) -> DockerfileError:
    """Report an empty path in VOLUME."""
    return DockerfileError("VOLUME specified can not be an empty string", span=span)


def chained_onbuild(span: Span) -> DockerfileError:
    """Report a nested ONBUILD."""
    return DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", span=span)


def forbidden_trigger(span: Span, name: str) -> DockerfileError:
    """Report an instruction that ONBUILD does not allow."""
    return DockerfileError(f"{name} isn't allowed as an ONBUILD trigger", span=span)


def bad_trigger(span: Span, reason: str) -> DockerfileError:
    """Report an invalid ONBUILD instruction of the base image, at the FROM."""
    return DockerfileError(reason, span=span, hint="the base image has this ONBUILD instruction")


def bad_healthcheck(span: Span, reason: str) -> DockerfileError:
    """Report a HEALTHCHECK with a missing command or extra arguments."""
    return DockerfileError(reason, span=span)


def unknown_healthcheck(span: Span, kind: str) -> DockerfileError:
    """Report an unknown type of HEALTHCHECK."""
    return DockerfileError(
        f"Unknown type {quote(kind.upper())} in HEALTHCHECK (try CMD)",
        span=span,
        hint="HEALTHCHECK CMD, or HEALTHCHECK NONE",
    )


def bad_duration(span: Span, flag: str, value: str, words: str) -> DockerfileError:
    """Report an invalid duration; ``words`` is Docker's message."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}',
        span=span,
        hint="for example 30s or 1m30s",
        words=words,
    )


def short_duration(span: Span, flag: str, value: str) -> DockerfileError:
    """Report a duration under one millisecond."""
    return DockerfileError(
        f'invalid duration "{value}" of {flag}: it cannot be less than 1ms',
        span=span,
        words=f'Interval "{flag.removeprefix("--")}" cannot be less than 1ms',
    )


def bad_retries(span: Span, value: str, reason: str) -> DockerfileError:
    """Report an invalid number of retries; ``reason`` is Docker's."""
    return DockerfileError(
        f'invalid number "{value}" of --retries: expected 0 or more',
        span=span,
        words=f'strconv.ParseInt: parsing "{value}": {reason}',
    )


def negative_retries(span: Span, value: str) -> DockerfileError:
    """Report a negative number of retries."""
    return DockerfileError(f"--retries cannot be negative ({int(value)})", span=span)


def bad_epoch(span: Span | None, value: str) -> DockerfileError:
    """Report an invalid SOURCE_DATE_EPOCH."""
    return DockerfileError(
        f"invalid SOURCE_DATE_EPOCH: {value}",
        span=span,
        hint="expected seconds since 1970, the word context, or the name of a context or a stage",
    )


def bad_epoch_stage(span: Span, reason: str) -> DockerfileError:
    """Report a SOURCE_DATE_EPOCH stage that does not consist of one remote source."""
    return DockerfileError(f"SOURCE_DATE_EPOCH stage {reason}", span=span)


def bad_check(where: str, reason: str) -> DockerfileError:
    """Report invalid check options."""
    return DockerfileError(f"failed to parse {where}: {reason}")


def violations(names: Iterable[str]) -> DockerfileError:
    """Report the checks that warned, if the settings make warnings errors."""
    return DockerfileError(f"lint violation found for rules: {', '.join(names)}")


def bad_ignore(span: Span, reason: str) -> DockerfileError:
    """Report an invalid pattern in an ignore file."""
    return DockerfileError(reason, span=span, words="syntax error in pattern")


def not_utf8(span: Span) -> DockerfileError:
    """Report bytes that are not UTF-8 in an instruction."""
    return DockerfileError(
        "string field contains invalid UTF-8",
        span=span,
        hint="a Dockerfile must be encoded in UTF-8",
    )


def lone_exclusion(span: Span) -> DockerfileError:
    """Report a line of an ignore file that is ``!`` only."""
    return DockerfileError(
        "invalid pattern '!': nothing comes after it",
        span=span,
        words='illegal exclusion pattern: "!"',
    )


def refused_value(span: Span, reason: str, hint: str | None) -> DockerfileError:
    """Report a value that LLB refuses, with its reason."""
    return DockerfileError(reason, span=span, hint=hint)
