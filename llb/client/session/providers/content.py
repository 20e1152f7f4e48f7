"""``containerd.services.content.v1.Content``: layouts of the client, read and written.

A daemon names a layout in the metadata of each call and blobs by their digests. It deletes and
relabels nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from llb._pb import content_pb2 as pb
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
_PIECE = 1 << 18
_LISTED = 100
_DATA = length_delimited_tag(pb.ReadContentResponse.DATA_FIELD_NUMBER)


class Content:
    """Stores by the ids that a daemon knows: ``oci:NAME``, ``local:FOLDER`` and ``export``."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self.failures: list[LLBError] = []
        self._stores = dict(stores)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers of all methods; none where there is no store."""
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
                raise RemoteError(str(error), code=Code.UNKNOWN) from error

        return handle

    def _store(self, call: ServerCall) -> Store:
        (name, *_) = call.metadata.get(_STORE_ID, ("",))
        store = self._stores.get(name)
        if store is None:
            raise RemoteError(f"unknown store {name}", code=Code.NOT_FOUND)
        return store


def _info(call: ServerCall, store: Store) -> None:
    digest = pb.InfoRequest.FromString(call.receive() or b"").digest
    info = _info_of(digest, _found(store, digest))
    call.send(pb.InfoResponse(info=info).SerializeToString())


def _list(call: ServerCall, store: Store) -> None:
    if pb.ListContentRequest.FromString(call.receive() or b"").filters:
        raise RemoteError("filters of a list are not supported", code=Code.UNIMPLEMENTED)
    infos = [_info_of(each, _found(store, each)) for each in store.digests()]
    for start in range(0, len(infos), _LISTED):
        block = infos[start : start + _LISTED]
        call.send(pb.ListContentResponse(info=block).SerializeToString())


def _read(call: ServerCall, store: Store) -> None:
    request = pb.ReadContentRequest.FromString(call.receive() or b"")
    path = _found(store, request.digest)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            offset = max(request.offset, 0)
            if offset > size:
                raise RemoteError(f"read past {size} bytes", code=Code.OUT_OF_RANGE)
            left = min(request.size, size - offset) if request.size > 0 else size - offset
            file.seek(offset)
            while left > 0 and (data := file.read(min(_PIECE, left))):
                call.send(_piece(offset, data))
                offset, left = offset + len(data), left - len(data)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _piece(offset: int, data: bytes) -> bytes:
    """Return an answer to Read, put together so that the data are copied once and not thrice."""
    head = pb.ReadContentResponse(offset=offset).SerializeToString()
    return b"".join((head, _DATA, varint(len(data)), data))


def _status(call: ServerCall, store: Store) -> None:
    ref = pb.StatusRequest.FromString(call.receive() or b"").ref
    for each in store.unfinished():
        if each.ref == ref:
            call.send(pb.StatusResponse(status=_status_of(each)).SerializeToString())
            return
    raise RemoteError(f"nothing is written as {ref}", code=Code.NOT_FOUND)


def _list_statuses(call: ServerCall, store: Store) -> None:
    if pb.ListStatusesRequest.FromString(call.receive() or b"").filters:
        raise RemoteError("filters of a list are not supported", code=Code.UNIMPLEMENTED)
    statuses = map(_status_of, store.unfinished())
    call.send(pb.ListStatusesResponse(statuses=statuses).SerializeToString())


def _abort(call: ServerCall, store: Store) -> None:
    store.drop(pb.AbortRequest.FromString(call.receive() or b"").ref)
    call.send(Empty().SerializeToString())


def _refuse(call: ServerCall, store: Store) -> None:  # noqa: ARG001 - the signature
    raise RemoteError("blobs of a client stay as they are", code=Code.PERMISSION_DENIED)


def _write(call: ServerCall, store: Store) -> None:
    """Take a blob: every message is answered, and the one that commits is the last."""
    data = call.receive()
    if data is None:
        return
    request = pb.WriteContentRequest.FromString(data)
    if not request.ref:
        raise RemoteError("the first message has no reference", code=Code.INVALID_ARGUMENT)
    try:
        ingest = store.begin(request.ref, request.total, request.expected)
        try:
            _write_on(call, store, ingest, request)
        finally:
            store.release(ingest)
    except OSError as error:
        place = store.layout.path
        raise InputError(f"cannot write to {place}: {error.strerror}") from error


def _write_on(
    call: ServerCall, store: Store, ingest: Ingest, request: pb.WriteContentRequest
) -> None:
    while _answer(call, store, ingest, request) != pb.COMMIT:
        data = call.receive()
        if data is None:
            return
        request = pb.WriteContentRequest.FromString(data)
        store.check_new(request.expected)


def _answer(call: ServerCall, store: Store, ingest: Ingest, request: pb.WriteContentRequest) -> int:
    """Do what a message says, answer it, and return which action it was."""
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


def _found(store: Store, digest: str) -> Path:
    path = store.find(digest)
    if path is None:
        raise RemoteError(f"content {digest}: not found", code=Code.NOT_FOUND)
    return path


def _info_of(digest: str, path: Path) -> pb.Info:
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    moment = _stamp(datetime.fromtimestamp(found.st_mtime, UTC))
    return pb.Info(digest=digest, size=found.st_size, created_at=moment, updated_at=moment)


def _status_of(ingest: Ingest) -> pb.Status:
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
