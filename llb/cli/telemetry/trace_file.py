"""``--trace``: append the events of a build to a file, as JSON lines."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.errors import InputError

with lazy_imports(__name__):
    from llb.client.progress import raw_reports  # 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.client.progress.raw_reports import Report


@contextmanager
def trace_to(
    path: Path | None, forward: Callable[[Report], None] | None
) -> Iterator[Callable[[Report], None] | None]:
    """Yield a report handler that writes to the file, if any, and calls ``forward``.

    Raises InputError if the file cannot be written.
    """
    if path is None:
        yield forward
        return

    try:
        file = open(path, "a", encoding="utf-8", opener=_open_private)  # noqa: SIM115 - with an opener
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    with file:

        def handle(report: Report) -> None:
            file.write(raw_reports.to_line(report) + "\n")
            if forward is not None:
                forward(report)

        yield handle


def _open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read if it is new: build args are in it."""
    return os.open(path, flags, 0o600)
