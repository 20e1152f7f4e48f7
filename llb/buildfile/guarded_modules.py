"""The modules of the standard library as build files see them: some of their names refuse.

A result depends only on the inputs of the build, so a name that gives anything else raises
InvalidValueError when it is used, with an alternative.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Reason = tuple[str, str]

CLOCK = "the clock is not an input of the build", "use a build arg, or Build.epoch"
RANDOMNESS = (
    "randomness is not an input of the build",
    "random.Random(seed) generates the same numbers every time",
)
ENVIRONMENT = "the environment is not an input of the build", "use a build arg"
MACHINE = (
    "the machine is not an input of the build",
    "use Build.platform or Build.build_platform, or ask in a step: State.run()",
)
FILES = "a build file cannot access local files", "Build.read_text() reads files of the context"
PROCESSES = "a build file cannot start or end processes", "run it in a step: State.run()"
NETWORK = "a build file cannot access the network", "fetch it in a step: HTTP(), Git(), Image()"


def _all(names: str, reason: Reason) -> dict[str, Reason]:
    return dict.fromkeys(names.split(), reason)


# Names that are replaced by guards when a build file imports their modules.
_REFUSED: Mapping[str, Mapping[str, Reason]] = {
    "time": {
        **_all(
            "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
            "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns "
            "localtime gmtime ctime asctime sleep",
            CLOCK,
        ),
        **_all("timezone altzone daylight tzname mktime tzset", MACHINE),
    },
    "random": _all(
        "random uniform triangular randint choice randrange sample shuffle choices "
        "normalvariate lognormvariate expovariate vonmisesvariate gammavariate gauss "
        "betavariate paretovariate weibullvariate getstate setstate getrandbits randbytes "
        "seed binomialvariate SystemRandom",
        RANDOMNESS,
    ),
    "uuid": _all("uuid1 uuid4 uuid6 uuid7 getnode", RANDOMNESS),
    "secrets": _all(
        "token_bytes token_hex token_urlsafe choice randbelow randbits SystemRandom", RANDOMNESS
    ),
    "os": {
        **_all("environ environb getenv getenvb putenv unsetenv", ENVIRONMENT),
        **_all("urandom getrandom getpid getppid", RANDOMNESS),
        **_all(
            "cpu_count process_cpu_count sched_getaffinity uname name getlogin getuid geteuid getgid "
            "getegid getgroups getloadavg times getpgid getpgrp getsid getpriority ctermid ttyname "
            "get_terminal_size sysconf confstr umask",
            MACHINE,
        ),
        **_all(
            "stat lstat access open listdir scandir walk fwalk readlink getcwd getcwdb chdir statvfs",
            FILES,
        ),
        **_all(
            "_exit abort kill killpg system popen fork forkpty execv execve execvp execvpe posix_spawn",
            PROCESSES,
        ),
    },
    "pathlib": _all("Path PosixPath WindowsPath", FILES),
    "platform": _all(
        "system node release version machine processor uname architecture platform libc_ver "
        "freedesktop_os_release mac_ver win32_ver java_ver ios_ver android_ver",
        MACHINE,
    ),
    "sys": {
        **_all("argv orig_argv", ENVIRONMENT),
        **_all("stdin __stdin__", FILES),
        **_all("platform executable prefix base_prefix exec_prefix base_exec_prefix", MACHINE),
    },
    "locale": _all(
        "getlocale getdefaultlocale setlocale localeconv getencoding getpreferredencoding "
        "nl_langinfo",
        MACHINE,
    ),
    "threading": _all("get_native_id", MACHINE),
}
# Modules that are useless without access to the system.
_REFUSED_MODULES: Mapping[str, Reason] = {
    **dict.fromkeys(("subprocess", "multiprocessing", "pty", "ctypes", "signal"), PROCESSES),
    **dict.fromkeys(("socket", "ssl", "ftplib", "smtplib", "asyncio"), NETWORK),
    **dict.fromkeys(("urllib.request", "http.client", "http.server", "socketserver"), NETWORK),
    **dict.fromkeys(("imaplib", "poplib", "nntplib", "telnetlib", "xmlrpc.client"), NETWORK),
    **dict.fromkeys(("tempfile", "glob", "shutil", "fileinput", "dbm", "shelve"), FILES),
    **dict.fromkeys(("importlib.metadata", "importlib.resources"), FILES),
    **dict.fromkeys(("getpass", "pwd", "grp", "spwd", "resource", "sysconfig", "site"), MACHINE),
    **dict.fromkeys(("posix", "nt", "_socket", "_posixsubprocess"), MACHINE),
}


def refuse(operation: str, reason: Reason) -> NoReturn:
    """Raise InvalidValueError."""
    raise InvalidValueError(f"{operation}: {reason[0]}", hint=reason[1])


def check_module(name: str) -> None:
    """Raise InvalidValueError for a module of the standard library that is not available."""
    reason = _REFUSED_MODULES.get(name) or _REFUSED_MODULES.get(name.partition(".")[0])
    if reason is not None:
        refuse(f"import {name}", reason)


def guard_module(module: ModuleType, import_module: Callable[..., Any]) -> ModuleType:
    """Wrap a module for a build file: some of its names are guarded.

    ``import_module`` replaces that of ``importlib``.
    """
    if module.__name__ == "importlib":
        return _Proxy(module, {"import_module": import_module})
    wrap = _WRAPPERS.get(module.__name__)
    if wrap is not None:
        return wrap(module)
    return _plain(module) if module.__name__ in _REFUSED else module


def refuser(operation: str, reason: Reason) -> Callable[..., NoReturn]:
    """Build a function that refuses to be called."""

    def guard(*_: object, **__: object) -> NoReturn:
        refuse(operation, reason)

    return guard


class _Proxy(ModuleType):
    """A module with some of its names replaced, and others that cannot be read."""

    def __init__(
        self,
        module: ModuleType,
        replaced: Mapping[str, Any],
        refused: Mapping[str, Reason] | None = None,
    ) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(replaced)
        self.__dict__["_module"] = module
        self.__dict__["_refused"] = refused or {}

    def __getattr__(self, name: str) -> Any:
        reason = self.__dict__["_refused"].get(name)
        if reason is not None:
            refuse(f"{self.__name__}.{name}", reason)
        return getattr(self.__dict__["_module"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])


class _GuardedValue:
    """A value that cannot be read."""

    def __init__(self, operation: str, reason: Reason) -> None:
        self._refusal = operation, reason

    def _refuse(self, *_: object) -> NoReturn:
        refuse(*self._refusal)

    __getitem__ = __contains__ = __iter__ = __len__ = __setitem__ = __delitem__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        refuse(*self._refusal)


class _Stand(type):
    """The class of a class that stands for one of the standard library.

    Calling it calls a function instead, and instances are those of the original: so isinstance,
    annotations, pickles and the tables of singledispatch see no difference.
    """

    def __call__(cls, *args: Any, **options: Any) -> Any:
        construct = cls.__dict__.get("_construct") or getattr(cls, "_refuses_all", None)
        return (
            super().__call__(*args, **options) if construct is None else construct(*args, **options)
        )

    def __instancecheck__(cls, instance: object) -> bool:
        original = cls.__dict__.get("_original")
        return (
            super().__instancecheck__(instance)
            if original is None
            else isinstance(instance, original)
        )

    def __subclasscheck__(cls, subclass: type) -> bool:
        original = cls.__dict__.get("_original")
        return (
            super().__subclasscheck__(subclass)
            if original is None
            else issubclass(subclass, original)
        )

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.__dict__.get("_original", cls)

    def __hash__(cls) -> int:
        return hash(cls.__dict__.get("_original", cls.__name__))


def _stand_for(original: Any, construct: Callable[..., Any], **members: object) -> Any:
    """Build a class that stands for ``original``, and whose calls call ``construct``."""
    names = {"__module__": original.__module__, "__qualname__": original.__qualname__}
    body = {**names, "_original": original, "_construct": staticmethod(construct), **members}
    return _Stand(original.__name__, (original,), {**body, "__slots__": ()})


def _replacement(original: Any, operation: str, reason: Reason) -> Any:
    if isinstance(original, type):
        refusal = refuser(f"{operation}()", reason)
        # Subclasses refuse as well.
        return _stand_for(original, refusal, _refuses_all=staticmethod(refusal))
    if callable(original):
        return refuser(f"{operation}()", reason)
    return _GuardedValue(operation, reason)


def _plain(module: ModuleType) -> _Proxy:
    replaced: dict[str, Any] = {}
    refused: dict[str, Reason] = {}
    for name, reason in _REFUSED[module.__name__].items():
        original = getattr(module, name, None)
        if original is None:
            continue
        if isinstance(original, str | int | tuple | list):
            refused[name] = reason
        else:
            replaced[name] = _replacement(original, f"{module.__name__}.{name}", reason)
    return _Proxy(module, replaced, refused)


def _random(module: ModuleType) -> _Proxy:
    proxy = _plain(module)

    def seeded(seed: Any = None) -> Any:
        return refuse("random.Random()", RANDOMNESS) if seed is None else module.Random(seed)

    proxy.__dict__["Random"] = _stand_for(module.Random, seeded)
    return proxy


def _time(module: ModuleType) -> _Proxy:
    proxy = _plain(module)

    def needs_time(name: str, position: int) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if len(args) <= position:
                refuse(f"time.{name}()", CLOCK)
            return getattr(module, name)(*args)

        return call

    for name, position in (("gmtime", 0), ("asctime", 0), ("strftime", 1)):
        proxy.__dict__[name] = needs_time(name, position)
    return proxy


def _datetime(module: ModuleType) -> _Proxy:
    def from_timestamp(timestamp: float, tz: Any = None) -> Any:
        if tz is None:
            refuse("datetime.fromtimestamp()", (MACHINE[0], "name a time zone: datetime.UTC"))
        return module.datetime.fromtimestamp(timestamp, tz)

    date = _stand_for(
        module.date,
        module.date,
        today=refuser("date.today()", CLOCK),
        fromtimestamp=refuser("date.fromtimestamp()", MACHINE),
    )
    datetime = _stand_for(
        module.datetime,
        module.datetime,
        now=refuser("datetime.now()", CLOCK),
        utcnow=refuser("datetime.utcnow()", CLOCK),
        today=refuser("datetime.today()", CLOCK),
        fromtimestamp=from_timestamp,
    )
    return _Proxy(module, {"date": date, "datetime": datetime})


def _os_path(module: ModuleType) -> _Proxy:
    names = (
        "exists lexists isfile isdir islink ismount getsize getmtime getatime getctime realpath "
        "abspath samefile expanduser expandvars"
    )
    return _Proxy(module, {name: refuser(f"os.path.{name}()", FILES) for name in names.split()})


def _os(module: ModuleType) -> _Proxy:
    proxy = _plain(module)
    proxy.__dict__["path"] = _os_path(module.path)
    return proxy


_WRAPPERS: Mapping[str, Callable[[ModuleType], _Proxy]] = {
    "time": _time,
    "random": _random,
    "datetime": _datetime,
    "os": _os,
    "posixpath": _os_path,
}
