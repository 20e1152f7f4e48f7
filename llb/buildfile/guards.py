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
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from _typeshed import SupportsWrite

_CLOCK = "the clock is not an input of the build", "use a build arg, or Build.epoch"
_RANDOMNESS = (
    "randomness is not an input of the build",
    "random.Random(seed) generates the same numbers every time",
)
_ENVIRONMENT = "the environment is not an input of the build", "use a build arg"
_FILES = "a build file cannot access local files", "Build.read_text() reads files of the context"
_PROCESSES = "a build file cannot start or end processes", "run it in a step: State.run()"
_NETWORK = "a build file cannot access the network", "fetch it in a step: HTTP(), Git(), Image()"

_Reason = tuple[str, str]


def _all(names: str, reason: _Reason) -> dict[str, _Reason]:
    return dict.fromkeys(names.split(), reason)


# Names that are replaced by guards when a build file imports their modules.
_REFUSED: Mapping[str, Mapping[str, _Reason]] = {
    "time": _all(
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
        "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns "
        "localtime gmtime ctime asctime sleep",
        _CLOCK,
    ),
    "random": _all(
        "random uniform triangular randint choice randrange sample shuffle choices "
        "normalvariate lognormvariate expovariate vonmisesvariate gammavariate gauss "
        "betavariate paretovariate weibullvariate getstate setstate getrandbits randbytes "
        "seed binomialvariate SystemRandom",
        _RANDOMNESS,
    ),
    "uuid": _all("uuid1 uuid4 uuid6 uuid7 getnode", _RANDOMNESS),
    "secrets": _all(
        "token_bytes token_hex token_urlsafe choice randbelow randbits SystemRandom", _RANDOMNESS
    ),
    "os": {
        **_all("environ environb getenv getenvb putenv unsetenv", _ENVIRONMENT),
        **_all("urandom getrandom getpid getppid cpu_count", _RANDOMNESS),
        **_all(
            "stat lstat access open listdir scandir walk fwalk readlink getcwd getcwdb chdir",
            _FILES,
        ),
        **_all(
            "_exit abort kill killpg system popen fork forkpty execv execve execvp execvpe posix_spawn",
            _PROCESSES,
        ),
    },
    "pathlib": _all("Path PosixPath WindowsPath", _FILES),
}
# Modules that are useless without access to the system.
_REFUSED_MODULES: Mapping[str, _Reason] = {
    **dict.fromkeys(("subprocess", "multiprocessing", "pty", "ctypes"), _PROCESSES),
    **dict.fromkeys(("socket", "ssl", "ftplib", "smtplib", "asyncio"), _NETWORK),
    **dict.fromkeys(("urllib.request", "http.client", "http.server"), _NETWORK),
    **dict.fromkeys(("tempfile", "glob", "shutil", "fileinput"), _FILES),
}
_AUDITED: Mapping[str, _Reason] = {
    "open": _FILES,
    "os.listdir": _FILES,
    "os.scandir": _FILES,
    "subprocess.Popen": _PROCESSES,
    "os.system": _PROCESSES,
    "os.posix_spawn": _PROCESSES,
    "os.exec": _PROCESSES,
    "os.fork": _PROCESSES,
    "socket.connect": _NETWORK,
    "socket.getaddrinfo": _NETWORK,
}
_STANDARD = sysconfig.get_path("stdlib") + "/"

# The mark in the builtins of build files.
_MARK = "__build_file__"

_guarded = threading.local()

PRINT_STREAM: ContextVar[SupportsWrite[str] | None] = ContextVar("print_stream", default=None)
"""The stream that ``print`` of build files writes to, if it is not standard output."""


def refuse(operation: str, reason: _Reason) -> NoReturn:
    """Raise InvalidValueError."""
    raise InvalidValueError(f"{operation}: {reason[0]}", hint=reason[1])


def check_module(name: str) -> None:
    """Raise InvalidValueError for a module of the standard library that is not available."""
    reason = _REFUSED_MODULES.get(name) or _REFUSED_MODULES.get(name.partition(".")[0])
    if reason is not None:
        refuse(f"import {name}", reason)


def guard_module(module: ModuleType) -> ModuleType:
    """Wrap a module for a build file: some of its names are guarded."""
    return _proxies.get(module.__name__, _same)(module)


