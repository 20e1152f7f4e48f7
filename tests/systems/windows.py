"""What Python lacks on Windows, and does otherwise there, as far as it matters for ``llb``."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import subprocess
import sys
from functools import wraps
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.systems.proc import WITHOUT_PROC
from tests.systems.views import System

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCK_AT_ONCE, _LOCK_EXCLUSIVE, _LOCK_VIOLATION = 1, 2, 33
_OPERATION_ABORTED, _IO_PENDING = 995, 997
_UNAVAILABLE = ("dir_fd", "src_dir_fd", "dst_dir_fd")


def _strict(
    function: Callable[..., Any], *, follows_links: bool = True, folders: bool = True
) -> Callable[..., Any]:
    """Refuse arguments that Windows refuses: descriptors instead of paths, and folders for open."""

    @wraps(function)
    def replaced(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if any(options.get(name) is not None for name in _UNAVAILABLE):
            raise NotImplementedError("dir_fd unavailable on this platform")
        if isinstance(path, int) or (follows_links and not options.get("follow_symlinks", True)):
            raise NotImplementedError(f"{function.__name__}: unavailable on this platform")
        if not folders and os.path.isdir(path):  # noqa: PTH112 - bytes, too
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return function(path, *arguments, **options)

    return replaced


def refuse_open_files() -> None:
    """Let ``llb`` neither rename nor remove a file that this process has open."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("os.rename", "os.remove", "os.rmdir") and _is_of_llb() and _is_open(arguments[0]):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), arguments[0])


def _is_of_llb() -> bool:
    frame = sys._getframe(2)
    # Between llb and the system are at most a function of pathlib, and one of shutil.
    for _ in range(3):
        if frame.f_globals.get("__name__", "").startswith("llb."):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def _is_open(path: Any) -> bool:
    full_path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it is
    for entry in os.scandir("/proc/self/fd"):
        try:
            if os.readlink(entry.path) == full_path:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False


class _Popen(subprocess.Popen[Any]):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("pass_fds") or options.get("preexec_fn"):
            raise ValueError("unavailable on Windows")
        super().__init__(*arguments, **options)


class _LockFile:
    """LockFileEx, whose locks are those of Linux, and whose handles are descriptors."""

    argtypes: tuple[object, ...] = ()

    def __call__(self, handle: int, flags: int, *_range: object) -> int:
        kind = fcntl.LOCK_EX if flags & _LOCK_EXCLUSIVE else fcntl.LOCK_SH
        try:
            fcntl.flock(handle, kind | (fcntl.LOCK_NB if flags & _LOCK_AT_ONCE else 0))
        except BlockingIOError:
            return 0
        return 1


class _UnlockFile:
    """UnlockFileEx."""

    argtypes: tuple[object, ...] = ()

    def __call__(self, handle: int, *_range: object) -> int:
        fcntl.flock(handle, fcntl.LOCK_UN)
        return 1


def _kernel(_name: str, *, use_last_error: bool) -> Any:
    assert use_last_error
    return SimpleNamespace(LockFileEx=_LockFile(), UnlockFileEx=_UnlockFile())


class _Overlapped:
    """An operation on a pipe, whose end can be waited for, and which can be cancelled."""

    def __init__(self, connection: socket.socket, data: bytes | int) -> None:
        self._connection, self._data = connection, data
        self._cancelled, self._cancel = socket.socketpair()
        self._buffer = b""

    def GetOverlappedResult(self, wait: bool, /) -> tuple[int, int]:  # noqa: N802
        assert wait
        is_read = isinstance(self._data, int)
        ends = [self._connection]
        readable, _, _ = select.select(
            [self._cancelled, *(ends if is_read else ())], [] if is_read else ends, []
        )
        is_cancelled = self._cancelled in readable
        self._cancelled.close()
        self._cancel.close()
        if is_cancelled:
            return 0, _OPERATION_ABORTED
        if not isinstance(self._data, int):
            return self._connection.send(self._data), 0
        self._buffer = self._connection.recv(self._data)
        if not self._buffer:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return len(self._buffer), 0

    def getbuffer(self) -> bytes:
        return self._buffer

    def cancel(self) -> None:
        self._cancel.send(b"x")


# The ports that stand for named pipes, by their names.
PIPES: dict[str, int] = {}


def _create_file(name: str, *_arguments: object) -> socket.socket:
    _wait_named_pipe(name, 0)
    return socket.create_connection(("127.0.0.1", PIPES[name]))


