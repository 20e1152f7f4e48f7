"""Records of the daemon's build cache, and the sizes and ages that select what to prune."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.timestamps import to_time
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from datetime import datetime

    from llb._pb import control_pb2 as pb

_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{unit}{end}": 1000**n for n, unit in enumerate("kmgt", 1) for end in ("", "b")}
_UNITS |= {f"{unit}i{end}": 1024**n for n, unit in enumerate("kmgt", 1) for end in ("", "b")}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\Z", re.IGNORECASE)
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?\Z")


@frozen
class Usage:
    """One record of the build cache.

    ``size`` is in bytes. ``type`` is BuildKit's kind of record: ``regular``, ``source.local``,
    ``exec.cachemount`` and others. ``description`` says what created it. ``in_use`` is whether a
    running build needs it. A ``shared`` record is part of other records too; a ``mutable`` one can
    change. ``parents`` are the ids of the records below it. ``created`` and ``last_used`` are times
    in UTC, or None, and ``usage_count`` is how often builds have used it.
    """

    id: str
    size: int
    type: str
    description: str
    in_use: bool
    mutable: bool
    shared: bool
    parents: tuple[str, ...]
    usage_count: int
    created: datetime | None
    last_used: datetime | None

    @property
    def reclaimable(self) -> bool:
        """Whether the record could be removed now."""
        return not self.in_use


def from_record(record: pb.UsageRecord) -> Usage:
    """Convert a record of the control API."""
    return Usage(
        id=record.ID,
        size=record.Size,
        type=record.RecordType,
        description=record.Description,
        in_use=record.InUse,
        mutable=record.Mutable,
        shared=record.Shared,
        parents=tuple(record.Parents),
        usage_count=record.UsageCount,
        created=to_time(record.CreatedAt) if record.HasField("CreatedAt") else None,
        last_used=to_time(record.LastUsedAt) if record.HasField("LastUsedAt") else None,
    )


def parse_size(text: str) -> int:
    """Parse a size such as ``1.5GB`` or ``512MiB`` as bytes. Raises InvalidValueError.

    >>> parse_size("1.5kB")
    1500
    """
    match = _SIZE.match(text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise InvalidValueError(f"invalid size {text!r}: expected bytes", hint="for example 10GB")
    return int(float(match[1]) * unit)


def parse_age(text: str) -> timedelta:
    """Parse a duration such as ``7d``, ``36h`` or ``1h30m``. Raises InvalidValueError."""
    match = _DURATION.match(text.strip())
    if not text.strip() or match is None:
        raise InvalidValueError(f"invalid time {text!r}: expected a duration", hint="like 7d, 36h")
    days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
