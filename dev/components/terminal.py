"""A program on a terminal of its own, and what stands on its screen; needs pyte."""

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

# Makes the terminal that of the program's session, so that signals of it arrive.
_LOGIN = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"
# pyte knows no faint letters; they are kept as italics.
_FAINT, _ITALICS = b"\x1b[2m", b"\x1b[3m"


class Terminal:
    """A program that runs on a terminal of a size; used as a context, at whose end it ends."""

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
        """End the program, where it still runs, and its terminal."""
        self.process.terminate()
        self.process.wait()
        os.close(self._controller)

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without blanks at their ends."""
        return [row.rstrip() for row in self.screen.display]

    def read(self, seconds: float) -> bool:
        """Take in what the program draws for some time; return whether it goes on."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._is_drawing(left):
                return True
            if not self._take():
                return False
        return True

    def type(self, text: str) -> None:
        """Send a text to the program."""
        os.write(self._controller, text.encode())

    def wait_for(self, seen: Callable[[list[str]], bool], seconds: float = 120) -> None:
        """Read until the rows are as wanted; raises AssertionError when they never are."""
        end = time.monotonic() + seconds
        while not seen(self.rows):
            goes_on = self.read(0.1) and time.monotonic() < end
            assert goes_on or seen(self.rows), "\n".join(self.rows)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size; what no longer fits into a row goes on in the next one."""
        # What the program has drawn is for the old size.
        while self._is_drawing(0) and self._take():
            pass
        screen = pyte.Screen(columns, lines)
        text = "\r\n".join(self.screen.display[: self.screen.cursor.y + 1])
        pyte.Stream(screen).feed(text)
        self._put_screen(screen)
        self._put_size(columns, lines)

    def _is_drawing(self, seconds: float) -> bool:
        """Return whether the program draws something within some seconds."""
        return bool(select.select([self._controller], [], [], seconds)[0])

    def _take(self) -> bool:
        """Take in what the program has drawn; return whether it goes on."""
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
