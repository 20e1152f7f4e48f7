"""Input and output of a process in a container, as files.

All files of a process share one stream with the daemon, so unread output of one blocks the
others. :class:`Flow` therefore holds the stream back only while no reader waits.
"""

from __future__ import annotations

import errno
import io
import os
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from attrs import frozen

from llb.errors import InvalidValueError, did_you_mean
from llb.gateway.exec_stream import STDERR, STDOUT
from llb.grpc import readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import ReadableBuffer, WriteableBuffer


class ReadableFile(Protocol):
    """A file with a descriptor, from which a process reads."""

    def fileno(self) -> int:
        """Return the file descriptor."""


class WritableFile(Protocol):
    """A buffered binary file, to which a process writes."""

    def write(self, data: bytes, /) -> object:
        """Write all of ``data``."""

    def flush(self) -> object:
        """Empty the buffer."""


Stdin: TypeAlias = bytes | ReadableFile | Literal["pipe"] | None
Stdout: TypeAlias = WritableFile | Literal["pipe", "discard"]
Stderr: TypeAlias = WritableFile | Literal["pipe", "discard", "stdout"]

# Unread bytes of output above which the process has to wait.
_HELD = 1024 * 1024
# The daemon forwards input message by message; its own messages have 32 KiB.
_PIECE = 64 * 1024


@frozen
class ProcessFiles:
    """The checked input and outputs of a process; an ``int`` is a file descriptor."""

    stdin: bytes | int | Literal["pipe"] | None
    stdout: Stdout
    stderr: Stderr


def to_files(stdin: Stdin, stdout: Stdout, stderr: Stderr) -> ProcessFiles:
    """Check the input and outputs of a process. Raises InvalidValueError."""
    _check_output(stdout, "stdout", ("pipe", "discard"))
    _check_output(stderr, "stderr", ("pipe", "discard", "stdout"))
    if stdin is None or stdin == "pipe" or isinstance(stdin, bytes):
        return ProcessFiles(stdin, stdout, stderr)
    try:
        return ProcessFiles(stdin.fileno(), stdout, stderr)
    except (AttributeError, OSError, ValueError) as error:
        raise InvalidValueError(
            f"invalid stdin {stdin!r}: expected bytes, an open file with a descriptor, or 'pipe'",
            hint="pass the content of any other file: stdin=file.read()",
        ) from error


def _check_output(sink: object, parameter: str, names: tuple[str, ...]) -> None:
    if sink not in names and not hasattr(sink, "write"):
        raise InvalidValueError(
            f"invalid {parameter} {sink!r}: expected {', '.join(names)}, or a binary file",
            hint=did_you_mean(str(sink), names),
        )
    if isinstance(sink, io.TextIOBase):
        raise InvalidValueError(
            f"invalid {parameter}: expected a binary file, got a text file",
            hint=f"pass its buffer: {parameter}=file.buffer",
        )


class Flow:
    """The condition that the files of a process share, and the size of the unread output.

    While a thread waits, for output of another file or the end of the process, output is not
    held back: what nobody reads is kept in memory. An operating system pipe would deadlock here.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._held = 0
        self._waiting = 0
        self._is_open = False

    def arrived(self, size: int) -> None:
        """Count output that arrived, and wait until there is room for more. Needs the lock."""
        self._held += size
        self.changed.notify_all()
        while self._held > _HELD and not self._waiting and not self._is_open:
            self.changed.wait()

    def consumed(self, size: int) -> None:
        """Count output that was read. Needs the lock."""
        self._held -= size
        self.changed.notify_all()

    def wait_for(self, is_true: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until the condition is true; return False after ``timeout`` seconds.

        Needs the lock.
        """
        end = None if timeout is None else monotonic() + timeout
        self._waiting += 1
        self.changed.notify_all()
        try:
            while not is_true():
                left = None if end is None else end - monotonic()
                if left is not None and left <= 0:
                    return False
                self.changed.wait(left)
        finally:
            self._waiting -= 1
        return True

    def open(self) -> None:
        """Stop holding output back."""
        with self.changed:
            self._is_open = True
            self.changed.notify_all()


