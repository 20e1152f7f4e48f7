"""A socket of this process, for grpc to connect to, before a pipe that grpc cannot dial."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from llb.errors import LLBError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.tunnel import Pipe

_CHUNK = 2**18
_CREDENTIALS = struct.Struct("3i")
_CLOSE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1


class Relay:
    """Connections to ``target``, in grpc's words, each of which goes on through a pipe of its own.

    The socket has a name of the kernel's and no file, so that nothing is left behind by a
    process that dies; and only this process is served. ``dial`` opens a pipe and raises
    TransportError; ``problem`` is why the last one could not be opened, or broke, and
    ``has_answered`` whether anything ever came through one.
    """

    def __init__(self, dial: Callable[[], Pipe]) -> None:
        self.problem: str | None = None
        self.has_answered = False
        self._dial = dial
        self._lock = threading.Lock()
        self._closed = False
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listening = socket.socket(socket.AF_UNIX)
        # No name is Linux's word for one of the kernel's choice (unix(7), autobind).
        self._listening.bind("")
        self._listening.listen()
        name: bytes = self._listening.getsockname()
        self.target = f"unix-abstract:{name[1:].decode()}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """End all connections and their pipes; a second call does nothing."""
        with self._lock:
            self._closed = True
            connections = dict(self._connections)
        for each in (self._listening, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in (self._accepting, *connections.values()):
            thread.join(_CLOSE_SECONDS)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                if self._closed:
                    return
                # What is short now, such as descriptors, may be there later.
                time.sleep(_PAUSE_SECONDS)
                continue
            if _peer(connection) != os.getpid():
                connection.close()
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._connections[connection] = thread
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            pipe = self._dial()
        except LLBError as error:
            self.problem = error.message
        except OSError as error:
            self.problem = error.strerror
        else:
            self.problem = None
            self._pass_on(connection, pipe)
        with self._lock:
            del self._connections[connection]
        connection.close()

    def _pass_on(self, connection: socket.socket, pipe: Pipe) -> None:
        sending = threading.Thread(target=_send, args=(connection, pipe), daemon=True)
        sending.start()
        try:
            while data := pipe.read():
                self.has_answered = True
                connection.sendall(data)
        except TransportError as error:
            # It is there before grpc is told that the connection ended.
            self.problem = error.message
        except OSError:
            # grpc has closed its side.
            pass
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        pipe.close()
        sending.join()


def _send(connection: socket.socket, pipe: Pipe) -> None:
    """Pass on what grpc writes, and end the pipe with it."""
    try:
        while data := connection.recv(_CHUNK):
            pipe.write(data)
    except TransportError:
        # Why the pipe broke is for who reads it to find out.
        return
    except OSError:
        pass
    pipe.close()


def _peer(connection: socket.socket) -> int:
    """Return the process at the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process: int = _CREDENTIALS.unpack(found)[0]
    return process
