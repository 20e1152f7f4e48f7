"""Prefetch a build's first gateway calls while its modules import, and reuse the answers."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from attrs import define, field

from llb.errors import LLBError
from llb.frontend.dockerui.local_sources import (
    CONTEXT,
    DEFAULT_FILENAME,
    DOCKERFILE,
    IGNORE,
    dockerfile_folder,
    ignore_folder,
)
from llb.frontend.dockerui.tree_files import find, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Definition
    from llb.gateway import Gateway, Ref, Request
    from llb.gateway.bridge import Calls
    from llb.grpc.interfaces import OutgoingCall

# Options that may move the Dockerfile or the context away from the client's directories.
_ELSEWHERE = ("context", "contextkey", "dockerfilekey")


def prefetch(request: Request, gateway: Gateway) -> Gateway:
    """Make a build's first calls in advance if they are predictable, and return its gateway.

    The daemon works while this process imports modules, and the build reuses the answers. An
    error is raised when the build makes the call.
    """
    options = request.options
    if not options.keys().isdisjoint(_ELSEWHERE):
        return gateway
    sessions = request.prefixed("local-sessionid:")
    filename = options.get("filename", DEFAULT_FILENAME)
    answers: dict[tuple[str, bytes], _Answer] = {}
    early = gateway.over(lambda channel: _CachingChannel(channel, answers, records=True))
    with suppress(LLBError):
        if not early.inputs():
            session = sessions.get(DOCKERFILE, request.session_id)
            folder = early.solve(dockerfile_folder(filename, DOCKERFILE, session).marshal())
            ignore = ignore_folder(sessions.get(CONTEXT, request.session_id)).marshal()
            Thread(target=_load, args=(early, folder, filename, ignore), daemon=True).start()
    return gateway.over(lambda channel: _CachingChannel(channel, answers, records=False))


def _load(gateway: Gateway, folder: Ref, filename: str, ignore: Definition) -> None:
    """Read the Dockerfile, and the ignore file that applies."""
    with suppress(LLBError):
        read(gateway, folder, filename)
        if find(gateway, folder, f"{filename}{IGNORE}") is None:
            find(gateway, gateway.solve(ignore), IGNORE)


@define
class _Answer:
    """The outcome of a call, once it has arrived."""

    has_arrived: Event = field(factory=Event)
    data: bytes = b""
    error: LLBError | None = None

    def get(self) -> bytes:
        self.has_arrived.wait()
        if self.error is not None:
            raise self.error
        return self.data


@define
class _CachingChannel:
    """A channel that reuses the answers of recorded calls with the same request."""

    channel: Calls
    answers: dict[tuple[str, bytes], _Answer]
    records: bool

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        recorded = self.answers.get((method, request))
        if recorded is not None:
            return recorded.get()
        if not self.records:
            return self.channel.call(method, request, timeout=timeout, metadata=metadata)
        answer = self.answers[method, request] = _Answer()
        try:
            answer.data = self.channel.call(method, request, timeout=timeout, metadata=metadata)
        except LLBError as error:
            answer.error = error
        finally:
            answer.has_arrived.set()
        return answer.get()

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> OutgoingCall:
        return self.channel.stream(method, timeout=timeout, metadata=metadata)