def builtins_with(import_: Callable[..., Any]) -> dict[str, Any]:
    """Build the builtins of a build file's modules: Python's own, with another import function."""
    return {
        **vars(builtins),
        _MARK: True,
        "__import__": import_,
        "open": _refuser("open()", _FILES),
        "input": _refuser("input()", _FILES),
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
        yield
    finally:
        _guarded.is_on = before


@contextmanager
def suspend() -> Iterator[None]:
    """Suspend the guards in this thread, for code of this package."""
    before = getattr(_guarded, "is_on", False)
    _guarded.is_on = False
    try:
        yield
    finally:
        _guarded.is_on = before


def _same(module: ModuleType) -> ModuleType:
    return module


class _Proxy(ModuleType):
    """A module with some of its names replaced."""

    def __init__(self, module: ModuleType, replaced: Mapping[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(replaced)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_module"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])


class _GuardedValue:
    """A value that cannot be read."""

    def __init__(self, operation: str, reason: _Reason) -> None:
        self._refusal = operation, reason

    def _refuse(self, *_: object) -> NoReturn:
        refuse(*self._refusal)

    __getitem__ = __contains__ = __iter__ = __len__ = __setitem__ = __delitem__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        refuse(*self._refusal)


def _refuser(operation: str, reason: _Reason) -> Callable[..., NoReturn]:
    def guard(*_: object, **__: object) -> NoReturn:
        refuse(operation, reason)

    return guard


def _plain(module: ModuleType) -> ModuleType:
    replaced: dict[str, Any] = {}
    for name, reason in _REFUSED[module.__name__].items():
        original = getattr(module, name, None)
        if original is None:
            continue
        operation = f"{module.__name__}.{name}"
        replaced[name] = (
            _refuser(f"{operation}()", reason)
            if callable(original)
            else _GuardedValue(operation, reason)
        )
    return _Proxy(module, replaced)


def _random(module: ModuleType) -> ModuleType:
    proxy = _plain(module)

    class Random(module.Random):  # type: ignore[name-defined, misc]
        """Python's random number generator, which requires a seed."""

        def __init__(self, seed: Any = None) -> None:
            if seed is None:
                refuse("random.Random()", _RANDOMNESS)
            super().__init__(seed)

    proxy.__dict__["Random"] = Random
    return proxy


def _time(module: ModuleType) -> ModuleType:
    proxy = _plain(module)

    def needs_time(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            return getattr(module, name)(*args) if args else refuse(f"time.{name}()", _CLOCK)

        return call

    for name in ("gmtime", "ctime", "asctime"):
        proxy.__dict__[name] = needs_time(name)
    return proxy


def _datetime(module: ModuleType) -> ModuleType:
    class Date(module.date):  # type: ignore[name-defined, misc]
        today = classmethod(_refuser("date.today()", _CLOCK))

    class Datetime(module.datetime):  # type: ignore[name-defined, misc]
        now = classmethod(_refuser("datetime.now()", _CLOCK))
        utcnow = classmethod(_refuser("datetime.utcnow()", _CLOCK))
        today = classmethod(_refuser("datetime.today()", _CLOCK))

    return _Proxy(module, {"date": Date, "datetime": Datetime})


def _os_path(module: ModuleType) -> ModuleType:
    names = (
        "exists lexists isfile isdir islink ismount getsize getmtime getatime getctime realpath "
        "abspath samefile expanduser expandvars"
    )
    return _Proxy(module, {name: _refuser(f"os.path.{name}()", _FILES) for name in names.split()})


def _os(module: ModuleType) -> ModuleType:
    proxy = _plain(module)
    proxy.__dict__["path"] = _os_path(module.path)
    return proxy


_proxies: Mapping[str, Callable[[ModuleType], ModuleType]] = {
    "time": _time,
    "random": _random,
    "datetime": _datetime,
    "os": _os,
    "posixpath": _os_path,
    **dict.fromkeys(("uuid", "secrets", "pathlib"), _plain),
}

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
    while frame is not None and _MARK not in frame.f_builtins:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    refuse(f"{event}({subject!r})" if event == "open" else f"{event}()", reason)