class Output(io.RawIOBase):
    """Output of a process, readable once.

    After the last byte, reading raises the error that cut the output off, if any.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._pieces: deque[memoryview] = deque()
        self._has_ended = False
        self._failure: BaseException | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what has arrived; wait only if nothing has."""
        target = memoryview(buffer).cast("B")
        flow = self._flow
        with flow.changed:
            if not self._pieces:
                flow.wait_for(lambda: bool(self._pieces) or self._has_ended)
            if not self._pieces:
                if self._failure is not None:
                    raise self._failure
                return 0
            piece = self._pieces.popleft()
            size = min(len(piece), len(target))
            target[:size] = piece[:size]
            if size < len(piece):
                self._pieces.appendleft(piece[size:])
            flow.consumed(size)
        return size

    def put(self, data: bytes) -> None:
        """Add output of the process; waits while too much of it is unread."""
        with self._flow.changed:
            if not self.closed and data:
                self._pieces.append(memoryview(data))
                self._flow.arrived(len(data))

    def end(self, failure: BaseException | None = None) -> None:
        """End the output, with the error that cut it off, if any."""
        with self._flow.changed:
            if not self._has_ended:
                self._has_ended, self._failure = True, failure
                self._flow.changed.notify_all()

    def close(self) -> None:
        """Discard unread output, and all output to come."""
        with self._flow.changed:
            if not self.closed:
                super().close()
                self._flow.consumed(sum(map(len, self._pieces)))
                self._pieces.clear()


class Outputs:
    """The files that take the output of a process, by file descriptor."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        # None keeps nothing.
        self._files: dict[int, Output | WritableFile | None] = {}

    @property
    def fds(self) -> tuple[int, ...]:
        """The file descriptors that the daemon has to serve."""
        return tuple(sorted(self._files))

    def add(self, fd: int, sink: Stderr) -> io.BufferedReader | None:
        """Choose the file for a descriptor; return the file to read it from if it is a pipe."""
        match sink:
            case "pipe":
                output = Output(self._flow)
                self._files[fd] = output
                return io.BufferedReader(output)
            case "stdout":
                self._files[fd] = self._files.get(STDOUT)
            case "discard":
                # A process that fails is reported with the last lines of its errors.
                if fd == STDERR:
                    self._files[fd] = None
            case _:
                self._files[fd] = sink
        return None

    def write(self, fd: int, data: bytes) -> None:
        """Write output to its file; raises the exceptions of a file of the caller."""
        file = self._files[fd]
        if isinstance(file, Output):
            file.put(data)
        elif file is not None:
            file.write(data)
            file.flush()

    def end(self, fd: int, failure: BaseException | None) -> None:
        """End the output of a descriptor; a pipe ends with the last descriptor that uses it."""
        file = self._files.pop(fd)
        if isinstance(file, Output) and all(other is not file for other in self._files.values()):
            file.end(failure)


class Input(io.RawIOBase):
    """Input of a process: every write is sent at once, and closing the file ends the input.

    Writing raises BrokenPipeError if the process reads no more.
    """

    def __init__(self, send: Callable[[bytes | None], bool]) -> None:
        # Sends bytes, or None for their end; returns whether the process still reads.
        self._send = send
        self._writing = threading.Lock()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Send all of ``data``; waits while the process reads nothing."""
        view = memoryview(data).cast("B")
        with self._writing:
            if self.closed:
                raise ValueError("write to closed file")
            for start in range(0, len(view), _PIECE):
                if not self._send(bytes(view[start : start + _PIECE])):
                    raise BrokenPipeError(errno.EPIPE, "the process has ended")
        return len(view)

    def close(self) -> None:
        """End the input."""
        with self._writing:
            if not self.closed:
                super().close()
                self._send(None)


class Feeder:
    """A thread that sends bytes or the content of a descriptor until either side ends."""

    def __init__(self, source: bytes | int, target: Input, fail: Callable[[OSError], None]) -> None:
        self._source = source
        self._target = target
        self._fail = fail
        self._waker = readiness.Waker()
        self._thread = threading.Thread(target=self._feed, name="process-stdin", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the thread, and wait for its end if it can be woken from waiting for a descriptor."""
        self._waker.wake()
        if readiness.ALL_CAN_WAIT or isinstance(self._source, bytes):
            self._thread.join()
        self._waker.close()

    def _feed(self) -> None:
        try:
            if isinstance(self._source, bytes):
                self._target.write(self._source)
            else:
                for data in self._read(self._source):
                    self._target.write(data)
        except BrokenPipeError:
            # A process need not read all of its input.
            pass
        except OSError as error:
            self._fail(error)
        self._target.close()

    def _read(self, descriptor: int) -> Iterator[bytes]:
        """Read a descriptor up to its end, or until the thread is stopped."""
        while not readiness.ALL_CAN_WAIT or self._waker.wait_to_read(descriptor):
            data = os.read(descriptor, _PIECE)
            if not data:
                return
            yield data
