"""Run several builds at the same time, as one: the first failure cancels the others."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from llb.errors import CancelledError, LLBError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

T_ = TypeVar("T_")


def run_in_parallel(
    builds: Mapping[str, Callable[[], T_]],
    cancel: Callable[[], None],
    kind: str,
    *,
    limit: int = 0,
    defers_errors: bool = False,
    on_result: Callable[[str, T_], None] | None = None,
) -> dict[str, T_]:
    """Run builds on threads of their own until all are over, and return their results by name.

    ``limit`` is how many run at the same time, 0 for all. ``cancel`` is called after the first
    failure, which ends the others, and in the end. The failure is raised, with ``kind`` and the name
    of the build before its message. With ``defers_errors``, the others go on, and an ExceptionGroup
    has the failures of all. ``on_result`` is called with the name and the result of each build that
    succeeds. Builds see the caller's context variables.
    """
    with ThreadPoolExecutor(limit or max(1, len(builds))) as pool:
        futures = {pool.submit(copy_context().run, build): name for name, build in builds.items()}
        try:
            failures = _wait(futures, (lambda: None) if defers_errors else cancel, on_result)
        finally:
            cancel()
        # Of builds that were cancelled, another failure is the reason.
        errors = [_named(error, f"{kind} {name}: ") for name, error in failures.items()]
        errors.sort(key=lambda error: isinstance(error, CancelledError))
        if errors and defers_errors:
            raise ExceptionGroup(f"{len(errors)} {kind}s failed", errors)
        if errors:
            raise errors[0]
        return {name: future.result() for future, name in futures.items()}


def _wait(
    futures: Mapping[Future[T_], str],
    cancel: Callable[[], None],
    on_result: Callable[[str, T_], None] | None,
) -> dict[str, Exception]:
    """Wait for all builds; return the failures by name, in their order."""
    failures: dict[str, Exception] = {}
    left = set(futures)
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
        for future in done:
            error = future.exception()
            if isinstance(error, Exception):
                failures[futures[future]] = error
                cancel()
            elif error is not None:
                raise error
            elif on_result is not None:
                on_result(futures[future], future.result())
    return failures


def _named(error: Exception, prefix: str) -> Exception:
    if isinstance(error, LLBError) and not error.message.startswith(prefix):
        error.message = f"{prefix}{error.message}"
    return error
