"""Run a build file with a time limit, and report its errors with its own source lines."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field, frozen

from llb._lazy import lazy_imports
from llb.buildfile import guards
from llb.buildfile.current import set_current
from llb.buildfile.loading import targets_of
from llb.errors import BuildFileError, InvalidValueError, LLBError, Span, TransportError
from llb.platforms import Platform, to_platform
from llb.source_map import python_source
from llb.state.state import State

with lazy_imports(__name__):
    import ctypes  # 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from llb.buildfile.current import Calls
    from llb.buildfile.loading import Modules
    from llb.buildfile.target import Target
    from llb.source_map import SourceFile

    T = TypeVar("T")

SECONDS = 60.0
"""The time limit of a build file, without the time that it waits for the daemon."""

_TICK = 0.2
# The calls of a traceback that are shown, and the exceptions behind another one.
_OUTER, _INNER = 4, 12
_RELATED = 8


@define
class Stopwatch:
    """The time that a build file takes by ``clock``, without the calls to the daemon."""

    limit: float = SECONDS
    clock: Callable[[], float] = time.monotonic
    _spent: float = field(default=0.0, init=False)
    _since: float | None = field(default=None, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def start(self) -> None:
        """Start the stopwatch."""
        with self._lock:
            self._since = self.clock()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the stopwatch and suspend the guards, for work that is not the build file's."""
        with self._lock:
            before, self._since = self._since, None
            if before is not None:
                self._spent += self.clock() - before
        try:
            with guards.suspend():
                yield
        finally:
            if before is not None:
                self.start()

    @property
    def is_over(self) -> bool:
        """Whether the time limit is exceeded."""
        with self._lock:
            running = 0.0 if self._since is None else self.clock() - self._since
            return self._spent + running > self.limit


def load_targets(modules: Modules, watch: Stopwatch) -> tuple[Target, ...]:
    """Load the targets of a build file. Raises like :func:`run_target`."""

    def work() -> tuple[Target, ...]:
        return targets_of(modules.load())

    return _run(work, modules.files, watch)


def run_target(
    target: Target, calls: Calls[Target], files: Mapping[str, SourceFile], watch: Stopwatch
) -> tuple[Part, ...]:
    """Call a target, and return the trees that it builds.

    Raises BuildFileError for an exception of the target or a timeout, with a traceback limited to
    ``files``; an error of this package keeps its type and gets a span.
    """
    # Only frames of this package come between the thread and the build file, so call sites of
    # steps end at the file.

    def work() -> tuple[Part, ...]:
        return _call(target, calls)

    return _run(work, files, watch)


def _run(function: Callable[[], T], files: Mapping[str, SourceFile], watch: Stopwatch) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with guards.enforce():
                results.append(function())
        # The author has to see every exception, including SystemExit.
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    context = copy_context()
    worker = threading.Thread(target=context.run, args=(work,), name="build file", daemon=True)
    watch.start()
    worker.start()
    while worker.is_alive():
        worker.join(_TICK)
        if worker.is_alive() and watch.is_over:
            error = _timeout_error(worker, files, watch)
            _interrupt(worker)
            raise error
    if errors:
        raise to_author_error(errors[0], files) from errors[0].__cause__
    return results[0]


@frozen
class Part:
    """A tree that a target returns, with its platform or name, if any."""

    tree: State
    platform: Platform | None = None
    name: str = ""


def _call(target: Target, calls: Calls[Target]) -> tuple[Part, ...]:
    # All build args are converted before any of them is used.
    with _located_at(target):
        for parameter in target.parameters:
            calls.build.argument(parameter)
    with set_current(calls):
        value = target()
    with _located_at(target):
        return to_parts(value, target)


@contextmanager
def _located_at(target: Target) -> Iterator[None]:
    """Point errors at the target, because none of its own lines raised them."""
    try:
        yield
    except InvalidValueError as error:
        file = python_source(target.function.__code__.co_filename)
        error.span = None if file is None else _span(file, target.line)
        raise


