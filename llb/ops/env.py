"""Environment variables as a chain of assignments, which steps share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEPT_VARIABLES = 64
_LINKED_VARIABLES = 4


@frozen(eq=False, repr=False)
class Env:
    """Environment variables as a chain of assignments, the newest first.

    A chain costs one link per assignment, however many steps share it. ``_items`` caches the result
    of :meth:`items` (it holds at most one), so the next link need not walk to the end.
    ``is_argument`` marks an assignment that only processes see, and the image does not.
    """

    parent: Env | None = None
    key: str = ""
    value: str | None = None
    is_argument: bool = False
    _items: list[tuple[tuple[str, str], ...]] = field(factory=list, init=False)

    def set(self, key: str, value: str | None) -> Env:
        """Assign ``key``, or remove it if ``value`` is None."""
        return Env(self, key, value)

    def set_all(self, pairs: Sequence[tuple[str, str | None]], *, linked: bool = False) -> Env:
        """Assign several keys in order.

        More than a few assignments start a new chain, unless ``linked``.
        """
        if linked or len(pairs) <= _LINKED_VARIABLES:
            env = self
            for key, value in pairs:
                env = Env(env, key, value)
            return env
        items = dict(self.items())
        for key, value in pairs:
            items.pop(key, None)
            if value is not None:
                items[key] = value
        env = Env()
        env._items.append(tuple(items.items()))
        return env

    def assigns(self, key: str) -> bool:
        """Check whether ``key`` was assigned or removed."""
        link = self
        while link.parent is not None:
            if link.key == key:
                return True
            link = link.parent
        return any(key == name for name, _ in (link._items[0] if link._items else ()))

    def items(self) -> tuple[tuple[str, str], ...]:
        """List the variables in the order of their last assignment."""
        if self._items:
            return self._items[0]
        newer: dict[str, str | None] = {}
        link = self
        while link.parent is not None and not link._items:
            newer.setdefault(link.key, link.value)
            link = link.parent
        older = link._items[0] if link._items else ()
        if len(older) > _KEPT_VARIABLES and link.parent is not None:
            # A long list is cached at one link only; otherwise the memory of a chain would
            # grow with the square of its length.
            link._items.clear()
        items = (
            *(pair for pair in older if pair[0] not in newer),
            *((key, value) for key, value in reversed(newer.items()) if value is not None),
        )
        self._items.append(items)
        return items

    def image_items(self) -> tuple[tuple[str, str], ...]:
        """List the variables of the image in the order of their first assignment."""
        assigned = []
        link = self
        while link.parent is not None:
            if not link.is_argument:
                assigned.append((link.key, link.value))
            link = link.parent
        items: dict[str, str] = dict(link._items[0] if link._items else ())
        for key, value in reversed(assigned):
            if value is None:
                items.pop(key, None)
            else:
                items[key] = value
        return tuple(items.items())

    def on(self, base: Env, moved: dict[int, Env]) -> Env:
        """Repeat the assignments after those of ``base``.

        ``moved`` holds the results for this ``base`` by the identity of their links, so that a
        chain that many steps share is repeated once.
        """
        links = []
        link = self
        while link.parent is not None and id(link) not in moved:
            links.append(link)
            link = link.parent
        env = moved.get(id(link), base)
        for link in reversed(links):
            env = moved[id(link)] = Env(env, link.key, link.value, link.is_argument)
        return env

    def __repr__(self) -> str:
        """Format the variables as ``Env(A=1, B=2)``."""
        return f"Env({', '.join(f'{key}={value}' for key, value in self.items())})"


class EnvIndex:
    """The variables of an environment by name, for an environment that changes from step to step.

    Each call reads only the assignments since the last call; otherwise the time for a long file
    would grow with the square of its length.
    """

    def __init__(self) -> None:
        self._env: Env | None = None
        self._variables: dict[str, str] = {}

    def follow(self, env: Env) -> Mapping[str, str]:
        """Index the variables of ``env`` by name, in the order of their last assignments.

        The next call changes the result.
        """
        if env is self._env:
            return self._variables
        newer = []
        link = env
        while link is not self._env and link.parent is not None:
            newer.append(link)
            link = link.parent
        if link is not self._env:
            self._variables = dict(env.items())
            newer = []
        for link in reversed(newer):
            self._variables.pop(link.key, None)
            if link.value is not None:
                self._variables[link.key] = link.value
        self._env = env
        return self._variables
