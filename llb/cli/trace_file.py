"""``--trace``: append the events of a build to a file, as JSON lines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb.errors import InputError

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
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.progress.raw_reports import to_line  # noqa: PLC0415

    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    with file:

        def handle(report: Report) -> None:
            file.write(to_line(report) + "\n")
            if forward is not None:
                forward(report)

        yield handle
