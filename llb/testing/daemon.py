"""A fake daemon: serve BuildKit's control API on a socket with scripted answers."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias, TypedDict, TypeVar, Unpack

from llb._pb import control_pb2 as pb
from llb.arguments.checked import checked
from llb.client.connect.sockets import dial
from llb.errors import InvalidDefinitionError, LLBError, RemoteError, TransportError
from llb.grpc import Server, socket_pipe
from llb.platforms import to_platform
from llb.state.step_options import check_keys
from llb.testing.fake_buildkit.bridge import METHODS, Conversation, DaemonState, to_result
from llb.testing.fake_buildkit.building import Builder
from llb.testing.fake_buildkit.builds import FakeBuild
from llb.testing.fake_buildkit.session import ClientSession, SessionCall
from llb.testing.images import FakeImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from google.protobuf.message import Message

    from llb import Platform
    from llb.client.usage import Usage
    from llb.gateway import SourceInfo
    from llb.grpc import Handler, ServerCall
    from llb.testing.fake_buildkit.bridge import Frontend
    from llb.testing.fake_buildkit.building import StepOutput
    from llb.testing.images import AnyImage

    T_ = TypeVar("T_", bound=Message)
    Script: TypeAlias = Callable[[FakeBuild], Mapping[str, str] | None]

_SERVICE = "/moby.buildkit.v1.Control/"
# The metadata key that names the build in gateway calls from a client's process.
_BUILD_ID = "buildkit-controlapi-buildid"
_CANCELLED, _UNKNOWN = 1, 2
# How long to wait for the session, or the build, that a client refers to.
_SECONDS = 5.0


class DaemonOptions(TypedDict, total=False):
    """The options of a :class:`FakeDaemon`.

    ``script`` is called with each build, after its frontend if any. It returns the
    exporter response; an exception fails the build. By default all steps are shown as
    completed. ``version`` and ``platforms`` are the daemon's, ``usage`` holds its cache
    records. ``images``, ``outputs``, ``sources`` and ``frontends`` are those of a fake
    gateway.
    """

    script: Script
    version: str
    platforms: Iterable[Platform | str]
    usage: Iterable[Usage]
    images: Mapping[str, AnyImage] | FakeImages
    outputs: Mapping[str, StepOutput]
    sources: Mapping[str, SourceInfo]
    frontends: Mapping[str, Frontend]


class FakeDaemon:
    """A daemon that runs no steps, at ``address``, a socket in a temporary directory.

    On Windows it is a port of this machine. Any client can connect. ``builds`` are the requested
    builds, in order. If a script raises anything but an error for the client, leaving the ``with``
    block raises it again.
    """

    @checked(options=DaemonOptions)
    def __init__(self, **options: Unpack[DaemonOptions]) -> None:
        check_keys(options, DaemonOptions.__optional_keys__)
        self._options = options
        self._script = options.get("script", _succeed)
        self._platforms = tuple(map(to_platform, options.get("platforms", ("linux/amd64",))))
        self._usage = list(options.get("usage", ()))
        self.images = FakeImages.of(options.get("images"))
        self._builds: list[FakeBuild] = []
        # The newest build of each reference, which a client may watch before it is requested.
        self._newest: dict[str, FakeBuild] = {}
        self._conversations: dict[str, Conversation] = {}
        self._sessions: dict[str, ClientSession] = {}
        self._failures: list[BaseException] = []
        self._changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="llb-")
        self._servers: dict[Server, threading.Thread] = {}
        self._is_closed = False
        self._listener, self.address = _listen(Path(self._folder.name))
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        """Return the daemon itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the daemon and raise the first failure of a script, unless the block failed."""
        self.close()
        if kind is None and self._failures:
            raise self._failures[0]

    @property
    def builds(self) -> tuple[FakeBuild, ...]:
        """The requested builds, in order."""
        with self._changed:
            return tuple(build for build in self._builds if build.begun.is_set())

    def close(self) -> None:
        """End all connections and remove the socket; a second call does nothing."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
            for conversation in self._conversations.values():
                conversation.ended.set()
        # Only Linux ends a wait for connections when the socket is shut down.
        dial(self.address).close()
        self._accepting.join()
        self._listener.close()
        for server, serving in self._servers.items():
            server.close()
            serving.join()
        self._folder.cleanup()

    def _accept(self) -> None:
        handlers: dict[str, Handler] = {
            _SERVICE + "Info": self._info,
            _SERVICE + "ListWorkers": self._list_workers,
            _SERVICE + "DiskUsage": self._disk_usage,
            _SERVICE + "Prune": self._prune,
            _SERVICE + "Solve": self._solve,
            _SERVICE + "Status": self._status,
            _SERVICE + "Session": self._session,
            _SERVICE + "ListenBuildHistory": self._history,
            **dict.fromkeys(METHODS, self._bridge),
        }
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._is_closed:
                    connection.close()
                    return
                server = Server(socket_pipe(connection), handlers)
                serving = threading.Thread(target=_serve, args=(server,), daemon=True)
                self._servers[server] = serving
                serving.start()

    def _info(self, call: ServerCall) -> None:
        response = pb.InfoResponse()
        response.buildkitVersion.package = "github.com/moby/buildkit"
        response.buildkitVersion.version = self._options.get("version", "v0.34.2")
        _send(call, response)

    def _list_workers(self, call: ServerCall) -> None:
        response = pb.ListWorkersResponse()
        worker = response.record.add(ID="fake")
        for platform in self._platforms:
            worker.platforms.add(
                OS=platform.os,
                Architecture=platform.architecture,
                Variant=platform.variant or "",
                OSVersion=platform.os_version or "",
                OSFeatures=platform.os_features,
            )
        _send(call, response)

    def _disk_usage(self, call: ServerCall) -> None:
        _send(call, pb.DiskUsageResponse(record=map(_record, self._usage)))

    def _prune(self, call: ServerCall) -> None:
        for usage in tuple(self._usage):
            if not usage.in_use:
                self._usage.remove(usage)
                _send(call, _record(usage))

    def _solve(self, call: ServerCall) -> None:
        request = _receive(call, pb.SolveRequest)
        build = self._new_build(request.Ref)
        error: RemoteError | None = None
        try:
            session = self._session_of(request.Session) if request.Session else None
            self._begin(build, request, session)
            answers = self._run(build)
        except RemoteError as raised:
            error = raised
            raise
        except InvalidDefinitionError as raised:
            error = RemoteError(raised.message, code=_UNKNOWN)
            raise error from raised
        except BaseException as raised:
            self._failures.append(raised)
            error = RemoteError(f"the script failed: {raised!r}", code=_UNKNOWN)
            raise error from raised
        finally:
            with self._changed:
                self._conversations.pop(build.ref, None)
                build.finish(error)
        _send(call, pb.SolveResponse(ExporterResponse=answers))

    def _begin(
        self, build: FakeBuild, request: pb.SolveRequest, session: ClientSession | None
    ) -> None:
        options = self._options

        def session_of(name: str) -> ClientSession | None:
            return self._session_of(name) if name else session

        builder = Builder(options.get("outputs", {}), self.images, session_of)
        state = DaemonState(
            builder,
            images=self.images,
            sources=options.get("sources", {}),
            frontends=options.get("frontends", {}),
            platforms=self._platforms,
            session_id=request.Session,
        )
        with self._changed:
            build.begin(request, session)
            conversation = self._conversations[build.ref] = Conversation(state, build.inputs)
            if self._is_closed:
                # The daemon was closed meanwhile, and nothing else would end it.
                conversation.ended.set()
            self._changed.notify_all()

    def _run(self, build: FakeBuild) -> Mapping[str, str]:
        """Run the frontend, if any, and then the script."""
        conversation = self._conversations[build.ref]
        if build.frontend in self._options.get("frontends", {}):
            function = conversation.state.frontend(build.frontend, build.frontend_attrs)
            conversation.run(function, build.frontend_attrs)
        elif not build.frontend and build.definition is None:
            # The client is the frontend.
            conversation.ended.wait()
        if conversation.ended.is_set():
            if conversation.returned is None:
                # The daemon was closed, so no client waits for the answer.
                raise RemoteError("context canceled", code=_CANCELLED)
            build.result = to_result(conversation.result())
            build.definitions = conversation.state.trees_of(build.result)
        return self._script(build) or {}

    def _status(self, call: ServerCall) -> None:
        build = self._build(_receive(call, pb.StatusRequest).Ref)
        for response in build.responses():
            _send(call, response)

    def _session(self, call: ServerCall) -> None:
        pipe = SessionCall(call)
        session = ClientSession(pipe, call.metadata)
        with self._changed:
            self._sessions[session.id] = session
            self._changed.notify_all()
        pipe.ended.wait()
        session.close()

    def _history(self, call: ServerCall) -> None:
        request = _receive(call, pb.BuildHistoryRequest)
        for build in self.builds:
            if request.Ref in ("", build.ref):
                _send(call, pb.BuildHistoryEvent(type=pb.COMPLETE, record=_history_of(build)))

    def _bridge(self, call: ServerCall) -> None:
        ref = call.metadata.get(_BUILD_ID, ("",))[0]
        with self._changed:
            self._changed.wait_for(lambda: ref in self._conversations, _SECONDS)
            conversation = self._conversations.get(ref)
        if conversation is None:
            raise RemoteError(f"no such job {ref}", code=_UNKNOWN)
        conversation.handle(call)

    def _build(self, ref: str) -> FakeBuild:
        with self._changed:
            return self._newest.setdefault(ref, FakeBuild(ref))

    def _new_build(self, ref: str) -> FakeBuild:
        """Create the build of a request. Raises RemoteError if one with its reference runs."""
        with self._changed:
            build = self._build(ref)
            if build.is_finished:
                build = self._newest[ref] = FakeBuild(ref)
            elif build in self._builds:
                raise RemoteError(f"job ID {ref} exists", code=_UNKNOWN)
            self._builds.append(build)
            return build

    def _session_of(self, name: str) -> ClientSession:
        with self._changed:
            self._changed.wait_for(lambda: name in self._sessions, _SECONDS)
            if name not in self._sessions:
                raise RemoteError(
                    f"no active session for {name}: context deadline exceeded", code=4
                )
            return self._sessions[name]


