"""What of a Dockerfile cannot be written in Python."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it is no error: the Dockerfile is used as it is
    """A stage that cannot be written out; the text says why, ``line`` is where."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
