"""Parallel calls to the daemon."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    from concurrent import futures  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    T = TypeVar("T")
    R = TypeVar("R")

_THREADS = 8


def map_concurrently(function: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
    """Apply the function to every argument, in parallel if there is more than one.

    Each call runs in a copy of the caller's context.
    """
    arguments = tuple(arguments)
    if len(arguments) < 2:
        return [function(argument) for argument in arguments]

    with futures.ThreadPoolExecutor(_THREADS) as pool:
        contexts = [copy_context() for _ in arguments]
        return list(
            pool.map(lambda context, each: context.run(function, each), contexts, arguments)
        )
