"""Functions of ``os`` on a system without ``/proc``."""

from __future__ import annotations

import errno
import os
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def without_proc(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def replaced(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if not isinstance(path, int) and os.fsdecode(path).startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return function(path, *arguments, **options)

    return replaced


WITHOUT_PROC = {
    function.__name__: without_proc(function)
    for function in (os.open, os.stat, os.lstat, os.readlink, os.listdir, os.scandir)
}