def to_parts(value: Any, target: Target) -> tuple[Part, ...]:
    """Convert the return value of a target. Raises InvalidValueError for any other type."""
    if isinstance(value, State):
        return (Part(value),)
    if (
        isinstance(value, dict)
        and value
        and all(isinstance(tree, State) for tree in value.values())
    ):
        if all(isinstance(key, Platform) or "/" in str(key) for key in value):
            return tuple(Part(tree, to_platform(key)) for key, tree in value.items())
        if all(isinstance(key, str) and key for key in value):
            return tuple(Part(tree, name=name) for name, tree in value.items())
    raise InvalidValueError(
        f"the target {target.name} returned {_describe(value)}, expected a State, or States by "
        "platform or by name",
        hint="it ends without return" if value is None else None,
    )


def _describe(value: object) -> str:
    if not isinstance(value, dict):
        return "nothing" if value is None else f"a value of the type {type(value).__name__}"
    kinds = {f"{type(key).__name__}: {type(item).__name__}" for key, item in value.items()}
    return f"a dict of {', '.join(sorted(kinds)) or 'nothing'}"


def to_author_error(error: BaseException, files: Mapping[str, SourceFile]) -> BaseException:
    """Convert an exception for the author of a build file: with its line and traceback."""
    if isinstance(error, TransportError):
        return error
    frames = _own_frames(error, files)
    span = _span_of(frames[-1], files) if frames else None
    if isinstance(error, LLBError):
        error.span = error.span or span
        return error
    return BuildFileError(
        _summary(error), trace=(*_trace(frames, files), *_related(error, files)), span=span
    )


def _own_frames(
    error: BaseException, files: Mapping[str, SourceFile]
) -> list[traceback.FrameSummary]:
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in files and frame.lineno is not None
    ]


def _summary(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _related(
    error: BaseException, files: Mapping[str, SourceFile], depth: int = 0
) -> tuple[str, ...]:
    """Format the causes of an exception and the members of a group, with their own lines."""
    related = []
    if isinstance(error, BaseExceptionGroup):
        total = len(error.exceptions)
        related += [
            (f"exception {number} of {total}", member)
            for number, member in enumerate(error.exceptions, 1)
        ]
    if error.__cause__ is not None:
        related.append(("caused by", error.__cause__))
    elif error.__context__ is not None and not error.__suppress_context__:
        related.append(("raised while handling", error.__context__))
    lines: list[str] = []
    for relation, other in related[:_RELATED] if depth < _RELATED else ():
        lines += [
            f"{relation}: {_summary(other)}",
            *_trace(_own_frames(other, files), files),
            *_related(other, files, depth + 1),
        ]
    return tuple(lines)


def _interrupt(worker: threading.Thread) -> None:
    """Raise SystemExit in a thread of Python code, which would otherwise continue to run."""
    ident = ctypes.c_ulong(worker.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))


def _timeout_error(
    worker: threading.Thread, files: Mapping[str, SourceFile], watch: Stopwatch
) -> BuildFileError:
    frame: FrameType | None = sys._current_frames().get(worker.ident or 0)
    stack = traceback.extract_stack(frame) if frame is not None else []
    frames = [summary for summary in stack if summary.filename in files]
    return BuildFileError(
        f"the build file did not finish within {watch.limit:g} seconds",
        trace=_trace(frames, files),
        span=_span_of(frames[-1], files) if frames else None,
        hint="move long work into a step: State.run()",
    )


def _trace(
    frames: list[traceback.FrameSummary], files: Mapping[str, SourceFile]
) -> tuple[str, ...]:
    """Format the traceback of an error like Python, the innermost call last.

    The middle of a deep one, for example of endless recursion, is only counted.
    """
    entries = [
        traceback.format_list([frame])[0].replace(frame.filename, files[frame.filename].filename, 1)
        for frame in frames
    ]
    omitted = len(entries) - _OUTER - _INNER
    if omitted > 0:
        entries[_OUTER:-_INNER] = [f"  ... {omitted} more calls ..."]
    return tuple(line for entry in entries for line in entry.rstrip().split("\n"))


def _span_of(frame: traceback.FrameSummary, files: Mapping[str, SourceFile]) -> Span:
    return _span(files[frame.filename], frame.lineno or 1)


def _span(file: SourceFile, line: int) -> Span:
    text = file.data.decode("utf-8", errors="replace")
    return Span(file.filename, text, line, definition=file.definition)
