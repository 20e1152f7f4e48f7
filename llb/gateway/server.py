"""A function as a frontend: started by a daemon, it answers one build and ends."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from llb.errors import LLBError, TransportError, render
from llb.gateway.connection import Gateway
from llb.gateway.request import Request
from llb.gateway.results import Result
from llb.gateway.status import to_status
from llb.grpc import Channel, stdio_pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Function: TypeAlias = Callable[[Request, Gateway], Result]

_IS_SERVED = ContextVar("is_served", default=False)
_TAKER: ContextVar[list[Function] | None] = ContextVar("taker", default=None)


def serve(build: Function, *, language: str = "") -> int:
    """Answer the daemon that started this process with what ``build`` returns.

    Where a client runs the program itself (:func:`taken`), it is given the function.

    An exception becomes the build's error, with its message and place.
    ``language`` names the language of the files that errors point into. The
    exit status is for ``sys.exit``: 0 whenever an answer was given, because a
    daemon throws the answer of a failed process away.
    """
    taker = _TAKER.get()
    if taker is not None:
        taker.append(build)
        return 0
    # Modules live as long as the process: it takes 16 ms to look through them at its end.
    gc.freeze()
    return _serve(build, language)


def refuse(error: BaseException) -> int:
    """Answer the daemon that started this process with an error; the exit status is for it."""

    def fail(_: Request, __: Gateway) -> Result:
        raise error

    return _serve(fail, "")


def _serve(build: Function, language: str) -> int:
    try:
        request = Request.from_environ(os.environ)
        channel = Channel(stdio_pipe(*hold_stdio()))
        gateway = Gateway(channel)
    except LLBError as error:
        sys.stderr.write(render(error) + "\n")
        return 1
    _IS_SERVED.set(True)
    try:
        answer(build, request, gateway, language=language)
    except TransportError as error:
        # The daemon is gone, or has cancelled the build: nobody is left to tell.
        sys.stderr.write(render(error) + "\n")
        return 1
    finally:
        channel.close()
    return 0


def is_served() -> bool:
    """Return whether this process has begun to serve a frontend to the daemon that started it."""
    return _IS_SERVED.get()


@contextmanager
def taken() -> Iterator[list[Function]]:
    """Let :func:`serve` give its function, in this thread, instead of serving it."""
    found: list[Function] = []
    token = _TAKER.set(found)
    try:
        yield found
    finally:
        _TAKER.reset(token)


def answer(
    build: Function,
    request: Request,
    gateway: Gateway,
    *,
    language: str = "",
) -> BaseException | None:
    """Answer the daemon with what ``build`` returns, or with its exception, which is returned."""
    try:
        result = _checked(build(request, gateway))
    except TransportError:
        raise
    # Whatever a frontend raises, SystemExit included, its user has to see: standard
    # error goes to the log of the daemon alone.
    except BaseException as error:  # noqa: BLE001
        gateway.return_error(to_status(error, language=language))
        return error
    gateway.return_result(result)
    return None


def _checked(result: object) -> Result:
    if not isinstance(result, Result):
        raise TypeError(f"a frontend returned {result!r}, not a Result")
    return result


@cache
def hold_stdio() -> tuple[int, int]:
    """Take standard input and output for the daemon, so that ``print`` cannot break them; once.

    What is printed from now on goes to standard error.
    """
    read, write = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return read, write
