"""The exceptions that this package raises, as one tree.

::

    LLBError
    ├── InvalidValueError       an argument is invalid (also a ValueError)
    ├── InvalidDefinitionError  bytes or a graph that no BuildKit accepts
    ├── InputError              a file, directory or stream of the user cannot be used
    │   ├── BakeFileError       a bake file is invalid
    │   └── MissingFileError    a tree has no such file (also a FileNotFoundError)
    ├── BuildFileError          a Python build file raised an exception, or timed out
    ├── CapabilityError         the daemon is too old for the build
    ├── ConnectError            no BuildKit could be reached
    ├── TransportError          a connection failed, or the peer violated the protocol
    ├── RegistryError           a registry refused a request, or has no such image
    ├── RemoteError             the peer answered with a gRPC status
    │   ├── SolveError          the build failed on the daemon
    │   └── ProcessError        a process in a container of a frontend failed
    └── CancelledError          the build was cancelled or its deadline passed

``str(error)`` is one line: the position in the source, the message and the hint. :func:`render`
adds an excerpt of the source and a caret line. Everything a program may want to act on is an
attribute.
"""

from __future__ import annotations

from errno import ENOENT
from typing import TYPE_CHECKING, Self

from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.control_characters import escape, escape_but_colors

with lazy_imports(__name__):
    import difflib  # 0.9 ms

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen
class Span:
    """A range of lines in a source text: the whole text, and the 1-based lines that matter in it.

    ``column`` is the 1-based column of the first character on ``line``, and ``width`` the number of
    characters from there; ``column`` is absent if only lines are known.
    """

    filename: str
    text: str = field(repr=False)
    line: int
    end_line: int | None = None
    column: int | None = None
    width: int = 1
    definition: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Format as ``file:line``, or ``file:line:column`` if the column is known."""
        position = f"{self.filename}:{self.line}"
        return position if self.column is None else f"{position}:{self.column}"


class Hint(str):
    """A hint for Python programs, and the same in the words of the command line.

    >>> hint = Hint("pass local_dirs={'context': …}", command="give it with --local context=DIR")
    >>> hint, hint.command
    ("pass local_dirs={'context': …}", 'give it with --local context=DIR')
    """

    __slots__ = ("command",)

    command: str

    def __new__(cls, text: str, command: str = "") -> Self:
        """Create a hint; without a ``command`` both have the same words."""
        hint = super().__new__(cls, text)
        hint.command = command or text
        return hint


class LLBError(Exception):
    """The base class of this package's errors.

    ``message`` is one line without a position. ``span`` is the position in a source file
    (:class:`Span`), and ``hint`` says what to do; each may be None. ``str(error)`` has all three.
    """

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        """Format the message, with its position in the source and its hint, if any."""
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{self.title}{hint}"

    @property
    def title(self) -> str:
        """The message, preceded by its position in the source, if any."""
        return self.message if self.span is None else f"{self.span}: {self.message}"

    @property
    def command_hint(self) -> str | None:
        """The hint in the words of the command line."""
        return self.hint.command if isinstance(self.hint, Hint) else self.hint

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickle and copy, which would call the constructor without its keywords."""
        return _without_init, (type(self), self.args), self.__dict__


def _without_init(kind: type[LLBError], arguments: tuple[object, ...]) -> LLBError:
    """Create an error without calling its constructor; the caller restores the attributes."""
    error = kind.__new__(kind, *arguments)
    # An OSError sets them in its constructor.
    error.args = arguments
    return error


class InvalidValueError(LLBError, ValueError):
    """An argument is invalid; raised by the call that received it."""


class BaseImageWarning(UserWarning):
    """A base image has settings or instructions that the build does not inherit.

    Either its config was not looked up: build the state with a client or ``llb build``, or pass
    ``resolver=`` or ``inherit_config=False`` to :func:`llb.Image`. Or it has ONBUILD instructions,
    which only a Dockerfile runs.
    """


class UnknownKeyWarning(UserWarning):
    """An attribute that this version does not know is sent to the daemon, which may be newer."""


class ConfigurationWarning(UserWarning):
    """A configuration of the user, such as Docker's, is invalid, and the client goes on without it."""


class InvalidDefinitionError(LLBError):
    """The bytes are not a definition, or no daemon would accept the graph."""


class InputError(LLBError):
    """A file, a directory or a stream of the user is missing, unreadable or invalid."""


class BakeFileError(InputError):
    """A bake file is invalid, or does not define what is built."""


