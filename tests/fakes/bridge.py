"""The gateway service of a daemon that runs nothing: it holds a client's files, and images."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from attrs import define, field

from llb import caps
from llb._pb import gateway_pb2 as pb
from llb.errors import RemoteError
from llb.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message

_CAPS = ("gateway.warnings", "return", "readfile", "resolveimage", "solve.base")


@define
class Bridge:
    """A connection to it; ``images`` are configs by reference, that of ``*`` for any other."""

    files: Mapping[str, bytes]
    images: Mapping[str, str]
    warnings: list[pb.WarnRequest] = field(factory=list)

    def gateway(self) -> Gateway:
        """Return the frontend's end of the conversation."""
        return Gateway(self)  # type: ignore[arg-type]

    def call(self, method: str, message: bytes, **options: object) -> bytes:
        """Answer a call as gRPC carries it."""
        del options
        return _METHODS[method.rpartition("/")[2]](self, message).SerializeToString()


def _ping(bridge: Bridge, message: bytes) -> Message:
    del bridge, message
    pong = pb.PongResponse()
    for name in _CAPS:
        pong.FrontendAPICaps.add(ID=name, Enabled=True)
    for name in sorted(caps.known()):
        pong.LLBCaps.add(ID=name, Enabled=True)
    return pong


def _solve(bridge: Bridge, message: bytes) -> Message:
    del bridge, message
    return pb.SolveResponse(result=pb.Result(ref=pb.Ref(id="ref")))


def _read_file(bridge: Bridge, message: bytes) -> Message:
    path = pb.ReadFileRequest.FromString(message).FilePath
    if path not in bridge.files:
        raise RemoteError(f"open {path}: no such file or directory", code=2)
    return pb.ReadFileResponse(Data=bridge.files[path])


def _resolve(bridge: Bridge, message: bytes) -> Message:
    ref = pb.ResolveImageConfigRequest.FromString(message).Ref
    digest = f"sha256:{hashlib.sha256(ref.encode()).hexdigest()}"
    config = bridge.images.get(ref, bridge.images["*"]).encode()
    return pb.ResolveImageConfigResponse(Ref=ref, Digest=digest, Config=config)


def _warn(bridge: Bridge, message: bytes) -> Message:
    bridge.warnings.append(pb.WarnRequest.FromString(message))
    return pb.WarnResponse()


_METHODS: Mapping[str, Callable[[Bridge, bytes], Message]] = {
    "Ping": _ping,
    "ReadFile": _read_file,
    "ResolveImageConfig": _resolve,
    "Solve": _solve,
    "Warn": _warn,
}
