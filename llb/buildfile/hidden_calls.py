"""Clocks, random numbers and facts of the machine that the standard library itself asks for.

A build file sees guarded modules, but ``gzip.compress`` reads the clock through the module that
``gzip`` imported. The profiler of a thread sees every call of C code in it, whoever makes the call,
so a build file runs with one.
"""

from __future__ import annotations

import sys
import sysconfig
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llb.buildfile.guarded_modules import CLOCK, MACHINE, RANDOMNESS, refuse
from llb.source_map import is_package_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from llb.buildfile.guarded_modules import Reason

MARK = "__build_file__"
"""The mark in the builtins of build files."""


def _all(owner: str, names: str, reason: Reason) -> dict[tuple[str, str], Reason]:
    return {(owner, name): reason for name in names.split()}


# C functions by module and name. Methods have no module, but an instance or a class.
_REFUSED: Mapping[tuple[str, str], Reason] = {
    **_all(
        "time",
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
        "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns sleep",
        CLOCK,
    ),
    **_all("datetime", "now utcnow today", CLOCK),
    **_all("date", "today", CLOCK),
    **_all("posix", "urandom getrandom", RANDOMNESS),
    **_all("Random", "random getrandbits", RANDOMNESS),
    **_all("_uuid", "generate_time_safe", RANDOMNESS),
    **_all(
        "posix",
        "getpid getppid cpu_count sched_getaffinity uname getlogin getuid geteuid getgid getegid "
        "getgroups getloadavg times",
        MACHINE,
    ),
    **_all("_socket", "gethostname", MACHINE),
}
_NAMES = frozenset(name for _, name in _REFUSED)
# These only measure time for themselves, or put it into a log that is not the result.
_HARMLESS = ("logging", "threading", "queue", "concurrent", "importlib", "linecache")
_STANDARD = sysconfig.get_path("stdlib") + "/"
_SHOWN = {"posix": "os", "Random": "random", "_uuid": "uuid", "_socket": "socket"}
_HINTS = {
    "gzip": "gzip.compress(data, mtime=0) sets the time itself",
    "tarfile": "write the archive without compression, and compress it: gzip.compress(data, mtime=0)",
    "zipfile": "name the file by a zipfile.ZipInfo, which has a fixed time",
    "email": "set the date, the message id and the boundary yourself",
}


@contextmanager
def watch() -> Iterator[None]:
    """Refuse such calls in this thread."""
    yield from _profiled(_check)


@contextmanager
def ignore() -> Iterator[None]:
    """Allow such calls in this thread, for code of this package."""
    yield from _profiled(None if sys.getprofile() is _check else sys.getprofile())


def _profiled(profiler: Any) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(profiler)
    try:
        yield
    finally:
        sys.setprofile(before)


def _check(frame: FrameType, event: str, function: Any) -> None:
    """Raise InvalidValueError if a frame calls a C function that is refused (``sys.setprofile``)."""
    if event != "c_call" or function.__name__ not in _NAMES:
        return
    key = _owner(function), function.__name__
    reason = _REFUSED.get(key)
    if reason is None or not _is_of_build_file(frame):
        return
    user, called = frame, ""
    while MARK not in user.f_builtins:
        called = f"{user.f_globals.get('__name__')}.{user.f_code.co_qualname}"
        if user.f_code.co_filename.startswith("<frozen importlib") or user.f_back is None:
            return
        user = user.f_back
    operation = f"{_SHOWN.get(key[0], key[0])}.{key[1]}()"
    if not called:
        refuse(operation, reason)
    hint = _HINTS.get(called.partition(".")[0], reason[1])
    refuse(f"{called}() calls {operation}", (reason[0], hint))


def _owner(function: Any) -> str:
    """Name the module of a C function, or the class of a method."""
    if function.__module__ is not None:
        return str(function.__module__)
    owner = function.__self__
    if not isinstance(owner, type):
        return _instance_name(owner)
    # A class of the build file inherits its clocks.
    return next((kind.__name__ for kind in owner.__mro__ if kind.__module__ == "datetime"), "")


def _instance_name(owner: object) -> str:
    """Name the shared generator of random numbers; others have a seed."""
    random = sys.modules.get("random")
    return "Random" if random is not None and owner is random._inst else ""


def _is_of_build_file(frame: FrameType) -> bool:
    """Check whether the build file or the standard library makes a call.

    Callbacks of the garbage collector and finalizers of other packages may interrupt anything.
    """
    if MARK in frame.f_builtins:
        return True
    path = frame.f_code.co_filename
    # Generated code has no file.
    if not path.startswith((_STANDARD, "<")) or is_package_path(path):
        return False
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _HARMLESS
