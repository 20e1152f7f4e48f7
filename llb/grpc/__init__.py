"""gRPC client and server over any byte pipe.

gRPC for Python can neither connect nor serve on a bare byte stream, and three places need that: the
session that a daemon calls back through, a frontend's stdin and stdout, and Docker's connection
upgrades. This package transfers messages as bytes and does not depend on protobuf.

From the bottom up: :mod:`~llb.grpc.http2.frames`, :mod:`~llb.grpc.http2.streams` and
:mod:`~llb.grpc.http2.connection` implement HTTP/2 without I/O; :mod:`~llb.grpc.messages`,
:mod:`~llb.grpc.metadata` and :mod:`~llb.grpc.status` implement gRPC's wire format;
:mod:`~llb.grpc.endpoint`, :mod:`~llb.grpc.call`, :mod:`~llb.grpc.server` and
:mod:`~llb.grpc.channel` add threads.
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
