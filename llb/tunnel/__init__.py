"""gRPC over any byte pipe, in both roles.

gRPC for Python can neither dial nor serve on a bare byte stream, and three
places need that: the session that a daemon calls back through, a frontend's
stdin and stdout, and Docker's connection upgrades. This package carries
messages as bytes and knows no protobuf.

From below: :mod:`~llb.tunnel.frames`, :mod:`~llb.tunnel.streams` and
:mod:`~llb.tunnel.connection` are HTTP/2 without I/O;
:mod:`~llb.tunnel.messages`, :mod:`~llb.tunnel.metadata` and
:mod:`~llb.tunnel.status` are gRPC's wire format;
:mod:`~llb.tunnel.endpoint`, :mod:`~llb.tunnel.call`,
:mod:`~llb.tunnel.server` and :mod:`~llb.tunnel.channel` add threads.
"""

from __future__ import annotations

from llb.tunnel.channel import Channel, ClientCall
from llb.tunnel.pipe import DescriptorPipe, Pipe, memory_pair, socket_pipe, stdio_pipe
from llb.tunnel.server import Handler, Server, ServerCall
from llb.tunnel.status import Code

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
