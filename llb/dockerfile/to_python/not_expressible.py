"""Signal that a part of a Dockerfile cannot be expressed in Python."""

from __future__ import annotations


class NotExpressible(Exception):  # noqa: N818 - not an error: the Dockerfile is used instead
    """A stage that cannot be converted: the ``reason`` and the ``line``."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
