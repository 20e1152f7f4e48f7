"""What a build file prints and logs, shown as steps of the build.

Nobody sees what a frontend writes: its streams are the daemon's. What everybody sees are the
names of steps, so each line is the name of one that makes next to nothing.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, field

from llb import Scratch
from llb.errors import RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.gateway import Gateway

_LINES = 100
_WIDTH = 500


@define
class Output:
    """The lines that a build file has written; safe for use by several threads."""

    filename: str
    _lines: list[str] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def add(self, line: str) -> None:
        """Add a line."""
        with self._lock:
            self._lines.append(line)

    def show(self, gateway: Gateway) -> None:
        """Show the lines that were added since the last time."""
        with self._lock:
            lines, self._lines = self._lines, []
        if len(lines) > _LINES:
            lines = [*lines[:_LINES], f"... and {len(lines) - _LINES} lines more"]
        state = Scratch()
        for line in lines:
            name = f"[{self.filename}] {line[:_WIDTH]}"
            state = state.mkfile("/line", line, name=name, locations=())
        if lines:
            gateway.solve(state.marshal(), evaluate=True)

    @contextmanager
    def shown(self, gateway: Gateway) -> Iterator[None]:
        """Take what the process prints and logs meanwhile, and show it at the end."""
        try:
            with self._taken():
                yield
        finally:
            # A build that fails has its own error to tell.
            with suppress(RemoteError, TransportError):
                self.show(gateway)

    @contextmanager
    def _taken(self) -> Iterator[None]:
        before, level = (sys.stdout, sys.stderr), logging.root.level
        handler = logging.StreamHandler(stream := _Stream(self))
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logging.root.addHandler(handler)
        logging.root.setLevel(logging.INFO)
        sys.stdout, sys.stderr = stream, stream
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
            logging.root.removeHandler(handler)
            logging.root.setLevel(level)
            stream.end()


class _Stream(io.TextIOBase):
    """A stream for text that hands on lines, of which each thread has its own."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._open: dict[int, str] = {}

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        *lines, self._open[thread] = (self._open.get(thread, "") + text).split("\n")
        for line in lines:
            self._output.add(line)
        return len(text)

    def end(self) -> None:
        """Hand on the lines that have no end."""
        for line in filter(None, self._open.values()):
            self._output.add(line)