def _succeed(build: FakeBuild) -> None:
    build.show_steps()


def _listen(folder: Path) -> tuple[socket.socket, str]:
    """Listen on a socket in a folder, or on a port where Python has no Unix sockets."""
    if sys.platform == "win32":
        listener = socket.create_server(("127.0.0.1", 0))
        return listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    listener = socket.socket(socket.AF_UNIX)
    path = folder / "buildkitd.sock"
    listener.bind(str(path))
    listener.listen()
    return listener, f"unix://{path}"


def _serve(server: Server) -> None:
    # A client that disconnects is not an error of the daemon.
    with suppress(TransportError):
        server.serve()


def _receive(call: ServerCall, kind: type[T_]) -> T_:
    return kind.FromString(call.receive() or b"")


def _send(call: ServerCall, message: Message) -> None:
    # The client may have disconnected.
    with suppress(LLBError):
        call.send(message.SerializeToString())
        call.flush()


def _record(usage: Usage) -> pb.UsageRecord:
    record = pb.UsageRecord(
        ID=usage.id,
        Mutable=usage.mutable,
        InUse=usage.in_use,
        Size=usage.size,
        UsageCount=usage.usage_count,
        Description=usage.description,
        RecordType=usage.type,
        Shared=usage.shared,
        Parents=usage.parents,
    )
    if usage.created is not None:
        record.CreatedAt.FromDatetime(usage.created)
    if usage.last_used is not None:
        record.LastUsedAt.FromDatetime(usage.last_used)
    return record


def _history_of(build: FakeBuild) -> pb.BuildHistoryRecord:
    record = pb.BuildHistoryRecord(
        Ref=build.ref, Frontend=build.frontend, FrontendAttrs=build.frontend_attrs
    )
    record.CreatedAt.FromDatetime(build.created)
    record.CompletedAt.FromDatetime(build.completed)
    if build.error is not None:
        record.error.code, record.error.message = build.error.code, build.error.message
    return record
