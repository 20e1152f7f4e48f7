"""``containerd.services.content.v1.Content``: the client's OCI layouts, read and written.

A daemon names a layout in the metadata of each call, and blobs by their digests. Deleting and
relabeling are not supported.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from llb._pb import content_pb2 as pb
from llb.client.session.providers.requests import parse, receive
from llb.errors import InputError, LLBError, RemoteError
from llb.grpc.status import Code
from llb.protobuf import length_delimited_tag, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llb.client.export.content_store import Ingest, Store
    from llb.grpc import Handler, ServerCall

_SERVICE = "/containerd.services.content.v1.Content/"
_STORE_ID = "buildkit-attachable-store-id"
_CHUNK = 1 << 18
_INFOS_PER_MESSAGE = 100
_DATA = length_delimited_tag(pb.ReadContentResponse.DATA_FIELD_NUMBER)


class Content:
    """A service for content stores by id: ``oci:NAME``, ``local:FOLDER`` and ``export``."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self.failures: list[LLBError] = []
        self._stores = dict(stores)

    def handlers(self) -> Mapping[str, Handler]:
        """Map all methods to their handlers; empty without a store."""
        if not self._stores:
            return {}
        methods = {
            "Info": _info,
            "List": _list,
            "Read": _read,
            "Status": _status,
            "ListStatuses": _list_statuses,
            "Write": _write,
            "Abort": _abort,
            "Delete": _refuse,
            "Update": _refuse,
        }
        return {_SERVICE + name: self._handler(method) for name, method in methods.items()}

    def _handler(self, method: Callable[[ServerCall, Store], None]) -> Handler:
        def handle(call: ServerCall) -> None:
            try:
                method(call, self._store(call))
            except InputError as error:
                self.failures.append(error)
                raise RemoteError(error.message, code=Code.UNKNOWN) from error

        return handle

    def _store(self, call: ServerCall) -> Store:
        (name, *_) = call.metadata.get(_STORE_ID, ("",))
        store = self._stores.get(name)
        if store is None:
            raise RemoteError(f"unknown store {name}", code=Code.NOT_FOUND)
        return store


def _info(call: ServerCall, store: Store) -> None:
    digest = receive(call, pb.InfoRequest).digest
    info = _to_info(digest, _find_blob(store, digest))
    call.send(pb.InfoResponse(info=info).SerializeToString())


def _list(call: ServerCall, store: Store) -> None:
    if receive(call, pb.ListContentRequest).filters:
        raise RemoteError("filters of a list are not supported", code=Code.UNIMPLEMENTED)
    infos = [_to_info(digest, _find_blob(store, digest)) for digest in store.digests()]
    for start in range(0, len(infos), _INFOS_PER_MESSAGE):
        block = infos[start : start + _INFOS_PER_MESSAGE]
        call.send(pb.ListContentResponse(info=block).SerializeToString())


def _read(call: ServerCall, store: Store) -> None:
    request = receive(call, pb.ReadContentRequest)
    path = _find_blob(store, request.digest)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            offset = max(request.offset, 0)
            if offset > size:
                raise RemoteError(f"read past {size} bytes", code=Code.OUT_OF_RANGE)
            remaining = min(request.size, size - offset) if request.size > 0 else size - offset
            file.seek(offset)
            while remaining > 0 and (data := file.read(min(_CHUNK, remaining))):
                call.send(_encode_read_response(offset, data))
                offset, remaining = offset + len(data), remaining - len(data)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _encode_read_response(offset: int, data: bytes) -> bytes:
    """Encode a response to Read by hand, to copy the data once instead of three times."""
    head = pb.ReadContentResponse(offset=offset).SerializeToString()
    return b"".join((head, _DATA, varint(len(data)), data))


def _status(call: ServerCall, store: Store) -> None:
    ref = receive(call, pb.StatusRequest).ref
    for ingest in store.unfinished():
        if ingest.ref == ref:
            call.send(pb.StatusResponse(status=_to_status(ingest)).SerializeToString())
            return
    raise RemoteError(f"unknown ref {ref}", code=Code.NOT_FOUND)


def _list_statuses(call: ServerCall, store: Store) -> None:
    if receive(call, pb.ListStatusesRequest).filters:
        raise RemoteError("filters of a list are not supported", code=Code.UNIMPLEMENTED)
    statuses = map(_to_status, store.unfinished())
    call.send(pb.ListStatusesResponse(statuses=statuses).SerializeToString())


def _abort(call: ServerCall, store: Store) -> None:
    store.drop(receive(call, pb.AbortRequest).ref)
    call.send(Empty().SerializeToString())


def _refuse(call: ServerCall, store: Store) -> None:  # noqa: ARG001 - the signature
    raise RemoteError("client blobs cannot be changed or deleted", code=Code.PERMISSION_DENIED)


def _write(call: ServerCall, store: Store) -> None:
    """Receive a blob: every message is answered, and the one that commits is the last."""
    data = call.receive()
    if data is None:
        return
    request = parse(data, pb.WriteContentRequest)
    if not request.ref:
        raise RemoteError("the first message has no reference", code=Code.INVALID_ARGUMENT)
    try:
        ingest = store.begin(request.ref, request.total, request.expected)
        try:
            _write_messages(call, store, ingest, request)
        finally:
            store.release(ingest)
    except OSError as error:
        raise InputError(f"cannot write to {store.layout.path}: {error.strerror}") from error


def _write_messages(
    call: ServerCall, store: Store, ingest: Ingest, request: pb.WriteContentRequest
) -> None:
    while _handle_message(call, store, ingest, request) != pb.COMMIT:
        data = call.receive()
        if data is None:
            return
        request = parse(data, pb.WriteContentRequest)
        store.check_new(request.expected)


def _handle_message(
    call: ServerCall, store: Store, ingest: Ingest, request: pb.WriteContentRequest
) -> int:
    """Execute a message, answer it, and return its action."""
    ingest.total = request.total or ingest.total
    if request.action != pb.STAT:
        ingest.write(request.data, request.offset)
    if request.action == pb.COMMIT:
        store.finish(ingest, request.total, request.expected)
    response = pb.WriteContentResponse(
        action=request.action,
        started_at=_stamp(ingest.started),
        updated_at=_stamp(ingest.updated),
        offset=ingest.offset,
        total=ingest.total,
        digest=ingest.digest if request.action != pb.COMMIT else request.expected or ingest.digest,
    )
    call.send(response.SerializeToString())
    return int(request.action)


def _find_blob(store: Store, digest: str) -> Path:
    path = store.find(digest)
    if path is None:
        raise RemoteError(f"content {digest}: not found", code=Code.NOT_FOUND)
    return path


def _to_info(digest: str, path: Path) -> pb.Info:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    moment = _stamp(datetime.fromtimestamp(status.st_mtime, UTC))
    return pb.Info(digest=digest, size=status.st_size, created_at=moment, updated_at=moment)


def _to_status(ingest: Ingest) -> pb.Status:
    return pb.Status(
        started_at=_stamp(ingest.started),
        updated_at=_stamp(ingest.updated),
        ref=ingest.ref,
        offset=ingest.offset,
        total=ingest.total,
        expected=ingest.expected,
    )


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
