"""Containers of a frontend: trees on the daemon in which it runs processes interactively.

They are not steps: nothing in them is cached, and nothing becomes a result.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, Unpack

from attrs import field, frozen

from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.arguments.checked import checked
from llb.errors import CapabilityError, InvalidValueError, LLBError, RemoteError
from llb.gateway.container_messages import (
    ProcessOptions,
    container_request,
    init_message,
    locate_in_mount,
)
from llb.gateway.files import RANGE, FileStat, from_message, one_message, read_ranges
from llb.gateway.process_io import to_files
from llb.gateway.processes import Process
from llb.gocompat import utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from llb import Network, Security
    from llb.arguments.conversions import Duration
    from llb.buildkit_names import NetworkName, SecurityName
    from llb.gateway.bridge import Bridge
    from llb.gateway.container_messages import RefMount
    from llb.gateway.process_io import Stderr, Stdin, Stdout
    from llb.gateway.results import Ref
    from llb.state.settings import MountValue

_RELEASE_SECONDS = 30.0
# The exit code of a process that SIGKILL ended.
_KILLED = 137
# Capabilities with their features, and the first release that has them.
_CAPS = {
    "gateway.exec": ("containers of frontends", "v0.8.0"),
    "gateway.exec.extrahosts": ("extra_hosts of containers", "v0.10.0"),
    "gateway.exec.signals": ("signals for processes of containers", "v0.10.0"),
    "gateway.exec.secretenv": ("secrets as variables in containers", "v0.12.0"),
    "gateway.exec.filesystem": ("reading files of containers", "v0.27.0"),
}


@frozen
class Completed:
    """A completed process.

    ``command`` is the tuple of its arguments, ``exit_code`` an int, and ``stdout`` and ``stderr``
    are what it wrote, as bytes.
    """

    command: tuple[str, ...]
    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)

    @property
    def stdout_text(self) -> str:
        """The standard output as UTF-8; invalid bytes become U+FFFD."""
        return self.stdout.decode(errors="replace")

    @property
    def stderr_text(self) -> str:
        """The standard error as UTF-8; invalid bytes become U+FFFD."""
        return self.stderr.decode(errors="replace")


class Container:
    """A tree on the daemon with its mounts, in which processes run.

    Created by :meth:`llb.gateway.Gateway.new_container`. The first process is the init of the
    others: when it ends, they are killed, and no more can start. BuildKit does the same when
    *any* process ends with a nonzero exit code. Files can still be read then.

    As a context manager it is released at the end. Any thread may use it.
    """

    def __init__(
        self, bridge: Bridge, request: pb.NewContainerRequest, common: pb.InitMessage
    ) -> None:
        self._bridge = bridge
        self.id = request.ContainerID
        self._mounts = tuple(request.Mounts)
        # The settings that all processes share.
        self._common = common
        self._starting = threading.Lock()
        self._first: Process | None = None
        self._running: list[Process] = []
        # The processes whose end stops the container: the first one, and those that failed.
        self._ends: list[Process] = []
        self._is_released = False
        check_cap(bridge, "gateway.exec")
        if request.extraHosts:
            self._require("gateway.exec.extrahosts")
        bridge.call("NewContainer", request, pb.NewContainerResponse)

    @checked(options=ProcessOptions)
    def start(
        self,
        command: str | Sequence[str],
        *,
        stdin: Stdin = None,
        stdout: Stdout = "pipe",
        stderr: Stderr = "pipe",
        **options: Unpack[ProcessOptions],
    ) -> Process:
        """Start a process and return once it runs; a string is run by ``/bin/sh -c``.

        ``stdin`` is None, the bytes to read, an open file with a descriptor, or ``pipe``: then write
        to ``stdin`` of the process. ``stdout`` and ``stderr`` are ``pipe``, to be read from the
        process; ``discard``; or a binary file, which a thread of the process writes to. ``stderr``
        may also be ``stdout``. More than 1 MiB of output that nobody reads or waits for blocks the
        process.

        A process with a terminal has one output, ``stdout``. The daemon's own terminal may consume
        input that is typed before the process shows anything; end the input with the byte 4, as at
        any terminal.

        A missing program makes the process fail, not this call. Raises InvalidValueError for
        invalid arguments and for a container that has ended, CapabilityError if the daemon is too
        old, RemoteError for a missing secret, and TransportError if the connection broke.
        """
        files = to_files(stdin, stdout, stderr)
        if options.get("tty") and isinstance(stdin, bytes):
            raise InvalidValueError(
                "invalid stdin: a terminal takes no bytes",
                hint="use stdin='pipe', and write once the process has shown something",
            )
        init = init_message(self._common, command, **options)
        if init.secretenv:
            self._require("gateway.exec.secretenv")
        # A second process waits until the first one has created the container.
        with self._starting:
            self._check_runs()
            self._check_secrets(init)
            process = Process(self._bridge.stream("ExecProcess"), init, files, self._require)
            self._first = self._first or process
            self._running.append(process)
        return process

    @checked(options=ProcessOptions)
    def run(
        self,
        command: str | Sequence[str],
        *,
        stdin: Stdin = None,
        stdout: Stdout = "pipe",
        stderr: Stderr = "pipe",
        check: bool = True,
        timeout: Duration | None = None,
        **options: Unpack[ProcessOptions],
    ) -> Completed:
        """Run a process to its end, and collect what it writes to the pipes.

        The arguments are those of :meth:`start`. Raises ProcessError for a nonzero exit code,
        unless ``check`` is false; CancelledError when ``timeout`` seconds are over, and kills the
        process; and the errors of :meth:`start` and :meth:`llb.gateway.Process.wait`.
        """
        if stdin == "pipe":
            raise InvalidValueError(
                "invalid stdin 'pipe': run() cannot write to it",
                hint="pass bytes, or start() the process",
            )
        started = self.start(command, stdin=stdin, stdout=stdout, stderr=stderr, **options)
        with started as process:
            code = process.wait(timeout)
            out = b"" if process.stdout is None else process.stdout.read()
            err = b"" if process.stderr is None else process.stderr.read()
        if check and code:
            raise process._error(out, err)
        return Completed(process.command, code, out, err)

    @checked
    def read_file(self, path: str) -> bytes:
        """Read a file as processes see it, whether or not one runs.

        ``path`` is absolute; links are followed only inside the same mount. Raises
        RemoteError, which is :func:`llb.gateway.is_not_found` if the file is missing, and
        CapabilityError. BuildKit before v0.34 cannot send a part of a file, so one of more
        than 16 MiB is a RemoteError too; the output of ``run(["cat", path])`` has no limit.
        """
        index, inside = self._locate(path)

        def read(start: int, count: int) -> bytes:
            request = pb.ReadFileRequest(
                Ref=self.id, FilePath=utf8.encode(inside), MountIndex=index
            )
            request.Range.CopyFrom(pb.FileRange(Offset=start, Length=count))
            return self._bridge.call("ReadFileContainer", request, pb.ReadFileResponse).Data

        with one_message(f"read {path}", "read the output of run(['cat', PATH])"):
            first = read(0, RANGE)
            # A daemon that ignores the range has sent the whole file, whatever its size.
            if len(first) != RANGE or self.stat_file(path).size == RANGE:
                return first
            return first + read_ranges(read, RANGE, 0)

    @checked
    def stat_file(self, path: str) -> FileStat:
        """Get the status of a file, except its owner; raises like :meth:`read_file`.

        A link is followed unless it leads out of its mount.
        """
        index, path = self._locate(path)
        request = pb.StatFileRequest(Ref=self.id, Path=utf8.encode(path), MountIndex=index)
        response = self._bridge.call("StatFileContainer", request, pb.StatFileResponse)
        return from_message(response.stat)

    @checked
    def read_dir(self, path: str) -> tuple[FileStat, ...]:
        """List a directory by name, without owners; raises like :meth:`read_file`.

        Mounts below it are not included.
        """
        index, inside = self._locate(path)
        request = pb.ReadDirRequest(Ref=self.id, DirPath=utf8.encode(inside), MountIndex=index)
        with one_message(f"list {path}", "list it with a process"):
            response = self._bridge.call("ReadDirContainer", request, pb.ReadDirResponse)
        return tuple(map(from_message, response.entries))

    def release(self) -> None:
        """Kill running processes and release the container; a second call does nothing.

        Raises RemoteError if the daemon fails, CancelledError after 30 seconds, and TransportError.
        """
        with self._starting:
            if self._is_released:
                return
            self._is_released = True
        self._forget_ended()
        # The daemon reports a failed or killed process as the error of the release.
        has_failed = bool(self._running) or any(process.exit_code != 0 for process in self._ends)
        for process in self._running:
            process._stop()
        try:
            self._bridge.call(
                "ReleaseContainer",
                pb.ReleaseContainerRequest(ContainerID=self.id),
                pb.ReleaseContainerResponse,
                timeout=_RELEASE_SECONDS,
            )
        except RemoteError:
            if not has_failed:
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
        # The first error matters.
        with suppress(LLBError):
            self.release()

    def _check_runs(self) -> None:
        """Raise InvalidValueError if no process can be started any more."""
        if self._is_released:
            raise InvalidValueError("the container was released")
        self._forget_ended()
        if self._ends:
            # A process that ended by itself is the cause of those that were killed.
            cause = min(
                self._ends, key=lambda process: (process.exit_code == _KILLED, process._ended)
            )
            code = cause.exit_code
            how = "could not be run" if code is None else f"ended with exit code {code}"
            raise InvalidValueError(
                f"the container has ended: {cause} {how}",
                hint="a container stops when its first process ends, or when any process fails; "
                "start it with a process that only waits: new_container(..., init=['cat'])",
            )

    def _forget_ended(self) -> None:
        for process in [process for process in self._running if process.is_over]:
            self._running.remove(process)
            process._end()
            if process.exit_code != 0 or process is self._first:
                self._ends.append(process)

    def _check_secrets(self, init: pb.InitMessage) -> None:
        """Raise RemoteError for a secret that the client does not have.

        If the secret of a variable is missing, daemons up to at least v0.32 never answer the
        call that starts the process. They do answer for the same secret mounted as a file, in a
        container on an empty tree: since v0.33, each needs one.
        """
        required = [secret.ID for secret in init.secretenv if not secret.optional]
        if not required:
            return
        mounts = [ops_pb2.Mount(dest="/")]
        mounts += [
            ops_pb2.Mount(
                dest=f"/{number}",
                mountType=ops_pb2.SECRET,
                secretOpt=ops_pb2.SecretOpt(ID=secret),
            )
            for number, secret in enumerate(required)
        ]
        request = pb.NewContainerRequest(ContainerID=new_id(), Mounts=mounts)
        self._bridge.call("NewContainer", request, pb.NewContainerResponse)
        release = pb.ReleaseContainerRequest(ContainerID=request.ContainerID)
        self._bridge.call("ReleaseContainer", release, pb.ReleaseContainerResponse)

    def _locate(self, path: str) -> tuple[int, str]:
        self._require("gateway.exec.filesystem")
        return locate_in_mount(path, self._mounts)

    def _require(self, cap: str) -> None:
        """Raise CapabilityError if the daemon lacks a capability."""
        check_cap(self._bridge, cap)


def check_cap(bridge: Bridge, cap: str) -> None:
    """Raise CapabilityError if the daemon lacks a capability of containers."""
    if cap not in bridge.caps.frontend:
        feature, since = _CAPS[cap]
        raise CapabilityError(f"this BuildKit does not support {feature}", cap=cap, since=since)


def new_container(
    bridge: Bridge,
    root: Ref,
    mounts: Iterable[RefMount | MountValue],
    *,
    init: str | Sequence[str] | None,
    hostname: str,
    network: Network | NetworkName,
    security: Security | SecurityName,
    extra_hosts: Mapping[str, str],
    platform: ops_pb2.Platform | None,
) -> Container:
    """Create a container for :meth:`llb.gateway.Gateway.new_container`."""
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
    return start_init(Container(bridge, request, common), init)


def step_container(bridge: Bridge, op: ops_pb2.Op, trees: Iterable[Ref]) -> Container:
    """Create a container with the mounts and settings of a process that is a step.

    ``trees`` are mounted in its mounts, in their order. Processes inherit the variables, the
    working directory and the user of the step.
    """
    step = op.exec
    request = pb.NewContainerRequest(
        ContainerID=new_id(),
        Mounts=map(_with_tree, step.mounts, trees),
        Network=step.network,
        platform=op.platform,
        extraHosts=step.meta.extraHosts,
        hostname=step.meta.hostname,
    )
    common = pb.InitMessage(
        ContainerID=request.ContainerID,
        Meta=ops_pb2.Meta(env=step.meta.env, cwd=step.meta.cwd, user=step.meta.user),
        Security=step.security,
        secretenv=step.secretenv,
    )
    return Container(bridge, request, common)


def _with_tree(mount: ops_pb2.Mount, tree: Ref) -> ops_pb2.Mount:
    """Copy a mount of a step for a container, with the tree that is mounted there."""
    copied = ops_pb2.Mount()
    copied.CopyFrom(mount)
    copied.resultID = tree.id
    return copied


def start_init(container: Container, init: str | Sequence[str] | None) -> Container:
    """Start the first process of a container, if any, and return the container."""
    if init is not None:
        try:
            container.start(init, stdin="pipe", stdout="discard", stderr="discard")
        except BaseException:
            with suppress(LLBError):
                container.release()
            raise
    return container


def new_id() -> str:
    """Generate a container ID, which the client chooses."""
    return os.urandom(16).hex()
