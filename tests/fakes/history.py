"""A fake daemon with build records: the history part of the control API."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from llb._pb import content_pb2, control_pb2, ops_pb2, worker_pb2
from llb.errors import RemoteError, TransportError
from llb.grpc import Code, Server, socket_pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from llb.grpc import Handler, ServerCall

_CONTROL = "/moby.buildkit.v1.Control/"
_CONTENT = "/containerd.services.content.v1.Content/"


class FakeHistory:
    """A daemon with build records, status messages, and blobs by digest.

    ``requests`` are the list requests, ``updates`` the update requests.
    """

    def __init__(
        self,
        folder: Path,
        records: Iterable[control_pb2.BuildHistoryRecord],
        *,
        responses: Iterable[control_pb2.StatusResponse] = (),
        blobs: Mapping[str, bytes] | None = None,
        error: RemoteError | None = None,
    ) -> None:
        self.address = f"unix://{folder / 'history.sock'}"
        self.requests: list[control_pb2.BuildHistoryRequest] = []
        self.updates: list[control_pb2.UpdateBuildHistoryRequest] = []
        self._records = list(records)
        self._responses = list(responses)
        self._blobs = blobs or {}
        self._error = error
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "history.sock"))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        handlers: dict[str, Handler] = {
            f"{_CONTROL}Info": self._info,
            f"{_CONTROL}ListenBuildHistory": self._listen,
            f"{_CONTROL}UpdateBuildHistory": self._update,
            f"{_CONTROL}Status": self._status,
            f"{_CONTROL}ListWorkers": self._workers,
            f"{_CONTENT}Read": self._read,
            f"{_CONTENT}Info": self._blob_info,
        }
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                server = Server(socket_pipe(connection), handlers)
                self._threads.append(threading.Thread(target=_serve, args=(server,)))
                self._threads[-1].start()

    def _info(self, call: ServerCall) -> None:
        response = control_pb2.InfoResponse()
        response.buildkitVersion.version = "v0.34.2"
        call.send(response.SerializeToString())

    def _workers(self, call: ServerCall) -> None:
        platform = ops_pb2.Platform(OS="linux", Architecture="amd64")
        worker = worker_pb2.WorkerRecord(ID="worker", platforms=[platform])
        call.send(control_pb2.ListWorkersResponse(record=[worker]).SerializeToString())

    def _listen(self, call: ServerCall) -> None:
        request = control_pb2.BuildHistoryRequest.FromString(call.receive() or b"")
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        for record in self._records:
            if request.Ref in ("", record.Ref):
                kind = (
                    control_pb2.COMPLETE if record.HasField("CompletedAt") else control_pb2.STARTED
                )
                event = control_pb2.BuildHistoryEvent(type=kind, record=record)
                call.send(event.SerializeToString())
        # A build that was deleted a moment ago.
        deleted = control_pb2.BuildHistoryRecord(Ref="gone")
        event = control_pb2.BuildHistoryEvent(type=control_pb2.DELETED, record=deleted)
        call.send(event.SerializeToString())

    def _update(self, call: ServerCall) -> None:
        request = control_pb2.UpdateBuildHistoryRequest.FromString(call.receive() or b"")
        self.updates.append(request)
        call.send(control_pb2.UpdateBuildHistoryResponse().SerializeToString())

    def _status(self, call: ServerCall) -> None:
        for response in self._responses:
            call.send(response.SerializeToString())

    def _blob_info(self, call: ServerCall) -> None:
        request = content_pb2.InfoRequest.FromString(call.receive() or b"")
        info = content_pb2.Info(digest=request.digest, size=len(self._blob(request.digest)))
        call.send(content_pb2.InfoResponse(info=info).SerializeToString())

    def _blob(self, digest: str) -> bytes:
        if digest not in self._blobs:
            raise RemoteError(f"content {digest}: not found", code=Code.NOT_FOUND)
        return self._blobs[digest]

    def _read(self, call: ServerCall) -> None:
        request = content_pb2.ReadContentRequest.FromString(call.receive() or b"")
        data = self._blob(request.digest)
        for offset in range(request.offset, len(data), 4):
            chunk = content_pb2.ReadContentResponse(offset=offset, data=data[offset : offset + 4])
            call.send(chunk.SerializeToString())


def _serve(server: Server) -> None:
    with suppress(TransportError):
        server.serve()
