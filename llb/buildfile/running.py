"""One run of a build file, in bounded time, with its mistakes told as its author needs them."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field, frozen

from llb.buildfile import guards
from llb.buildfile.current import going_on
from llb.buildfile.loading import targets_of
from llb.errors import BuildFileError, InvalidValueError, LLBError, Span, TransportError
from llb.platforms import Platform, to_platform
from llb.source_map import python_source
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import FrameType

    from llb.buildfile.current import Calls
    from llb.buildfile.loading import Modules
    from llb.buildfile.target import Target
    from llb.source_map import SourceFile

    T = TypeVar("T")

SECONDS = 60.0
"""How long a build file may take by itself, without what it waits for the daemon."""

_TICK = 0.2


@define
class Stopwatch:
    """The time that a build file takes by ``clock``; it stands still while the daemon is asked."""

    limit: float = SECONDS
    clock: Callable[[], float] = time.monotonic
    _spent: float = field(default=0.0, init=False)
    _since: float | None = field(default=None, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def start(self) -> None:
        """Let it run."""
        with self._lock:
            self._since = self.clock()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it stand, and refuse nothing: what is done meanwhile is not the build file's."""
        with self._lock:
            before, self._since = self._since, None
            if before is not None:
                self._spent += self.clock() - before
        try:
            with guards.lifted():
                yield
        finally:
            if before is not None:
                self.start()

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        with self._lock:
            running = 0.0 if self._since is None else self.clock() - self._since
            return self._spent + running > self.limit


def load(modules: Modules, watch: Stopwatch) -> tuple[Target, ...]:
    """Return the targets of a build file. Raises what :func:`make` does."""

    def work() -> tuple[Target, ...]:
        return targets_of(modules.load())

    return _run(work, modules.files, watch)


def make(
    target: Target, calls: Calls[Target], files: Mapping[str, SourceFile], watch: Stopwatch
) -> tuple[Part, ...]:
    """Return what a target makes.

    Raises BuildFileError for what it raises, and where the time is over, with the traceback of
    ``files`` alone; an error of this package keeps its type, and gets its place.
    """
    # Between a build file and its thread there is this package alone, so that what is known of
    # where a step was made ends with the file.

    def work() -> tuple[Part, ...]:
        return _call(target, calls)

    return _run(work, files, watch)


def _run(function: Callable[[], T], files: Mapping[str, SourceFile], watch: Stopwatch) -> T:
    done: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with guards.in_force():
                done.append(function())
        # Whatever it raises, SystemExit included, its author has to see.
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    context = copy_context()
    worker = threading.Thread(target=context.run, args=(work,), name="build file", daemon=True)
    watch.start()
    worker.start()
    while worker.is_alive():
        worker.join(_TICK)
        if worker.is_alive() and watch.is_over:
            error = _too_long(worker, files, watch)
            _end(worker)
            raise error
    if failed:
        raise explained(failed[0], files) from failed[0].__cause__
    return done[0]


@frozen
class Part:
    """A tree that a target makes, for a platform or with a name where it said so."""

    tree: State
    platform: Platform | None = None
    name: str = ""


def _call(target: Target, calls: Calls[Target]) -> tuple[Part, ...]:
    # They are all converted before anything is made of them.
    with _placed(target):
        for each in target.parameters:
            calls.build.argument(each)
    with going_on(calls):
        made = target()
    with _placed(target):
        return parts_of(made, target)


@contextmanager
def _placed(target: Target) -> Iterator[None]:
    """Let errors be about the target, as no line of its own raised them."""
    try:
        yield
    except InvalidValueError as error:
        file = python_source(target.filename)
        error.span = None if file is None else _span(file, target.line)
        raise


def parts_of(made: Any, target: Target) -> tuple[Part, ...]:
    """Return what a target returned. Raises InvalidValueError for what is no result."""
    if isinstance(made, State):
        return (Part(made),)
    if isinstance(made, dict) and made and all(isinstance(each, State) for each in made.values()):
        if all(isinstance(key, Platform) or "/" in str(key) for key in made):
            return tuple(Part(tree, to_platform(key)) for key, tree in made.items())
        if all(isinstance(key, str) and key for key in made):
            return tuple(Part(tree, name=name) for name, tree in made.items())
    raise InvalidValueError(
        f"the target {target.name} returned {_shown(made)}, expected a State, or States by "
        "platform or by name",
        hint="it ends without return" if made is None else None,
    )


def _shown(made: object) -> str:
    if not isinstance(made, dict):
        return "nothing" if made is None else f"a value of the type {type(made).__name__}"
    kinds = {f"{type(key).__name__}: {type(value).__name__}" for key, value in made.items()}
    return f"a dict of {', '.join(sorted(kinds)) or 'nothing'}"


def explained(error: BaseException, files: Mapping[str, SourceFile]) -> BaseException:
    """Return an error as the author of a build file needs it: with the place and the calls."""
    if isinstance(error, TransportError):
        return error
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if each.filename in files and each.lineno is not None
    ]
    span = _span_of(frames[-1], files) if frames else None
    if isinstance(error, LLBError):
        error.span = error.span or span
        return error
    summary = "".join(traceback.format_exception_only(error)).strip()
    return BuildFileError(summary, trace=_trace(frames), span=span)


def _end(worker: threading.Thread) -> None:
    """Have a thread of Python code raise where it is, or it would go on in this process."""
    import ctypes  # noqa: PLC0415 - it is needed for nothing else

    ident = ctypes.c_ulong(worker.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))


def _too_long(
    worker: threading.Thread, files: Mapping[str, SourceFile], watch: Stopwatch
) -> BuildFileError:
    frame: FrameType | None = sys._current_frames().get(worker.ident or 0)
    stack = traceback.extract_stack(frame) if frame is not None else []
    own = [each for each in stack if each.filename in files]
    return BuildFileError(
        f"the build file has run for {watch.limit:g} seconds, and does not end",
        trace=_trace(own),
        span=_span_of(own[-1], files) if own else None,
        hint="what takes long belongs into a step: State.run()",
    )


def _trace(frames: Iterable[traceback.FrameSummary]) -> tuple[str, ...]:
    """Return the calls that led to an error as Python prints them, the last one last."""
    return tuple(
        line for each in traceback.format_list(list(frames)) for line in each.rstrip().split("\n")
    )


def _span_of(frame: traceback.FrameSummary, files: Mapping[str, SourceFile]) -> Span:
    return _span(files[frame.filename], frame.lineno or 1)


def _span(file: SourceFile, line: int) -> Span:
    text = file.data.decode("utf-8", errors="replace")
    return Span(file.filename, text, line, definition=file.definition)
