"""What Python lacks on macOS, as far as it matters for ``llb``."""

from __future__ import annotations

from tests.systems.proc import WITHOUT_PROC
from tests.systems.views import System

DARWIN = System(
    missing={
        "fcntl": ("F_SETPIPE_SZ", "F_GETPIPE_SZ", "F_ADD_SEALS"),
        "os": (
            *("listxattr", "getxattr", "setxattr", "removexattr", "XATTR_CREATE"),
            *("memfd_create", "eventfd", "pidfd_open", "splice", "copy_file_range", "pipe2"),
            *("O_PATH", "O_TMPFILE", "O_DIRECT", "O_LARGEFILE", "posix_fallocate"),
            *("sched_getaffinity", "sched_setaffinity", "getrandom", "setns", "unshare"),
        ),
        "select": ("epoll",),
        "signal": ("SIGRTMIN", "SIGRTMAX", "SIGPOLL", "SIGPWR", "sigtimedwait", "sigwaitinfo"),
        "socket": (
            *("AF_NETLINK", "AF_PACKET", "AF_VSOCK", "SOCK_CLOEXEC", "SOCK_NONBLOCK"),
            *("SO_PEERCRED", "TCP_KEEPIDLE", "TCP_USER_TIMEOUT", "MSG_NOSIGNAL"),
        ),
    },
    others={"os": WITHOUT_PROC, "sys": {"platform": "darwin"}},
)
