"""Containers that a frontend has: trees on the daemon in which it runs processes at will.

They are no steps: nothing of them is cached, and nothing becomes a result.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, Unpack

from attrs import field, frozen

from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.errors import CapabilityError, InvalidValueError, LLBError, RemoteError
from llb.gateway.container_messages import container_request, init_message, place_of
from llb.gateway.files import FileStat, from_message
from llb.gateway.process_io import to_files
from llb.gateway.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from llb import Network, Security
    from llb.gateway.bridge import Bridge
    from llb.gateway.container_messages import ProcessOptions, RefMount
    from llb.gateway.process_io import Stderr, Stdin, Stdout
    from llb.gateway.results import Ref
    from llb.state.settings import MountValue

_RELEASE_SECONDS = 30.0
# The exit code of a process that SIGKILL ended.
_KILLED = 137
# Capability, what it is for, and the first release with it.
_CAPS = {
    "gateway.exec": ("containers of frontends", "v0.8.0"),
    "gateway.exec.extrahosts": ("extra_hosts of containers", "v0.10.0"),
    "gateway.exec.signals": ("signals for processes of containers", "v0.10.0"),
    "gateway.exec.secretenv": ("secrets as variables in containers", "v0.12.0"),
    "gateway.exec.filesystem": ("reading files of containers", "v0.27.0"),
}


@frozen
class Completed:
    """A process that has ended: its exit code and what it wrote, as far as that was kept."""

    command: tuple[str, ...]
    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


class Container:
    """A tree on the daemon with what is mounted in it, where processes can be run.

    :meth:`llb.gateway.Gateway.new_container` makes one. The first process is the init of the
    others: when it ends, they are killed, and no more can be started. BuildKit does the same
    when *any* of them ends with another exit code than 0. Files can still be read then.

    As a context it is released at its end. Any thread may use it.
    """

    def __init__(
        self, bridge: Bridge, request: pb.NewContainerRequest, common: pb.InitMessage
    ) -> None:
        self._bridge = bridge
        self.id = request.ContainerID
        self._mounts = tuple(request.Mounts)
        # What all processes are told.
        self._common = common
        self._starting = threading.Lock()
        self._first: Process | None = None
        self._running: list[Process] = []
        # The processes with which all ended, the first one and those that failed.
        self._ends: list[Process] = []
        self._is_released = False
        self._require("gateway.exec")
        if request.extraHosts:
            self._require("gateway.exec.extrahosts")
        bridge.call("NewContainer", request, pb.NewContainerResponse)

    def start(
        self,
        command: str | Sequence[str],
        *,
        stdin: Stdin = None,
        stdout: Stdout = "pipe",
        stderr: Stderr = "pipe",
        **options: Unpack[ProcessOptions],
    ) -> Process:
        """Start a process, and return when it runs; a string is given to ``/bin/sh -c``.

        ``stdin`` is nothing, the bytes that it reads, an open file of the system whose
        descriptor is read, or ``pipe``: then ``stdin`` of the process is written to.
        ``stdout`` and ``stderr`` are ``pipe``, to be read from the process; ``discard``; or a
        binary file that is written to on a thread of the process. ``stderr`` may be
        ``stdout`` as well. More than 1 MiB that nobody reads nor waits for holds the process
        back.

        A process with a terminal has one output, ``stdout``. What is typed before it shows
        anything may be taken by a terminal of the daemon's own; the input ends with what ends
        it there, the byte 4.

        That there is no such program is found out by a process that fails. Raises
        InvalidValueError for what cannot be, a container that has ended among it, CapabilityError
        for what the daemon cannot do, RemoteError for a secret that is not there, and
        TransportError when the connection broke.
        """
        files = to_files(stdin, stdout, stderr)
        if options.get("tty") and isinstance(stdin, bytes):
            raise InvalidValueError(
                "a terminal is given no bytes",
                hint="open its input with stdin='pipe', and type when it has shown something",
            )
        init = init_message(self._common, command, **options)
        if init.secretenv:
            self._require("gateway.exec.secretenv")
        # A second process waits until the first one has made the container.
        with self._starting:
            self._check_runs()
            self._check_secrets(init)
            process = Process(self._bridge.stream("ExecProcess"), init, files, self._require)
            self._first = self._first or process
            self._running.append(process)
        return process

    def run(
        self,
        command: str | Sequence[str],
        *,
        stdin: Stdin = None,
        stdout: Stdout = "pipe",
        stderr: Stderr = "pipe",
        check: bool = True,
        timeout: float | None = None,
        **options: Unpack[ProcessOptions],
    ) -> Completed:
        """Run a process to its end, and return what it wrote to the pipes.

        The arguments are those of :meth:`start`. Raises ProcessError for another exit code
        than 0, unless ``check`` is false; CancelledError when it runs for more than
        ``timeout`` seconds, and is killed; and what :meth:`start` and
        :meth:`llb.gateway.Process.wait` raise.
        """
        if stdin == "pipe":
            raise InvalidValueError(
                "run() has no pipe to write to", hint="give it bytes, or start() the process"
            )
        started = self.start(command, stdin=stdin, stdout=stdout, stderr=stderr, **options)
        with started as process:
            code = process.wait(timeout)
            out = b"" if process.stdout is None else process.stdout.read()
            err = b"" if process.stderr is None else process.stderr.read()
        if check and code:
            raise process._error(out, err)
        return Completed(process.command, code, out, err)

    def read_file(self, path: str) -> bytes:
        """Return the bytes of a file as processes find it, also when none runs.

        ``path`` is absolute; its links lead nowhere else than into the same mount. Raises
        RemoteError, which :func:`llb.gateway.is_not_found` where there is no such file, and
        CapabilityError.
        """
        number, place = self._place(path)
        request = pb.ReadFileRequest(Ref=self.id, FilePath=place, MountIndex=number)
        return self._bridge.call("ReadFileContainer", request, pb.ReadFileResponse).Data

    def stat_file(self, path: str) -> FileStat:
        """Return what is known of a file, its owner excepted; raises as :meth:`read_file` does.

        A link is followed, but for one that leads out of its mount.
        """
        number, place = self._place(path)
        request = pb.StatFileRequest(Ref=self.id, Path=place, MountIndex=number)
        found = self._bridge.call("StatFileContainer", request, pb.StatFileResponse)
        return from_message(found.stat)

    def read_dir(self, path: str) -> tuple[FileStat, ...]:
        """Return what is in a directory, by name, without owners; raises as :meth:`read_file`.

        What is mounted below is not seen.
        """
        number, place = self._place(path)
        request = pb.ReadDirRequest(Ref=self.id, DirPath=place, MountIndex=number)
        found = self._bridge.call("ReadDirContainer", request, pb.ReadDirResponse)
        return tuple(map(from_message, found.entries))

    def release(self) -> None:
        """Kill what runs and give the container back; a second call does nothing.

        Raises RemoteError where the daemon could not, CancelledError where it takes more than
        30 seconds, and TransportError.
        """
        with self._starting:
            if self._is_released:
                return
            self._is_released = True
        self._forget_ended()
        # The daemon gives as its own error that a process failed, or was killed.
        is_told = bool(self._running) or any(each.exit_code != 0 for each in self._ends)
        for process in self._running:
            # It waits until all output is gone.
            process._flow.open()
        try:
            self._bridge.call(
                "ReleaseContainer",
                pb.ReleaseContainerRequest(ContainerID=self.id),
                pb.ReleaseContainerResponse,
                timeout=_RELEASE_SECONDS,
            )
        except RemoteError:
            if not is_told:
                raise
        finally:
            for process in self._running:
                process._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.release()
            return
        # What went wrong first is what matters.
        with suppress(LLBError):
            self.release()

    def _check_runs(self) -> None:
        """Raise InvalidValueError for a container in which no process can be started."""
        if self._is_released:
            raise InvalidValueError("the container was released")
        self._forget_ended()
        if self._ends:
            # One that ended by itself took with it those that were killed.
            cause = min(self._ends, key=lambda each: (each.exit_code == _KILLED, each._ended))
            code = cause.exit_code
            how = "could not be run" if code is None else f"ended with exit code {code}"
            raise InvalidValueError(
                f"the container has ended: {cause} {how}",
                hint="a container ends with its first process, and with any that fails; "
                "one that only waits can be its first: new_container(..., init=['cat'])",
            )

    def _forget_ended(self) -> None:
        for process in [each for each in self._running if each.is_over]:
            self._running.remove(process)
            process._end()
            if process.exit_code != 0 or process is self._first:
                self._ends.append(process)

    def _check_secrets(self, init: pb.InitMessage) -> None:
        """Raise RemoteError for a secret that the client does not have.

        A daemon that cannot get the secret of a variable leaves who starts the process
        waiting for ever, up to v0.32 at least. Asked for the same as a file, it answers.
        """
        wanted = [each.ID for each in init.secretenv if not each.optional]
        if not wanted:
            return
        mounts = [
            ops_pb2.Mount(
                dest=f"/{number}",
                mountType=ops_pb2.SECRET,
                secretOpt=ops_pb2.SecretOpt(ID=secret),
            )
            for number, secret in enumerate(wanted)
        ]
        asked = pb.NewContainerRequest(ContainerID=new_id(), Mounts=mounts)
        self._bridge.call("NewContainer", asked, pb.NewContainerResponse)
        given_back = pb.ReleaseContainerRequest(ContainerID=asked.ContainerID)
        self._bridge.call("ReleaseContainer", given_back, pb.ReleaseContainerResponse)

    def _place(self, path: str) -> tuple[int, str]:
        self._require("gateway.exec.filesystem")
        return place_of(path, self._mounts)

    def _require(self, cap: str) -> None:
        """Raise CapabilityError for what the daemon cannot do."""
        if cap not in self._bridge.caps.frontend:
            feature, since = _CAPS[cap]
            raise CapabilityError(
                f"this BuildKit has no {feature} (capability {cap})", cap=cap, since=since
            )


def new_container(
    bridge: Bridge,
    root: Ref,
    mounts: Iterable[RefMount | MountValue],
    *,
    init: str | Sequence[str] | None,
    hostname: str,
    network: Network | str,
    security: Security | str,
    extra_hosts: Mapping[str, str],
    platform: ops_pb2.Platform | None,
) -> Container:
    """Return a container as :meth:`llb.gateway.Gateway.new_container` is asked for it."""
    request, common = container_request(
        new_id(),
        root,
        mounts,
        hostname=hostname,
        network=network,
        security=security,
        extra_hosts=extra_hosts,
    )
    if platform is not None:
        request.platform.CopyFrom(platform)
    return opened(Container(bridge, request, common), init)


def opened(container: Container, init: str | Sequence[str] | None) -> Container:
    """Return a container with its first process, where there is to be one."""
    if init is not None:
        try:
            container.start(init, stdin="pipe", stdout="discard", stderr="discard")
        except BaseException:
            with suppress(LLBError):
                container.release()
            raise
    return container


def new_id() -> str:
    """Return a name for a container, which its client chooses."""
    return os.urandom(16).hex()
