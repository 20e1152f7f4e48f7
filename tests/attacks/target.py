"""A target of the fuzzer: a parser of what peers send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random

ACCEPTED = "accepted"


class Target(Protocol):
    """A parser: ``run`` returns ``accepted``, or the name of the error that it is meant to raise."""

    name: str

    def run(self, random: Random) -> str:
        """Mutate a valid input, and parse it; every exception is a fault."""

    def close(self) -> None:
        """Remove what the runs have created."""
