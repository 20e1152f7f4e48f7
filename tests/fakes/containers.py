"""A fake daemon whose containers run the programs ``cat``, ``exit`` and ``tty``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from llb._pb import gateway_pb2 as pb
from llb.errors import RemoteError
from tests.fakes.stats import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.grpc import Handler, ServerCall

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_CAPS = ("", ".extrahosts", ".filesystem", ".secretenv", ".signals")


class FakeContainers:
    """The container service of a daemon; ``inits`` are the started processes.

    ``cat`` copies its input until it ends or a signal arrives. ``exit CODE TEXT…`` writes
    lines to standard error and exits. ``tty`` writes each size of its terminal until its
    input ends. Without ``ranges`` it sends whole files, as BuildKit before v0.34 does.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, *, ranges: bool = True) -> None:
        self.failures: list[Any] = []
        self.containers: list[pb.NewContainerRequest] = []
        self.released: list[str] = []
        self.inits: list[pb.InitMessage] = []
        self._files = dict(files or {})
        self._ranges = ranges
        self._running: dict[str, list[ServerCall]] = {}
        self._lock = threading.Lock()

    def handlers(self) -> Mapping[str, Handler]:
        """The handlers of the gateway service."""
        methods = {
            "Ping": self._ping,
            "NewContainer": self._new,
            "ReleaseContainer": self._release,
            "ExecProcess": self._process,
            "ReadFileContainer": self._read_file,
            "StatFileContainer": self._stat_file,
            "ReadDirContainer": self._read_dir,
        }
        return {f"{_SERVICE}{name}": handler for name, handler in methods.items()}

    def _ping(self, call: ServerCall) -> None:
        pong = pb.PongResponse()
        for name in _CAPS:
            pong.FrontendAPICaps.add(ID=f"gateway.exec{name}", Enabled=True)
        call.send(pong.SerializeToString())

    def _new(self, call: ServerCall) -> None:
        request = pb.NewContainerRequest.FromString(call.receive() or b"")
        if all(mount.dest != "/" for mount in request.Mounts):
            raise RemoteError("root mount is required", code=3)
        if any(mount.secretOpt.ID == "none" for mount in request.Mounts):
            raise RemoteError("secret none: not found", code=5)
        self.containers.append(request)
        call.send(pb.NewContainerResponse().SerializeToString())

    def _release(self, call: ServerCall) -> None:
        request = pb.ReleaseContainerRequest.FromString(call.receive() or b"")
        self.released.append(request.ContainerID)
        with self._lock:
            calls = self._running.pop(request.ContainerID, [])
        for running in calls:
            running.finish(None)
            # Wake the handler, which waits for messages that the client will not send any more.
            with running._endpoint.lock:
                running._changed.notify_all()
        call.send(pb.ReleaseContainerResponse().SerializeToString())

    def _process(self, call: ServerCall) -> None:
        first = pb.ExecMessage.FromString(call.receive() or b"")
        init = first.Init
        self.inits.append(init)
        with self._lock:
            self._running.setdefault(init.ContainerID, []).append(call)

        def send(**message: Any) -> None:
            call.send(pb.ExecMessage(ProcessID=first.ProcessID, **message).SerializeToString())
            call.flush()

        def write(fd: int, data: bytes) -> None:
            if fd in init.Fds:
                send(File=pb.FdMessage(Fd=fd, Data=data))

        send(Started=pb.StartedMessage())
        name, *arguments = init.Meta.args
        code = 0
        if name == "exit":
            code = int(arguments[0])
            write(2, "".join(f"{line}\n" for line in arguments[1:]).encode())
        else:
            code = self._follow(call, write)
        for fd in init.Fds:
            if fd:
                send(File=pb.FdMessage(Fd=fd, EOF=True))
        send(Exit=pb.ExitMessage(Code=code))
        send(Done=pb.DoneMessage())
        # The client ends the call when it has received everything.
        while call.receive() is not None:
            pass

    def _follow(self, call: ServerCall, write: Any) -> int:
        """Process the input until it ends, and return the exit code."""
        while (data := call.receive()) is not None:
            message = pb.ExecMessage.FromString(data)
            match message.WhichOneof("Input"):
                case "File" if message.File.EOF:
                    return 0
                case "File":
                    write(1, message.File.Data)
                case "Resize":
                    write(1, f"{message.Resize.Rows}x{message.Resize.Cols}\n".encode())
                case "Signal":
                    write(2, f"{message.Signal.Name}\n".encode())
                    return 137
        return 0

    def _content(self, path: str) -> bytes:
        if path not in self._files:
            raise RemoteError(f"open {path}: no such file or directory", code=2)
        return self._files[path]

    def _read_file(self, call: ServerCall) -> None:
        request = pb.ReadFileRequest.FromString(call.receive() or b"")
        content = self._content(request.FilePath.decode())
        start = request.Range.Offset
        if self._ranges and request.HasField("Range"):
            content = content[start : start + request.Range.Length]
        call.send(pb.ReadFileResponse(Data=content).SerializeToString())

    def _stat_file(self, call: ServerCall) -> None:
        path = pb.StatFileRequest.FromString(call.receive() or b"").Path.decode()
        stat = describe(path, size=len(self._content(path)))
        call.send(pb.StatFileResponse(stat=stat).SerializeToString())

    def _read_dir(self, call: ServerCall) -> None:
        call.receive()
        entries = [describe(path.lstrip("/")) for path in sorted(self._files)]
        call.send(pb.ReadDirResponse(entries=entries).SerializeToString())
