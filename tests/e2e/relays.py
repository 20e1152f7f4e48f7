"""A relay in front of a daemon's socket: its connections can be cut, paused or silenced."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A BPF program of one instruction, which drops every packet (linux/filter.h).
SO_ATTACH_FILTER = 26
RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)


class Relay:
    """A socket in front of a daemon's socket, whose connections can be cut one by one.

    It listens on a Unix socket at ``path``, or else on a port of the loopback interface.
    """

    def __init__(self, daemon: str, path: Path | None = None) -> None:
        self._daemon = daemon.removeprefix("unix://")
        self._clients: list[socket.socket] = []
        self._daemons: list[socket.socket] = []
        self._silent = False
        self._pauses: list[tuple[int, Callable[[], None]]] = []
        self._interruption: Callable[[], Interruption] | None = None
        if path is None:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        else:
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(str(path))
            self._listening.listen()
            self.address = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def pause_after(self, size: int, work: Callable[[], None]) -> None:
        """Call ``work`` when a connection has relayed ``size`` bytes in one direction.

        No further bytes pass until ``work`` returns. A larger transfer is therefore incomplete.
        """
        self._pauses.append((size, work))

    def interrupt(self, first: bytes, last: bytes, work: Callable[[], None]) -> None:
        """Call ``work`` when a client has sent ``last``, before the daemon has received ``first``.

        The relay holds back the client's bytes, starting with ``first``, until ``work`` returns.
        """
        self._interruption = lambda: Interruption(first, last, work)

    def cut_newest(self) -> None:
        """Cut the newest connection, which is the connection of the session."""
        self._clients[-1].shutdown(socket.SHUT_RDWR)

    def cut_all(self) -> None:
        """Cut every connection."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def fall_silent(self) -> None:
        """Drop every packet of the existing connections, as a network does that has failed."""
        self._silent = True
        program = ctypes.create_string_buffer(RETURN_NOTHING)
        filter_option = struct.pack("HL", 1, ctypes.addressof(program))
        for client in self._clients:
            client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_option)

    def close(self) -> None:
        for connection in (self._listening, *self._clients, *self._daemons):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                daemon = socket.socket(socket.AF_UNIX)
                self._clients.append(client)
                self._daemons.append(daemon)
                try:
                    daemon.connect(self._daemon)
                except OSError:
                    client.shutdown(socket.SHUT_RDWR)
                    continue
                for work in (self._pass_to_daemon, self._pass_to_client):
                    threading.Thread(target=work, args=(client, daemon), daemon=True).start()

    def _pass_to_daemon(self, client: socket.socket, daemon: socket.socket) -> None:
        if self._interruption is None:
            self._pass_on(client, daemon, lambda data: data)
        else:
            self._pass_on(client, daemon, self._interruption().filter_held)

    def _pass_to_client(self, client: socket.socket, daemon: socket.socket) -> None:
        self._pass_on(daemon, client, lambda data: data)

    def _pass_on(
        self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]
    ) -> None:
        relayed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self._silent:
                    return
                if self._pauses and relayed > self._pauses[0][0]:
                    self._pauses.pop()[1]()
                target.sendall(change(data))
                relayed += len(data)
        # The other side sees every end of the connection, including a reset.
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Interruption:
    """A call of ``work`` during which the bytes of one connection are held back."""

    def __init__(self, first: bytes, last: bytes, work: Callable[[], None]) -> None:
        self._first = first
        self._last = last
        self._work: Callable[[], None] | None = work
        self._held = b""

    def filter_held(self, data: bytes) -> bytes:
        """Take the next bytes from the client; return those to relay now, including held ones."""
        if self._work is None:
            return data
        held = self._held + data
        if self._first not in held:
            return data
        self._held = held
        if self._last not in held:
            return b""
        work, self._work = self._work, None
        work()
        return held
