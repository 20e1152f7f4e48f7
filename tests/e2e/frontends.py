"""Functions as frontends, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llb.client import Client
from llb.gateway import Gateway, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")


def in_frontend(host: str, function: Callable[[Gateway], T], **options: Any) -> T:
    """Call a function as a frontend; what it raises is raised as it is, not as a daemon says it."""
    found: list[T] = []
    raised: list[BaseException] = []

    def build(_: Request, gateway: Gateway) -> Result:
        try:
            found.append(function(gateway))
        except BaseException as error:
            raised.append(error)
            raise
        return Result()

    with Client(host) as client:
        try:
            client.build(build, **options)
        except Exception:
            if raised:
                raise raised[0] from None
            raise
    return found[0]
