"""The daemon's side of a session: request files, secrets and credentials from a client."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from llb._pb import auth_pb2, control_pb2, secrets_pb2, upload_pb2
from llb.buildkit_names import SESSION_UPLOADS
from llb.errors import LLBError, RemoteError, TransportError
from llb.grpc import Channel, Code
from llb.testing.fake_buildkit.transfers import receive_tree, send_file, send_tree
from llb.testing.fake_buildkit.trees import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.grpc import ClientCall, Pipe, ServerCall
    from llb.sources.inline_files import Content

_FILES = "/moby.filesync.v1.FileSync/DiffCopy"
_EXPORT = "/moby.filesync.v1.FileSend/DiffCopy"
_EXPORT_ID = "buildkit-attachable-exporter-id"
_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"  # noqa: S105 - the name of a method
_UPLOAD = "/moby.upload.v1.Upload/Pull"
_CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"
_EXPOSED = "x-docker-expose-session-"
# The timeout of calls to a client.
_SECONDS = 30.0


class ClientSession:
    """The session of a client over ``pipe``.

    The client announced ``id``, ``name``, ``shared_key`` and ``methods``. All methods raise
    RemoteError with the client's status.
    """

    def __init__(self, pipe: Pipe, metadata: Mapping[str, tuple[str, ...]]) -> None:
        self._channel = Channel(pipe)
        self.id = _first(metadata, "uuid")
        self.name = _first(metadata, "name")
        self.shared_key = _first(metadata, "sharedkey")
        self.methods = metadata.get(_EXPOSED + "grpc-method", ())

    def files(self, name: str = "context", **patterns: Iterable[str]) -> dict[str, bytes]:
        """Read the contents of the regular files in a local directory, by path.

        ``patterns`` are ``include``, ``exclude`` and ``follow``, as :func:`llb.Local` has them.
        """
        return self.tree(name, **patterns).files

    def tree(
        self,
        name: str,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        follow: Iterable[str] = (),
    ) -> Tree:
        """Receive a local directory with the modes, owners and times of its files."""
        patterns = {"include-patterns": include, "exclude-patterns": exclude, "followpaths": follow}
        metadata = [("dir-name", name)]
        for key, values in patterns.items():
            encoded = [(key, quote_plus(value)) for value in values]
            metadata += [*encoded, *([(f"{key}-encoded", "1")] if encoded else [])]
        call = self._channel.stream(_FILES, metadata=metadata, timeout=_SECONDS)
        try:
            return receive_tree(call)
        finally:
            call.cancel()

    def send_tree(self, files: Mapping[str, Content], *, export: int = 0) -> None:
        """Send files to the client's ``export`` of the type ``local``, counted from 0."""
        self._send(export, lambda call: send_tree(call, Tree.of(files)))

    def send_file(self, data: bytes, *, export: int = 0) -> None:
        """Send a file to an export that is one file, such as ``tar`` or ``oci``."""
        self._send(export, lambda call: send_file(call, data))

    def upload(self, url: str) -> bytes:
        """Pull an upload by its URL."""
        path = "/" + url.removeprefix(SESSION_UPLOADS)
        call = self._channel.stream(_UPLOAD, metadata=[("urlpath", path)], timeout=_SECONDS)
        chunks = []
        try:
            while (message := call.receive()) is not None:
                chunks.append(upload_pb2.BytesMessage.FromString(message).data)
        finally:
            call.cancel()
        return b"".join(chunks)

    def secret(self, id: str) -> bytes:  # noqa: A002 - BuildKit's word
        """Request the value of a secret."""
        request = secrets_pb2.GetSecretRequest(ID=id)
        answer = self.call(_SECRET, request.SerializeToString())
        return secrets_pb2.GetSecretResponse.FromString(answer).data

    def credentials(self, host: str) -> tuple[str, str]:
        """Request the user and password for a registry; both are empty if there are none."""
        request = auth_pb2.CredentialsRequest(Host=host)
        answer = self.call(_CREDENTIALS, request.SerializeToString())
        response = auth_pb2.CredentialsResponse.FromString(answer)
        return response.Username, response.Secret

    def call(self, method: str, request: bytes) -> bytes:
        """Call any other unary method; the request and the answer are encoded messages."""
        return self._channel.call(method, request, timeout=_SECONDS)

    def _send(self, export: int, send: Callable[[ClientCall], None]) -> None:
        call = self._channel.stream(_EXPORT, metadata=[(_EXPORT_ID, str(export))], timeout=_SECONDS)
        try:
            send(call)
            # The client ends the call when everything is written.
            while call.receive() is not None:
                pass
        finally:
            call.cancel()

    def close(self) -> None:
        """End the session."""
        self._channel.close()


class SessionCall:
    """The bytes of a session inside ``Control.Session`` as a pipe; ``ended`` is set at its end."""

    def __init__(self, call: ServerCall) -> None:
        self._call = call
        self.ended = threading.Event()

    def read(self) -> bytes:
        """Receive the next chunk, or ``b""`` at the end or on any error."""
        with suppress(LLBError):
            while (message := self._call.receive()) is not None:
                if data := control_pb2.BytesMessage.FromString(message).data:
                    return data
        self.ended.set()
        return b""

    def write(self, data: bytes) -> None:
        """Send a chunk. Raises TransportError if the client disconnected."""
        try:
            self._call.send(control_pb2.BytesMessage(data=data).SerializeToString())
            self._call.flush()
        except LLBError as error:
            raise TransportError(error.message) from error

    def close(self) -> None:
        """End the call by letting its handler return."""
        self.ended.set()


def to_grpc_go_error(error: RemoteError) -> RemoteError:
    """Wrap the error of a client as grpc-go formats it."""
    name = Code(error.code).name.title().replace("_", "").replace("Cancelled", "Canceled")
    return RemoteError(
        f"rpc error: code = {name} desc = {error.message}", code=error.code, details=error.details
    )


def _first(metadata: Mapping[str, tuple[str, ...]], name: str) -> str:
    return metadata.get(_EXPOSED + name, ("",))[0]
