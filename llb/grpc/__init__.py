"""gRPC over any byte pipe, in both roles.

gRPC for Python can neither dial nor serve on a bare byte stream, and three
places need that: the session that a daemon calls back through, a frontend's
stdin and stdout, and Docker's connection upgrades. This package carries
messages as bytes and knows no protobuf.

From below: :mod:`~llb.grpc.http2.frames`, :mod:`~llb.grpc.http2.streams` and
:mod:`~llb.grpc.http2.connection` are HTTP/2 without I/O;
:mod:`~llb.grpc.messages`, :mod:`~llb.grpc.metadata` and
:mod:`~llb.grpc.status` are gRPC's wire format;
:mod:`~llb.grpc.endpoint`, :mod:`~llb.grpc.call`,
:mod:`~llb.grpc.server` and :mod:`~llb.grpc.channel` add threads.
"""

from __future__ import annotations

from llb.grpc.channel import Channel, ClientCall
from llb.grpc.pipe import DescriptorPipe, Pipe, memory_pair, socket_pipe, stdio_pipe
from llb.grpc.server import Handler, Server, ServerCall
from llb.grpc.status import Code

__all__ = [
    "Channel",
    "ClientCall",
    "Code",
    "DescriptorPipe",
    "Handler",
    "Pipe",
    "Server",
    "ServerCall",
    "memory_pair",
    "socket_pipe",
    "stdio_pipe",
]
