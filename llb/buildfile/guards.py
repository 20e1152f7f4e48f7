"""Guards for build files: no access to clocks, randomness, environment, files or network.

A result depends only on the inputs of the build, so access to anything else raises an error.
The interpreter itself may still read files, for example to import a module.
"""

from __future__ import annotations

import builtins
import sys
import sysconfig
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from llb.buildfile import hidden_calls
from llb.buildfile.guarded_modules import (
    FILES,
    NETWORK,
    PROCESSES,
    refuse,
    refuser,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from _typeshed import SupportsWrite

    from llb.buildfile.guarded_modules import Reason

_AUDITED: Mapping[str, Reason] = {
    "open": FILES,
    "os.listdir": FILES,
    "os.scandir": FILES,
    "subprocess.Popen": PROCESSES,
    "os.system": PROCESSES,
    "os.posix_spawn": PROCESSES,
    "os.exec": PROCESSES,
    "os.fork": PROCESSES,
    "socket.connect": NETWORK,
    "socket.getaddrinfo": NETWORK,
}
_STANDARD = sysconfig.get_path("stdlib") + "/"

_guarded = threading.local()

PRINT_STREAM: ContextVar[SupportsWrite[str] | None] = ContextVar("print_stream", default=None)
"""The stream that ``print`` of build files writes to, if it is not standard output."""


def builtins_with(import_: Callable[..., Any]) -> dict[str, Any]:
    """Build the builtins of a build file's modules: Python's own, with another import function."""
    return {
        **vars(builtins),
        hidden_calls.MARK: True,
        "__import__": import_,
        "open": refuser("open()", FILES),
        "input": refuser("input()", FILES),
        "print": _print,
    }


def _print(*values: object, file: Any = None, **options: Any) -> None:
    """Print as Python does, to the stream for build files."""
    print(*values, file=PRINT_STREAM.get() if file is None else file, **options)


@contextmanager
def enforce() -> Iterator[None]:
    """Guard this thread also against code that bypasses the replaced names."""
    _audit_once()
    before = getattr(_guarded, "is_on", False)
    _guarded.is_on = True
    try:
        with hidden_calls.watch():
            yield
    finally:
        _guarded.is_on = before


@contextmanager
def suspend() -> Iterator[None]:
    """Suspend the guards in this thread, for code of this package."""
    before = getattr(_guarded, "is_on", False)
    _guarded.is_on = False
    try:
        with hidden_calls.ignore():
            yield
    finally:
        _guarded.is_on = before


_audit_lock = threading.Lock()
_is_audited = False


def _audit_once() -> None:
    global _is_audited  # noqa: PLW0603 - the interpreter has one list of hooks, and never forgets
    with _audit_lock:
        if not _is_audited:
            sys.addaudithook(_audit)
            _is_audited = True


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    reason = _AUDITED.get(event)
    if reason is None or not getattr(_guarded, "is_on", False):
        return
    subject = arguments[0] if arguments else ""
    if event == "open" and isinstance(subject, str) and subject.startswith(_STANDARD):
        return
    # Imports may read files.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and hidden_calls.MARK not in frame.f_builtins:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    refuse(f"{event}({subject!r})" if event == "open" else f"{event}()", reason)
