"""What a build file may not do by itself: read clocks, dice, the environment, files, the network.

A result depends on the inputs of the build alone, so what would bring in something else raises
instead. The interpreter's own reading, as when a module is imported, goes on.
"""

from __future__ import annotations

import builtins
import sys
import sysconfig
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

_CLOCK = "the clock is no input of a build", "take the time as a build arg, or Build.epoch"
_DICE = "chance is no input of a build", "random.Random(seed) gives the same numbers every time"
_ENVIRONMENT = "the environment is no input of a build", "take it as a build arg"
_FILES = "a build file sees no files by itself", "Build.read_text() reads those of the context"
_PROCESSES = "a build file starts and ends no processes", "run it in a step: State.run()"
_NETWORK = "a build file has no network", "fetch it in a step: HTTP(), Git(), Image()"

_Reason = tuple[str, str]


def _all(names: str, reason: _Reason) -> dict[str, _Reason]:
    return dict.fromkeys(names.split(), reason)


# Names of modules that are replaced by what refuses, where a build file imports them.
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
        _DICE,
    ),
    "uuid": _all("uuid1 uuid4 uuid6 uuid7 getnode", _DICE),
    "secrets": _all(
        "token_bytes token_hex token_urlsafe choice randbelow randbits SystemRandom", _DICE
    ),
    "os": {
        **_all("environ environb getenv getenvb putenv unsetenv", _ENVIRONMENT),
        **_all("urandom getrandom getpid getppid cpu_count", _DICE),
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
# Modules that have no use here.
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

# What tells the code of build files from all other.
_MARK = "__build_file__"

_guarded = threading.local()


def refuse(what: str, reason: _Reason) -> NoReturn:
    """Raise InvalidValueError."""
    raise InvalidValueError(f"{what}: {reason[0]}", hint=reason[1])


def check_module(name: str) -> None:
    """Raise InvalidValueError for a module of the standard library that has no use here."""
    reason = _REFUSED_MODULES.get(name) or _REFUSED_MODULES.get(name.partition(".")[0])
    if reason is not None:
        refuse(f"import {name}", reason)


def guarded(module: ModuleType) -> ModuleType:
    """Return a module as a build file sees it: some of its names refuse."""
    return _proxies.get(module.__name__, _same)(module)


def builtins_with(import_: Callable[..., Any]) -> dict[str, Any]:
    """Return what every module of a build file has: Python's own, with its own imports."""
    return {
        **vars(builtins),
        _MARK: True,
        "__import__": import_,
        "open": _refusing("open()", _FILES),
        "input": _refusing("input()", _FILES),
    }


@contextmanager
def in_force() -> Iterator[None]:
    """Refuse, in this thread, what goes around the names that are replaced."""
    _audit_once()
    before = getattr(_guarded, "is_on", False)
    _guarded.is_on = True
    try:
        yield
    finally:
        _guarded.is_on = before


@contextmanager
def lifted() -> Iterator[None]:
    """Let the code of this package do what it has to, on behalf of a build file."""
    before = getattr(_guarded, "is_on", False)
    _guarded.is_on = False
    try:
        yield
    finally:
        _guarded.is_on = before


def _same(module: ModuleType) -> ModuleType:
    return module


class _Proxy(ModuleType):
    """A module some of whose names are others."""

    def __init__(self, module: ModuleType, replaced: Mapping[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(replaced)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_module"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])


class _Refused:
    """A value that cannot be read."""

    def __init__(self, what: str, reason: _Reason) -> None:
        self._why = what, reason

    def _refuse(self, *_: object) -> NoReturn:
        refuse(*self._why)

    __getitem__ = __contains__ = __iter__ = __len__ = __setitem__ = __delitem__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        refuse(*self._why)


def _refusing(what: str, reason: _Reason) -> Callable[..., NoReturn]:
    def refused(*_: object, **__: object) -> NoReturn:
        refuse(what, reason)

    return refused


def _plain(module: ModuleType) -> ModuleType:
    name = module.__name__
    made: dict[str, Any] = {}
    for each, reason in _REFUSED[name].items():
        found = getattr(module, each, None)
        if found is None:
            continue
        is_value = not callable(found)
        what = f"{name}.{each}"
        made[each] = _Refused(what, reason) if is_value else _refusing(f"{what}()", reason)
    return _Proxy(module, made)


def _random(module: ModuleType) -> ModuleType:
    proxy = _plain(module)

    class Random(module.Random):  # type: ignore[name-defined, misc]
        """Python's generator, which has to be given a seed."""

        def __init__(self, seed: Any = None) -> None:
            if seed is None:
                refuse("random.Random()", _DICE)
            super().__init__(seed)

    proxy.__dict__["Random"] = Random
    return proxy


def _time(module: ModuleType) -> ModuleType:
    proxy = _plain(module)

    def needs_time(name: str) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            return getattr(module, name)(*given) if given else refuse(f"time.{name}()", _CLOCK)

        return call

    for name in ("gmtime", "ctime", "asctime"):
        proxy.__dict__[name] = needs_time(name)
    return proxy


def _datetime(module: ModuleType) -> ModuleType:
    class Date(module.date):  # type: ignore[name-defined, misc]
        today = classmethod(_refusing("date.today()", _CLOCK))

    class Datetime(module.datetime):  # type: ignore[name-defined, misc]
        now = classmethod(_refusing("datetime.now()", _CLOCK))
        utcnow = classmethod(_refusing("datetime.utcnow()", _CLOCK))
        today = classmethod(_refusing("datetime.today()", _CLOCK))

    return _Proxy(module, {"date": Date, "datetime": Datetime})


def _os_path(module: ModuleType) -> ModuleType:
    names = (
        "exists lexists isfile isdir islink ismount getsize getmtime getatime getctime realpath "
        "abspath samefile expanduser expandvars"
    )
    return _Proxy(module, {each: _refusing(f"os.path.{each}()", _FILES) for each in names.split()})


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
    what = arguments[0] if arguments else ""
    if event == "open" and isinstance(what, str) and what.startswith(_STANDARD):
        return
    # What is imported meanwhile is read from files.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _MARK not in frame.f_builtins:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    refuse(f"{event}({what!r})" if event == "open" else f"{event}()", reason)