def _wait_named_pipe(name: str, _milliseconds: int) -> None:
    if name not in PIPES:
        error = FileNotFoundError(errno.ENOENT, "The system cannot find the file specified", name)
        vars(error)["winerror"] = 2
        raise error


def _operate(
    connection: socket.socket, data: bytes | int, *, overlapped: bool
) -> tuple[_Overlapped, int]:
    assert overlapped
    return _Overlapped(connection, data), _IO_PENDING


def _win_error(number: int) -> Any:
    return SimpleNamespace(winerror=number)


def _module(name: str, **values: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(values)
    return module


_OS = {
    **WITHOUT_PROC,
    "O_BINARY": 0x8000,
    "open": _strict(WITHOUT_PROC["open"], folders=False),
    "stat": _strict(WITHOUT_PROC["stat"], follows_links=False),
    "lstat": _strict(WITHOUT_PROC["lstat"]),
    "readlink": _strict(WITHOUT_PROC["readlink"]),
    "listdir": _strict(WITHOUT_PROC["listdir"]),
    "scandir": _strict(WITHOUT_PROC["scandir"]),
    "link": _strict(os.link),
    "utime": _strict(os.utime),
    "chmod": _strict(os.chmod),
    **dict.fromkeys(("supports_dir_fd", "supports_fd", "supports_follow_symlinks"), frozenset()),
}

WINDOWS = System(
    absent=(
        "curses",
        "fcntl",
        "grp",
        "posix",
        "pty",
        "pwd",
        "resource",
        "syslog",
        "termios",
        "tty",
    ),
    missing={
        "os": (
            *("listxattr", "getxattr", "setxattr", "removexattr", "fork", "forkpty", "mkfifo"),
            *("mknod", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK", "O_PATH", "O_SYNC"),
            *("getuid", "geteuid", "getgid", "getegid", "getgroups", "setuid", "setgid", "setsid"),
            *("killpg", "getpgid", "getpgrp", "getsid", "chown", "lchown", "fchown", "fchmod"),
            *("fchdir", "sendfile", "posix_fallocate", "pread", "pwrite", "register_at_fork"),
            *("set_blocking", "get_blocking", "statvfs", "fstatvfs", "ST_RDONLY", "major", "minor"),
            *("makedev", "memfd_create", "uname", "sched_getaffinity", "sysconf", "openpty"),
            *("ttyname", "pipe2", "getloadavg", "wait", "WNOHANG", "posix_spawn", "splice"),
        ),
        "select": ("poll", "epoll", "POLLIN", "POLLOUT", "POLLERR", "POLLHUP", "POLLNVAL"),
        "signal": (
            *(
                "SIGHUP",
                "SIGKILL",
                "SIGPIPE",
                "SIGQUIT",
                "SIGUSR1",
                "SIGUSR2",
                "SIGALRM",
                "SIGCHLD",
            ),
            *("SIGWINCH", "SIGSTOP", "SIGCONT", "SIGTSTP", "pthread_kill", "pthread_sigmask"),
            *("pause", "alarm", "setitimer", "sigwait"),
        ),
        "socket": (
            *("AF_UNIX", "AF_NETLINK", "SCM_RIGHTS", "SO_PEERCRED", "SO_REUSEPORT"),
            *("TCP_USER_TIMEOUT", "MSG_DONTWAIT", "MSG_NOSIGNAL", "SOCK_CLOEXEC", "send_fds"),
        ),
    },
    others={
        "ctypes": {
            "WinDLL": _kernel,
            "WinError": _win_error,
            "get_last_error": lambda: _LOCK_VIOLATION,
        },
        "os": _OS,
        "subprocess": {"Popen": _Popen},
        "sys": {"platform": "win32"},
    },
    own={
        "msvcrt": _module("msvcrt", get_osfhandle=lambda descriptor: descriptor),
        "_winapi": _module(
            "_winapi",
            CreateFile=_create_file,
            WaitNamedPipe=_wait_named_pipe,
            ReadFile=_operate,
            WriteFile=_operate,
            CloseHandle=socket.socket.close,
            ERROR_OPERATION_ABORTED=_OPERATION_ABORTED,
            ERROR_PIPE_BUSY=231,
            FILE_FLAG_OVERLAPPED=0x40000000,
            GENERIC_READ=0x80000000,
            GENERIC_WRITE=0x40000000,
            NULL=0,
            OPEN_EXISTING=3,
        ),
    },
)
