"""A file that what happens in a build is added to, as lines of JSON."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.client.progress.raw_reports import Report


@contextmanager
def traced(
    path: Path | None, beside: Callable[[Report], None] | None
) -> Iterator[Callable[[Report], None] | None]:
    """Give what takes reports: ``beside``, and the file if there is one. Raises InputError."""
    if path is None:
        yield beside
        return
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.progress.raw_reports import to_line  # noqa: PLC0415

    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    with file:

        def take(report: Report) -> None:
            file.write(to_line(report) + "\n")
            if beside is not None:
                beside(report)

        yield take
