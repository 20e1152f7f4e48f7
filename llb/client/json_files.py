"""Read JSON files written by users or by other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_object(path: Path) -> dict[str, object]:
    """Read the JSON object in a file. Raises InputError."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path}: it is not JSON") from error
    if not isinstance(content, dict):
        raise InputError(f"cannot read {path}: it is not a JSON object")
    return content
