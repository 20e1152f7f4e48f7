"""The current build of a thread, and the targets that were called in it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.buildfile.build import Build

T = TypeVar("T")


@frozen(eq=False)
class Calls(Generic[T]):
    """The targets that are called in a build, and their return values."""

    build: Build
    _called: list[T] = field(factory=list, init=False, repr=False)
    _values: dict[T, Any] = field(factory=dict, init=False, repr=False)

    def record(self, target: T) -> None:
        """Record that a target is part of the build."""
        if target not in self._called:
            self._called.append(target)

    def once(self, target: T, call: Callable[[], Any]) -> Any:
        """Call a target, or reuse the value of its first call."""
        if target not in self._values:
            self._values[target] = call()
        return self._values[target]

    @property
    def targets(self) -> tuple[T, ...]:
        """The targets called so far, in their order."""
        return tuple(self._called)


_CURRENT: ContextVar[Calls[Any] | None] = ContextVar("calls", default=None)


def current_calls() -> Calls[Any] | None:
    """Get the calls of the current build in this thread, if any."""
    return _CURRENT.get()


def current_build() -> Build | None:
    """Get the current build of this thread, if any."""
    calls = _CURRENT.get()
    return None if calls is None else calls.build


@contextmanager
def set_current(calls: Calls[Any]) -> Iterator[None]:
    """Set the build for targets that are called without one."""
    token = _CURRENT.set(calls)
    try:
        yield
    finally:
        _CURRENT.reset(token)
