"""A connection that can be cut, or fall silent: a socket before that of a daemon."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A program of one instruction, which takes nothing of any packet (linux/filter.h).
SO_ATTACH_FILTER = 26
RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)


class Relay:
    """A socket before a daemon's, whose connections can be cut one by one.

    It has a path, or else a port of the loopback.
    """

    def __init__(self, daemon: str, path: Path | None = None) -> None:
        self._daemon = daemon.removeprefix("unix://")
        self._clients: list[socket.socket] = []
        self._daemons: list[socket.socket] = []
        self._silent = False
        if path is None:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        else:
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(str(path))
            self._listening.listen()
            self.address = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_newest(self) -> None:
        """Cut the connection that was made last, which is that of the session."""
        self._clients[-1].shutdown(socket.SHUT_RDWR)

    def cut_all(self) -> None:
        """Cut every connection."""
        for each in self._clients:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def fall_silent(self) -> None:
        """Lose every packet of the connections that there are, as a network does that is gone."""
        self._silent = True
        program = ctypes.create_string_buffer(RETURN_NOTHING)
        taking_nothing = struct.pack("HL", 1, ctypes.addressof(program))
        for each in self._clients:
            each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, taking_nothing)

    def close(self) -> None:
        for each in (self._listening, *self._clients, *self._daemons):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(self._daemon)
                self._clients.append(client)
                self._daemons.append(daemon)
                for source, target in ((client, daemon), (daemon, client)):
                    threading.Thread(
                        target=self._pass_on, args=(source, target), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self._silent:
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
