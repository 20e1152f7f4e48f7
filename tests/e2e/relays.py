"""A connection that can be cut, paused, or fall silent: a socket before that of a daemon."""

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
        """Call ``work`` when a connection has passed on ``size`` bytes in one direction.

        No further bytes pass until it returns, so that a larger transfer is always incomplete.
        """
        self._pauses.append((size, work))

    def interrupt(self, first: bytes, last: bytes, work: Callable[[], None]) -> None:
        """Call ``work`` when a client has sent ``last``, before the daemon has received ``first``.

        What the client sends from ``first`` on is held back until ``work`` returns.
        """
        self._interruption = lambda: Interruption(first, last, work)

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
            self._pass_on(client, daemon, self._interruption().passed_on)

    def _pass_to_client(self, client: socket.socket, daemon: socket.socket) -> None:
        self._pass_on(daemon, client, lambda data: data)

    def _pass_on(
        self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]
    ) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self._silent:
                    return
                if self._pauses and passed > self._pauses[0][0]:
                    self._pauses.pop()[1]()
                target.sendall(change(data))
                passed += len(data)
        # The other side learns of every end, of a reset connection too.
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Interruption:
    """A call of ``work`` while the bytes of one connection are held back."""

    def __init__(self, first: bytes, last: bytes, work: Callable[[], None]) -> None:
        self._first = first
        self._last = last
        self._work: Callable[[], None] | None = work
        self._held = b""

    def passed_on(self, data: bytes) -> bytes:
        """Return the bytes to pass on now, including those that were held back."""
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
