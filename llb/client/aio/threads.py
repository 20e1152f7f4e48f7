"""Blocking calls and iterators of the synchronous client, seen from an event loop."""

from __future__ import annotations

import math
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from anyio import CapacityLimiter, get_cancelled_exc_class, to_thread
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from llb.client.client import Client

    Connect: TypeAlias = Callable[[], Awaitable[Client]]

T_ = TypeVar("T_")


async def call(connect: Connect, method: Callable[[Client], T_]) -> T_:
    """Call a method of the synchronous client; if the task is cancelled, its calls end."""
    client, end = _scoped(await connect())
    return await in_thread(lambda: method(client), end)


class AsyncItems(Generic[T_]):
    """The items of a blocking iterator, each fetched on a thread.

    The call to the daemon ends with the iteration, even if that stops early. This is not an
    asynchronous generator, which would need the event loop for its end.
    """

    def __init__(self, connect: Connect, method: Callable[[Client], Iterator[T_]]) -> None:
        self._connect = connect
        self._method = method
        self._items: Iterator[T_] | None = None
        self._end: Callable[[], None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_:
        if self._items is None:
            client, self._end = _scoped(await self._connect())
            self._items = await in_thread(lambda: self._method(client), self._end)
        items = self._items
        # No iterator of the client yields None.
        item = await in_thread(lambda: next(items, None), self._end)
        if item is None:
            raise StopAsyncIteration
        return item

    def __del__(self) -> None:
        if self._end is not None:
            self._end()


async def in_thread(work: Callable[[], T_], cancel: Callable[[], None] | None = None) -> T_:
    """Run blocking work on a thread; if the task is cancelled, call ``cancel``, which ends it.

    The thread is one of anyio's, not of the loop's executor.
    """
    try:
        # A call can take long, so calls do not wait for each other.
        limiter = CapacityLimiter(math.inf)
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
    except get_cancelled_exc_class():
        if cancel is not None:
            cancel()
        raise


def poster() -> Callable[[Callable[[], object]], None]:
    """Make a function by which any thread runs another function on the current event loop.

    It does not wait, and does nothing after the end of the loop.
    """
    loop: Any = current_token().native_token
    # The names of asyncio and of trio.
    post = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon

    def run_on_loop(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):
            post(function)

    return run_on_loop


def _scoped(client: Client) -> tuple[Client, Callable[[], None]]:
    """Copy a client, with a function that ends the calls of the copy and no others."""
    copied = copy(client)
    copied._control = client._control.scope()
    return copied, copied._control.close
