"""Every error this package raises, as one tree.

::

    LLBError
    ├── InvalidValueError       a value was refused where it was given (also a ValueError)
    ├── InvalidDefinitionError  bytes or a graph that no BuildKit would accept
    ├── InputError              a file, directory or stream of the user cannot be used
    ├── BuildFileError          a build file in Python raised, or does not end
    ├── CapabilityError         the daemon is too old for what is asked of it
    ├── ConnectError            no BuildKit could be reached
    ├── TransportError          a connection broke, or the other side broke its protocol
    ├── RemoteError             the other side answered with a gRPC status
    │   ├── SolveError          the build failed on the daemon
    │   └── ProcessError        a process in a container of a frontend failed
    └── CancelledError          the build was cancelled or its deadline passed

``str(error)`` is one lower-case line. :func:`render` adds the excerpt of the
source that the error is about, a caret line and the hint. Everything a program
may want to act on is an attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen
class Span:
    """A place in a text: the whole text and the 1-based lines that matter in it.

    ``column`` is the 1-based column of the first character on ``line``, and
    ``width`` the number of characters from there; both are absent where only
    lines are known.
    """

    filename: str
    text: str = field(repr=False)
    line: int
    end_line: int | None = None
    column: int | None = None
    width: int = 1
    definition: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return ``file:line``, or ``file:line:column``."""
        place = f"{self.filename}:{self.line}"
        return place if self.column is None else f"{place}:{self.column}"


class LLBError(Exception):
    """The root of the tree; carries a message, a span and a hint."""

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, preceded by the place it is about."""
        return self.message if self.span is None else f"{self.span}: {self.message}"

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickle and copy, which would call the constructor without its keywords."""
        return _without_init, (type(self), self.args), self.__dict__


def _without_init(kind: type[LLBError], arguments: tuple[object, ...]) -> LLBError:
    """Create an error whose attributes are set by whoever restores it."""
    return kind.__new__(kind, *arguments)


class InvalidValueError(LLBError, ValueError):
    """A value was refused at the call that gave it."""


class InvalidDefinitionError(LLBError):
    """Bytes are no definition, or a graph no daemon would accept."""


class InputError(LLBError):
    """A file, directory or stream that the user named cannot be used."""


class BuildFileError(LLBError):
    """A build file in Python raised something that is no error of this package, or does not end.

    ``trace`` are the lines of the traceback that are about the file and its neighbours.
    """

    def __init__(
        self,
        message: str,
        *,
        trace: tuple[str, ...],
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, span=span, hint=hint)
        self.trace = trace


class CapabilityError(LLBError):
    """A definition needs what the daemon does not have.

    ``cap`` is the capability in BuildKit's words, ``since`` the first release with it.
    """

    def __init__(self, message: str, *, cap: str, since: str) -> None:
        super().__init__(message, hint=f"it came with BuildKit {since}")
        self.cap = cap
        self.since = since


class ReplacedError(LLBError):
    """A policy of the daemon puts something that is no image in the place of an image.

    ``source`` is what, as sources are identified: ``local://name``.
    """

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(message)
        self.source = source


class ConnectError(LLBError):
    """No BuildKit could be reached."""


class TransportError(LLBError):
    """A connection broke, or the peer did not keep to the protocol."""


class CancelledError(LLBError):
    """The work was cancelled, or its deadline passed."""


class RemoteError(LLBError):
    """The peer answered a call with a gRPC status other than OK.

    ``code`` is the status code of the gRPC specification; ``details`` are the
    serialized ``google.protobuf.Any`` values that came with it, in order and
    unchanged, so that they can be passed on.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        details: tuple[bytes, ...] = (),
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, span=span, hint=hint)
        self.code = code
        self.details = details


class SolveError(RemoteError):
    """A build failed on the daemon.

    ``vertex`` is the digest of the step that failed and ``step`` its name,
    ``exit_code`` that of its process and ``log`` the tail of what the step
    printed; each is absent where the daemon did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        details: tuple[bytes, ...] = (),
        span: Span | None = None,
        hint: str | None = None,
        vertex: str | None = None,
        step: str | None = None,
        exit_code: int | None = None,
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, details=details, span=span, hint=hint)
        self.vertex = vertex
        self.step = step
        self.exit_code = exit_code
        self.log = log


class ProcessError(RemoteError):
    """A process in a container of a frontend ended with another exit code than 0.

    ``command`` are its arguments, ``stdout`` and ``stderr`` what was kept of its output, and
    ``log`` the last lines that it wrote to standard error, or to its terminal.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        details: tuple[bytes, ...],
        command: tuple[str, ...],
        exit_code: int,
        stdout: bytes,
        stderr: bytes,
        log: tuple[str, ...],
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.command = command
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
        self.log = log


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the known word nearest to ``word``, if one is near.

    >>> did_you_mean("COPPY", ["COPY", "RUN"])
    'did you mean COPY?'
    """
    # It takes 3 ms to import, and most builds make no mistake.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else None


_CONTEXT_LINES = 2


def render(error: LLBError) -> str:
    """Return the error as text for a person: message, log tail, excerpt, hint.

    The first line starts with ``error: ``. There is no trailing newline.
    """
    lines = [f"error: {error}"]
    if isinstance(error, SolveError | ProcessError) and error.log:
        lines += [f"  | {line}" for line in error.log]
    if isinstance(error, BuildFileError):
        lines += error.trace
    if error.span is not None:
        lines += excerpt(error.span)
    if error.hint is not None:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def excerpt(span: Span) -> list[str]:
    """Return the lines around ``span``, numbered, those it covers marked with ``>>>``."""
    source = span.text.splitlines()
    last = max(span.line, span.end_line or span.line)
    first_shown = max(1, span.line - _CONTEXT_LINES)
    last_shown = min(len(source), last + _CONTEXT_LINES)
    gutter = len(str(last_shown))
    shown = []
    for number in range(first_shown, last_shown + 1):
        mark = ">>>" if span.line <= number <= last else "   "
        shown.append(f"{number:>{gutter}} | {mark} {source[number - 1]}".rstrip())
        if number == span.line and span.column is not None:
            pad = "".join("\t" if c == "\t" else " " for c in source[number - 1][: span.column - 1])
            shown.append(f"{'':>{gutter}} |     {pad}{'^' * max(1, span.width)}")
    return shown
