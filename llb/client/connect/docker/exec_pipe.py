"""The input and output of a process in a container, as a pipe.

Docker sends the output of a process without a terminal in frames: a byte for the stream, three zero
bytes, the length in four bytes, and the data (Engine API, "Attach to a container").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.grpc import Pipe

_HEADER = 8
_STDERR = 2
_KEPT_BYTES = 4096
_NOT_FOUND = ("executable file not found", "no such file or directory")


class ExecPipe:
    """A pipe to ``buildctl dial-stdio`` in a container, over a connection that it owns.

    ``exit_code`` asks for the status of the process after its end. Docker writes the errors of a
    process that does not start to its standard output. The first byte reveals this: a daemon starts
    with an HTTP/2 SETTINGS frame, which begins with a zero byte (RFC 9113, 3.4 and 4.1).
    """

    def __init__(self, pipe: Pipe, container: str, exit_code: Callable[[], int | None]) -> None:
        self._pipe = pipe
        self._container = container
        self._exit_code = exit_code
        self._frames = frames(pipe.read)
        self._stderr = bytearray()
        self._has_started = False
        self._is_closed = False
        self.write = pipe.write

    def read(self) -> bytes:
        """Read what the process writes to its standard output, ``b""`` at its end.

        Raises TransportError with the standard error of a process that fails.
        """
        for stream, data in self._frames:
            if stream == _STDERR:
                self._stderr = (self._stderr + data)[-_KEPT_BYTES:]
            elif data:
                if not self._has_started and data[0]:
                    raise self._start_error(data)
                self._has_started = True
                return data
        self._check_end()
        return b""

    def close(self) -> None:
        """Close both directions, which ends the process."""
        self._is_closed = True
        self._pipe.close()

    def _start_error(self, data: bytes) -> TransportError:
        text = _one_line(data[:_KEPT_BYTES])
        if any(words in text for words in _NOT_FOUND):
            return TransportError(
                f"the container {self._container} has no buildctl",
                hint="use a container with BuildKit, for example of the image moby/buildkit",
            )
        return TransportError(f"docker says: {text}")

    def _check_end(self) -> None:
        """Raise TransportError with the reason, unless the process succeeded or we closed it."""
        if self._is_closed:
            return
        status, message = self._exit_code(), _one_line(bytes(self._stderr))
        if status or message:
            how = "" if status is None else f" with exit status {status}"
            raise TransportError(
                f"buildctl in the container {self._container} ended{how}"
                f"{': ' if message else ''}{message}",
                hint="check whether the container runs a buildkitd, and look at its log",
            )


def frames(read: Callable[[], bytes]) -> Iterator[tuple[int, bytes]]:
    r"""Yield the streams and data of the frames of an output, the data in pieces as they arrive.

    >>> list(frames(iter([b"\1\0\0\0\0\0\0\2o", b"k\2\0\0\0\0\0\0\0", b""]).__next__))
    [(1, b'o'), (1, b'k')]
    """
    buffer = b""
    while True:
        while len(buffer) < _HEADER:
            data = read()
            if not data:
                return
            buffer += data
        stream, size = buffer[0], int.from_bytes(buffer[4:_HEADER], "big")
        buffer = buffer[_HEADER:]
        while size:
            piece, buffer = buffer[:size], buffer[size:]
            if not piece and not (buffer := read()):
                return
            if piece:
                size -= len(piece)
                yield stream, piece


def _one_line(data: bytes) -> str:
    return " ".join(data.decode(errors="replace").split())
