"""Run functions as frontends in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llb.client import Client
from llb.gateway import Gateway, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")


def run_as_frontend(host: str, function: Callable[[Gateway], T], **options: Any) -> T:
    """Run a function as a frontend; reraise its own exception, not the daemon's report of it."""
    results: list[T] = []
    errors: list[BaseException] = []

    def build(_: Request, gateway: Gateway) -> Result:
        try:
            results.append(function(gateway))
        except BaseException as error:
            errors.append(error)
            raise
        return Result()

    with Client(host) as client:
        try:
            client.build(build, **options)
        except Exception:
            if errors:
                raise errors[0] from None
            raise
    return results[0]
