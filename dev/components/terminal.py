"""Run a program on a pseudo-terminal and read its screen; needs pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Makes it the controlling terminal of the program, which then receives its signals.
_LOGIN = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"
# pyte does not support faint text, so it is shown as italics.
_FAINT, _ITALICS = b"\x1b[2m", b"\x1b[3m"


class Terminal:
    """A program on a terminal of a given size; leaving the ``with`` block ends the program."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int,
        lines: int,
        environ: Mapping[str, str],
    ) -> None:
        self._controller, terminal = pty.openpty()
        self._put_size(columns, lines)
        self._put_screen(pyte.Screen(columns, lines))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LOGIN, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**environ, "TERM": "xterm-256color"},
        )
        os.close(terminal)

    def __enter__(self) -> Self:
        """Return the terminal itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the program, if it still runs, and close its terminal."""
        self.process.terminate()
        # An interactive shell ends with its terminal only.
        os.close(self._controller)
        self.process.wait()

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without trailing spaces."""
        return [row.rstrip() for row in self.screen.display]

    def read(self, seconds: float) -> bool:
        """Read the program's output for some time; return False if the program ends."""
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            if not self._is_drawing(remaining):
                return True
            if not self._read_output():
                return False
        return True

    def type(self, text: str) -> None:
        """Send a string to the program."""
        os.write(self._controller, text.encode())

    def wait_for(self, condition: Callable[[list[str]], bool], seconds: float = 120) -> None:
        """Read until the rows fulfill a condition. Raises AssertionError if they never do."""
        deadline = time.monotonic() + seconds
        while not condition(self.rows):
            may_continue = self.read(0.1) and time.monotonic() < deadline
            assert may_continue or condition(self.rows), "\n".join(self.rows)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size; rows that no longer fit are wrapped."""
        # Pending output is for the old size.
        while self._is_drawing(0) and self._read_output():
            pass
        screen = pyte.Screen(columns, lines)
        text = "\r\n".join(self.screen.display[: self.screen.cursor.y + 1])
        pyte.Stream(screen).feed(text)
        self._put_screen(screen)
        self._put_size(columns, lines)

    def _is_drawing(self, seconds: float) -> bool:
        """Wait some seconds for output of the program; return whether there is any."""
        return bool(select.select([self._controller], [], [], seconds)[0])

    def _read_output(self) -> bool:
        """Read pending output; return False if the program ended."""
        try:
            data = os.read(self._controller, 1 << 16)
        except OSError:
            # The last program has closed the terminal.
            return False
        self._stream.feed(data.replace(_FAINT, _ITALICS))
        return True

    def _put_screen(self, screen: pyte.Screen) -> None:
        self.screen = screen
        self._stream = pyte.ByteStream(screen)

    def _put_size(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._controller, termios.TIOCSWINSZ, size)
