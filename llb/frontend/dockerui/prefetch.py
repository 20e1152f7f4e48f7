"""What a build asks first, asked while its modules are imported, and asked once."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from attrs import define, field

from llb.errors import LLBError, RemoteError
from llb.frontend.dockerui.local_sources import (
    CONTEXT,
    DEFAULT_FILENAME,
    DOCKERFILE,
    IGNORE,
    dockerfile_folder,
    ignore_folder,
)
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Definition
    from llb.gateway import Gateway, Ref, Request
    from llb.gateway.bridge import Calls
    from llb.grpc import ClientCall

# Options with which the Dockerfile, or the context, may be elsewhere.
_ELSEWHERE = ("context", "contextkey", "dockerfilekey")


def foresee(request: Request, gateway: Gateway) -> Gateway:
    """Ask what a build will ask for first, where that is plain to see, and return its gateway.

    The daemon answers while this process does other things, and the build finds the answers; what
    went wrong is raised where it asks.
    """
    options = request.options
    if not options.keys().isdisjoint(_ELSEWHERE):
        return gateway
    sessions = request.prefixed("local-sessionid:")
    filename = options.get("filename", DEFAULT_FILENAME)
    answers: dict[tuple[str, bytes], _Answer] = {}
    early = gateway.over(lambda channel: _Remembering(channel, answers, records=True))
    with suppress(LLBError):
        if not early.inputs():
            session = sessions.get(DOCKERFILE, request.session_id)
            loaded = early.solve(dockerfile_folder(filename, DOCKERFILE, session).marshal())
            ignore = ignore_folder(sessions.get(CONTEXT, request.session_id)).marshal()
            Thread(target=_load, args=(early, loaded, filename, ignore), daemon=True).start()
    return gateway.over(lambda channel: _Remembering(channel, answers, records=False))


def _load(gateway: Gateway, loaded: Ref, filename: str, ignore: Definition) -> None:
    """Read the Dockerfile, and the ignore file that counts."""
    with suppress(LLBError):
        gateway.read_file(loaded, filename)
        try:
            gateway.read_file(loaded, f"{filename}{IGNORE}")
        except RemoteError as error:
            if is_not_found(error):
                gateway.read_file(gateway.solve(ignore), IGNORE)


@define
class _Answer:
    """What came of a call, once it is there."""

    is_there: Event = field(factory=Event)
    data: bytes = b""
    error: LLBError | None = None

    def get(self) -> bytes:
        self.is_there.wait()
        if self.error is not None:
            raise self.error
        return self.data


@define
class _Remembering:
    """A channel on which a call that was made, with the same request, is not made again."""

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
        found = self.answers.get((method, request))
        if found is not None:
            return found.get()
        if not self.records:
            return self.channel.call(method, request, timeout=timeout, metadata=metadata)
        answer = self.answers[method, request] = _Answer()
        try:
            answer.data = self.channel.call(method, request, timeout=timeout, metadata=metadata)
        except LLBError as error:
            answer.error = error
        finally:
            answer.is_there.set()
        return answer.get()

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> ClientCall:
        return self.channel.stream(method, timeout=timeout, metadata=metadata)
