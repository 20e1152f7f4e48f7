"""A function as a frontend: started by a daemon, it answers one build and ends."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from llb.errors import LLBError, TransportError, render
from llb.gateway.connection import Gateway
from llb.gateway.request import Request
from llb.gateway.results import Result
from llb.gateway.status import to_status
from llb.tunnel import Channel, stdio_pipe

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(build: Callable[[Request, Gateway], Result], *, language: str = "") -> int:
    """Answer the daemon that started this process with what ``build`` returns.

    An exception becomes the build's error, with its message and place.
    ``language`` names the language of the files that errors point into. The
    exit status is for ``sys.exit``: 0 whenever an answer was given, because a
    daemon throws the answer of a failed process away.
    """
    try:
        request = Request.from_environ(os.environ)
        channel = Channel(stdio_pipe(*_take_stdio()))
        gateway = Gateway(channel)
    except LLBError as error:
        sys.stderr.write(render(error) + "\n")
        return 1
    try:
        answer(build, request, gateway, language=language)
    except TransportError as error:
        # The daemon is gone, or has cancelled the build: nobody is left to tell.
        sys.stderr.write(render(error) + "\n")
        return 1
    finally:
        channel.close()
    return 0


def answer(
    build: Callable[[Request, Gateway], Result],
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


def _take_stdio() -> tuple[int, int]:
    """Take standard input and output for the daemon, so that ``print`` cannot break them.

    What is printed from now on goes to standard error.
    """
    read, write = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return read, write
