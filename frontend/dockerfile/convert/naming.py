"""The names of steps as a progress display shows them: ``[stage 2/5] RUN make``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attrs import define

from frontend.dockerfile.expand import ExpansionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontend.dockerfile.expand import Expander

COMMAND = "com.docker.dockerfile.v1.command"


@define
class Numbering:
    """Numbers the steps of a stage; ``label`` is empty where it is the only stage.

    ``prefix`` stands before what a step does.
    """

    label: str
    total: int
    count: int = 0
    prefix: str = ""

    def next(self, text: str) -> str:
        """Return ``text`` with the next number in front."""
        if self.total == 0:
            return text
        self.count += 1
        width = int(1 + math.log10(self.total))
        label = f"{self.label} " if self.label else ""
        return f"[{label}{self.count:>{width}}/{self.total}] {self.prefix}{text}"


def expanded_code(code: str, expander: Expander, env: Mapping[str, str]) -> str:
    """Return an instruction's text with its variables replaced and its name in capitals."""
    try:
        text = expander.word(code, env)
    except ExpansionError:
        text = code
    name, space, rest = text.partition(" ")
    return f"{name.upper()}{space}{rest}"
