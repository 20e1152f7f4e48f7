"""Capture what a build file prints and logs, and show it as steps of the build.

The standard streams of a frontend belong to the daemon, and users never see them. Users do see
the names of steps, so each line of output becomes the name of a trivial step.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, field

from llb import Scratch
from llb.buildfile import guards
from llb.errors import RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.gateway import Gateway

_LINES = 100
_WIDTH = 500
# The private package of a build file's modules (llb.buildfile.loading).
_PACKAGE = re.compile(r"__build_[0-9]+__\.")


@define
class CapturedOutput:
    """The captured output of a build file, by lines; safe for use by several threads."""

    filename: str
    _lines: list[str] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def add(self, line: str) -> None:
        """Add a line."""
        with self._lock:
            self._lines.append(line)

    def show(self, gateway: Gateway) -> None:
        """Show the lines that were added since the last call."""
        with self._lock:
            lines, self._lines = self._lines, []
        if len(lines) > _LINES:
            lines = [*lines[:_LINES], f"... and {len(lines) - _LINES} more lines"]
        state = Scratch()
        for line in lines:
            name = f"[{self.filename}] {line[:_WIDTH]}"
            state = state.mkfile("/line", line, name=name, locations=())
        if lines:
            gateway.solve(state.marshal(), evaluate=True)

    @contextmanager
    def capture(self, gateway: Gateway) -> Iterator[None]:
        """Capture what the process prints and logs, and show it at the end of the context."""
        try:
            with self._redirect():
                yield
        finally:
            # A failing build reports its own error.
            with suppress(RemoteError, TransportError):
                self.show(gateway)

    @contextmanager
    def capture_prints(self, gateway: Gateway) -> Iterator[None]:
        """Capture what build files print in this context, and show it at the end.

        The standard streams of the process stay as they are: others in the process use them.
        """
        stream = _Stream(self)
        token = guards.PRINT_STREAM.set(stream)
        try:
            yield
        finally:
            guards.PRINT_STREAM.reset(token)
            stream.end()
            with suppress(RemoteError, TransportError):
                self.show(gateway)

    @contextmanager
    def _redirect(self) -> Iterator[None]:
        before, level = (sys.stdout, sys.stderr), logging.root.level
        handler = logging.StreamHandler(stream := _Stream(self))
        handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
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


class _Formatter(logging.Formatter):
    """Shows the loggers of a build file's modules under the names that its author gave them."""

    def format(self, record: logging.LogRecord) -> str:
        return _PACKAGE.sub("", super().format(record), count=1)


class _Stream(io.TextIOBase):
    """A text stream that passes on whole lines, buffered per thread."""

    def __init__(self, output: CapturedOutput) -> None:
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
        """Pass on unfinished lines."""
        for line in filter(None, self._open.values()):
            self._output.add(line)
