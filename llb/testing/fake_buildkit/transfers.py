"""Transfer trees between a client and a daemon, on the daemon's side (``fsutil``)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from attrs import evolve

from llb._pb import control_pb2
from llb._pb import fsutil_pb2 as pb
from llb.errors import RemoteError
from llb.gocompat import utf8
from llb.gocompat.filemode import from_wire
from llb.grpc import Code
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree, describe

if TYPE_CHECKING:
    from llb.grpc import ClientCall

# The size of the chunks that a daemon sends.
_CHUNK = 32 * 1024


def receive_tree(call: ClientCall) -> Tree:
    """Receive a tree over a call: first all stats, then the requested contents.

    Raises RemoteError if the client aborts.
    """
    nodes: dict[str, Node] = {"/": DIRECTORY}
    regular_files: dict[int, str] = {}
    while (packet := _next(call)).HasField("stat"):
        path = f"/{utf8.decode(packet.stat.path)}"
        nodes[path] = _node(packet.stat)
        if stat.S_ISREG(nodes[path].mode):
            regular_files[len(nodes) - 2] = path
    for number, path in regular_files.items():
        _send(call, pb.Packet(type=pb.Packet.PACKET_REQ, ID=number))
        chunks = []
        while data := _next(call).data:
            chunks.append(data)
        nodes[path] = evolve(nodes[path], data=b"".join(chunks))
    _send(call, pb.Packet(type=pb.Packet.PACKET_FIN))
    return Tree(nodes)


def send_tree(call: ClientCall, tree: Tree) -> None:
    """Send a tree over a call. Raises RemoteError if the client aborts."""
    # In this order a directory comes before its contents, and those before longer names.
    paths = sorted((path for path in tree.nodes if path != "/"), key=lambda path: path.split("/"))
    for path in paths:
        node_stat = describe(path[1:], tree.nodes[path])
        _send(call, pb.Packet(type=pb.Packet.PACKET_STAT, stat=node_stat))
    _send(call, pb.Packet(type=pb.Packet.PACKET_STAT))
    while (packet := _next(call)).type == pb.Packet.PACKET_REQ:
        data = tree.nodes[paths[packet.ID]].data
        for start in range(0, len(data), _CHUNK):
            chunk = data[start : start + _CHUNK]
            _send(call, pb.Packet(type=pb.Packet.PACKET_DATA, ID=packet.ID, data=chunk))
        _send(call, pb.Packet(type=pb.Packet.PACKET_DATA, ID=packet.ID))
    _send(call, pb.Packet(type=pb.Packet.PACKET_FIN))
    call.close_send()


def send_file(call: ClientCall, data: bytes) -> None:
    """Send a single file over a call."""
    for start in range(0, len(data), _CHUNK):
        message = control_pb2.BytesMessage(data=data[start : start + _CHUNK])
        call.send(message.SerializeToString())
    call.close_send()


def _next(call: ClientCall) -> pb.Packet:
    message = call.receive()
    if message is None:
        raise RemoteError("the client ended a transfer early", code=Code.INTERNAL)
    packet = pb.Packet.FromString(message)
    if packet.type == pb.Packet.PACKET_ERR:
        raise RemoteError(packet.data.decode(), code=Code.UNKNOWN)
    return packet


def _send(call: ClientCall, packet: pb.Packet) -> None:
    call.send(packet.SerializeToString())
    call.flush()


def _node(message: pb.Stat) -> Node:
    return Node(
        mode=from_wire(message.mode),
        uid=message.uid,
        gid=message.gid,
        modified=message.modTime,
        target=utf8.decode(message.linkname),
    )