class MissingFileError(InputError, FileNotFoundError):
    """A tree on the daemon has no file or directory at ``path``."""

    errno = ENOENT

    def __init__(self, message: str, *, path: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path

    @property
    def filename(self) -> str:
        """The path, as in the errors of :func:`open`."""
        return self.path


class BuildFileError(LLBError):
    """A Python build file raised an exception from outside this package, or timed out.

    ``trace`` holds the traceback lines of the build file and of the modules next to it.
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
    """A definition requires a capability that the daemon does not have.

    ``cap`` is BuildKit's name of the capability, ``since`` the first release with it.
    """

    def __init__(self, message: str, *, cap: str, since: str) -> None:
        super().__init__(message, hint=f"it needs BuildKit {since} or later")
        self.cap = cap
        self.since = since


class ReplacedError(LLBError):
    """A source policy of the daemon replaces an image with a source that is not an image.

    ``source`` is the identifier of the replacement, for example ``local://name``.
    """

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(message)
        self.source = source


class ConnectError(LLBError):
    """No BuildKit could be reached; the hint says how to name or start one."""


class TransportError(LLBError):
    """A connection broke during a call, or the other side violated the protocol."""


class RegistryError(LLBError):
    """A registry refused a request, or its answer is not what it should be.

    - ``registry``: its host; ``repository``: the path of the repository there.
    - ``reference``: the tag or digest, or None if the request was about the whole repository.
    - ``status``: the HTTP status, 0 if the answer was invalid.
    - ``code``: the first error code of the answer, such as ``MANIFEST_UNKNOWN``, or empty.
    """

    def __init__(
        self,
        message: str,
        *,
        registry: str,
        repository: str,
        reference: str | None = None,
        status: int = 0,
        code: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.registry = registry
        self.repository = repository
        self.reference = reference
        self.status = status
        self.code = code


class CancelledError(LLBError):
    """The operation was cancelled, or took longer than its timeout."""


class RemoteError(LLBError):
    """The peer answered a call with a gRPC status other than OK.

    ``code`` is the status code of the gRPC specification. ``details`` are the serialized
    ``google.protobuf.Any`` values of the status, in order and unchanged, so they can be forwarded.
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

    - ``span``: the line of the Dockerfile, build file or program that created the failed step.
    - ``exit_code``: the exit code of its process, an int.
    - ``log``: the last lines of its output, at most 20, as strings without newlines.
    - ``step``: its name, such as ``[2/3] RUN make``; ``vertex``: its digest.
    - ``callers``: the lines that called the line of the step, nearest first.
    - ``trace``: the traceback of a build file that raised an exception, in lines.

    What the daemon did not report is None or empty.
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
        callers: tuple[Span, ...] = (),
        trace: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, details=details, span=span, hint=hint)
        self.vertex = vertex
        self.step = step
        self.exit_code = exit_code
        self.log = log
        self.callers = callers
        self.trace = trace


class ProcessError(RemoteError):
    """A process in a container ended with an exit code other than 0.

    ``command`` is the tuple of its arguments, ``stdout`` and ``stderr`` are its output as bytes, and
    ``log`` are the last lines that it wrote to standard error, or to its terminal, as strings.
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


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Suggest the known word nearest to ``word``, or None if none is near.

    >>> did_you_mean("COPPY", ["COPY", "RUN"])
    'did you mean COPY?'
    """
    matches = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f"did you mean {matches[0]}?" if matches else None


_CONTEXT_LINES = 2


def render(error: LLBError, *, for_command: bool = False, colors: bool = False) -> str:
    """Format an error for a person: the end of the log, the source lines, the message, the hint.

    The hint is in the words of Python, or with ``for_command`` in those of the command line. The
    message comes near the end, where a terminal stops, on a line that begins with ``error:``.
    There is no newline at the end. Control characters are shown as text; with ``colors``, those of
    the log are kept.
    """
    log: list[str] = []
    if isinstance(error, SolveError | ProcessError):
        show = escape_but_colors if colors else escape
        log = [f"  | {show(line)}" for line in error.log]
    lines: list[str] = []
    if isinstance(error, BuildFileError | SolveError):
        lines += error.trace
    spans = [] if error.span is None else [error.span]
    if isinstance(error, SolveError):
        spans = [*reversed(error.callers), *spans]
    for span in spans:
        lines += [f"at {span}:", *excerpt(span)] if len(spans) > 1 else excerpt(span)
    lines.append(f"error: {error.title}")
    hint = error.command_hint if for_command else error.hint
    if hint is not None:
        lines.append(f"hint: {hint}")
    return "\n".join((*log, *map(escape, lines)))


def excerpt(span: Span) -> list[str]:
    """List the source lines around ``span``, numbered; ``>>>`` marks the lines it covers."""
    source = span.text.splitlines()
    last = max(span.line, span.end_line or span.line)
    first_shown = max(1, span.line - _CONTEXT_LINES)
    last_shown = min(len(source), last + _CONTEXT_LINES)
    gutter = len(str(last_shown))
    shown = []
    for number in range(first_shown, last_shown + 1):
        mark = ">>>" if span.line <= number <= last else "   "
        shown.append(f"{number:>{gutter}} | {mark} {escape(source[number - 1])}".rstrip())
        if number == span.line and span.column is not None:
            shown.append(f"{'':>{gutter}} |     {_underline(source[number - 1], span)}")
    return shown


def _underline(line: str, span: Span) -> str:
    """Mark the columns of a span below its line, whose control characters are shown as text."""
    start = (span.column or 1) - 1
    pad = "".join("\t" if c == "\t" else " " for c in escape(line[:start]))
    covered = line[start : start + span.width]
    return pad + "^" * max(1, len(escape(covered)))
