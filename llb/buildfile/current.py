"""The build that goes on in a thread, and the targets that were called in it."""

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
    """The targets that are called in a build, and what they made."""

    build: Build
    _called: list[T] = field(factory=list, init=False, repr=False)
    _made: dict[T, Any] = field(factory=dict, init=False, repr=False)

    def note(self, target: T) -> None:
        """Remember that a target is part of the build."""
        if target not in self._called:
            self._called.append(target)

    def once(self, target: T, make: Callable[[], Any]) -> Any:
        """Return what a target made when it was first called, or what it makes now."""
        if target not in self._made:
            self._made[target] = make()
        return self._made[target]

    @property
    def targets(self) -> tuple[T, ...]:
        """The targets that were called so far, in their order."""
        return tuple(self._called)


_CURRENT: ContextVar[Calls[Any] | None] = ContextVar("calls", default=None)


def current_calls() -> Calls[Any] | None:
    """Return the calls of the build that goes on in this thread, if one does."""
    return _CURRENT.get()


def current() -> Build | None:
    """Return the build that goes on in this thread, if one does."""
    calls = _CURRENT.get()
    return None if calls is None else calls.build


@contextmanager
def going_on(calls: Calls[Any]) -> Iterator[None]:
    """Let a build be the one that targets find which are called without one."""
    token = _CURRENT.set(calls)
    try:
        yield
    finally:
        _CURRENT.reset(token)
