"""A queue of texts in a directory that the web service and the worker share."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(os.environ.get("QUEUE", "/queue"))


def put(text: str) -> str:
    """Add a text to the queue."""
    name = uuid.uuid4().hex
    (FOLDER / f"{name}.new").write_text(text)
    return name


def take() -> Iterator[Path]:
    """Take all texts from the queue."""
    for path in sorted(FOLDER.glob("*.new")):
        yield path.rename(path.with_suffix(".taken"))
