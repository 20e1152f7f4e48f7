"""A connection that can be cut: a socket before that of a daemon."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Relay:
    """A socket before a daemon's, whose connections can be cut one by one."""

    def __init__(self, daemon: str, path: Path) -> None:
        self.address = f"unix://{path}"
        self._daemon = daemon.removeprefix("unix://")
        self._sockets: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._newest = self._listening
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_newest(self) -> None:
        """Cut the connection that was made last, which is that of the session."""
        self._newest.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in (self._listening, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(self._daemon)
                self._sockets += [client, daemon]
                self._newest = client
                for source, target in ((client, daemon), (daemon, client)):
                    threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
