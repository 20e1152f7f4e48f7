"""Serve a function as a frontend: a daemon starts the process, which answers one build and exits."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from llb.arguments.checked import checked
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
_CAPTURED: ContextVar[list[Function] | None] = ContextVar("captured", default=None)


@checked
def serve(build: Function, *, language: str = "") -> int:
    """Answer the daemon that started this process with the result of ``build``.

    When a client runs the program itself, it gets the function instead (:func:`capture_served`).

    An exception becomes the build's error, with its message and source line.
    ``language`` is the language of the files that errors point into. Pass the
    exit status to ``sys.exit``: it is 0 whenever the daemon got an answer, because a
    daemon discards the answer of a failed process.
    """
    captured = _CAPTURED.get()
    if captured is not None:
        captured.append(build)
        return 0
    # Modules live as long as the process: scanning them for garbage at exit takes 16 ms.
    gc.freeze()
    return _serve(build, language)


def refuse(error: BaseException) -> int:
    """Answer the daemon with an error, and return the exit status for ``sys.exit``."""

    def fail(_: Request, __: Gateway) -> Result:
        raise error

    return _serve(fail, "")


def _serve(build: Function, language: str) -> int:
    try:
        request = Request.from_environ(os.environ)
        channel = Channel(stdio_pipe(*claim_stdio()))
        gateway = Gateway(channel)
    except LLBError as error:
        sys.stderr.write(render(error) + "\n")
        return 1
    _IS_SERVED.set(True)
    try:
        answer(build, request, gateway, language=language)
    except TransportError as error:
        # The daemon is gone or has cancelled the build, so no client gets the error.
        sys.stderr.write(render(error) + "\n")
        return 1
    finally:
        channel.close()
    return 0


def is_served() -> bool:
    """Check whether this process has started to serve a frontend to its daemon."""
    return _IS_SERVED.get()


@contextmanager
def capture_served() -> Iterator[list[Function]]:
    """Collect the functions passed to :func:`serve` in this thread, without serving them."""
    functions: list[Function] = []
    token = _CAPTURED.set(functions)
    try:
        yield functions
    finally:
        _CAPTURED.reset(token)


@checked
def answer(
    build: Function,
    request: Request,
    gateway: Gateway,
    *,
    language: str = "",
) -> BaseException | None:
    """Call ``build`` and answer the daemon with its result or its exception.

    Returns the exception, or None.
    """
    try:
        result = _check_result(build(request, gateway))
    except TransportError:
        raise
    # The user has to see every exception, including SystemExit: standard error goes only to
    # the log of the daemon.
    except BaseException as error:  # noqa: BLE001
        gateway.return_error(to_status(error, language=language))
        return error
    gateway.return_result(result)
    return None


def _check_result(result: object) -> Result:
    if not isinstance(result, Result):
        raise TypeError(f"a frontend returned {result!r}, not a Result")
    return result


@cache
def claim_stdio() -> tuple[int, int]:
    """Reserve standard input and output for the connection to the daemon; once per process.

    ``print`` writes to standard error from now on, and cannot corrupt the connection.
    """
    read, write = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return read, write
