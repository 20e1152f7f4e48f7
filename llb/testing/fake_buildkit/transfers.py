"""Trees on their way between a client and a daemon, seen from the daemon (``fsutil``)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from attrs import evolve

from llb._pb import control_pb2
from llb._pb import fsutil_pb2 as pb
from llb.errors import RemoteError
from llb.gocompat.filemode import from_wire
from llb.grpc import Code
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree, describe

if TYPE_CHECKING:
    from llb.grpc import ClientCall

# A daemon sends pieces of this size.
_PIECE = 32 * 1024


def receive_tree(call: ClientCall) -> Tree:
    """Return what is sent over a call: first all descriptions, then the contents asked for.

    Raises RemoteError where the client gives up.
    """
    nodes: dict[str, Node] = {"/": DIRECTORY}
    wanted: dict[int, str] = {}
    while (packet := _next(call)).HasField("stat"):
        path = f"/{packet.stat.path}"
        nodes[path] = _node(packet.stat)
        if stat.S_ISREG(nodes[path].mode):
            wanted[len(nodes) - 2] = path
    for number, path in wanted.items():
        _send(call, pb.Packet(type=pb.Packet.PACKET_REQ, ID=number))
        pieces = []
        while data := _next(call).data:
            pieces.append(data)
        nodes[path] = evolve(nodes[path], data=b"".join(pieces))
    _send(call, pb.Packet(type=pb.Packet.PACKET_FIN))
    return Tree(nodes)


def send_tree(call: ClientCall, tree: Tree) -> None:
    """Send a tree over a call. Raises RemoteError where the client gives up."""
    # In this order a directory comes before what is in it, and before names that go on.
    paths = sorted((path for path in tree.nodes if path != "/"), key=lambda each: each.split("/"))
    for path in paths:
        described = describe(path[1:], tree.nodes[path])
        _send(call, pb.Packet(type=pb.Packet.PACKET_STAT, stat=described))
    _send(call, pb.Packet(type=pb.Packet.PACKET_STAT))
    while (packet := _next(call)).type == pb.Packet.PACKET_REQ:
        data = tree.nodes[paths[packet.ID]].data
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            _send(call, pb.Packet(type=pb.Packet.PACKET_DATA, ID=packet.ID, data=piece))
        _send(call, pb.Packet(type=pb.Packet.PACKET_DATA, ID=packet.ID))
    _send(call, pb.Packet(type=pb.Packet.PACKET_FIN))
    call.close_send()


def send_file(call: ClientCall, data: bytes) -> None:
    """Send one file over a call."""
    for start in range(0, len(data), _PIECE):
        message = control_pb2.BytesMessage(data=data[start : start + _PIECE])
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


def _node(found: pb.Stat) -> Node:
    return Node(
        mode=from_wire(found.mode),
        uid=found.uid,
        gid=found.gid,
        modified=found.modTime,
        target=found.linkname,
    )
