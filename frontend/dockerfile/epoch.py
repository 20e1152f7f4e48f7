"""``SOURCE_DATE_EPOCH``: the time that a reproducible image is made at.

The rules are those of the Dockerfile reference ("SOURCE_DATE_EPOCH") and of
reproducible-builds.org; the times of other sources that a name may stand for are not
supported.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from frontend.dockerfile import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.errors import Span

NAME = "SOURCE_DATE_EPOCH"


def parse_epoch(value: str, stages: Iterable[str], span: Span | None) -> datetime | None:
    """Return the time that ``value`` names in seconds, None where it is empty.

    ``stages`` are names that it may have in Docker's frontend and not in this one.
    Raises DockerfileError.
    """
    if not value:
        return None
    if value == "context" or value.lower() in stages:
        raise errors.unsupported(span, f"{NAME} of {value}")
    if re.fullmatch(r"[+-]?[0-9]{1,18}", value) is None:
        raise errors.bad_epoch(span, value)
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise errors.bad_epoch(span, value) from error


def seconds(epoch: datetime) -> str:
    """Return the time as arguments of the build have it."""
    return str(int(epoch.timestamp()))
