"""Parse ``RUN --device``: devices of the Container Device Interface (CDI) for a process.

The grammar is that of the Dockerfile reference ("RUN --device"): the fields of one line of
CSV; a field without a key is the device name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors
from llb.gocompat.csv import split_csv
from llb.gocompat.strconv import parse_switch
from llb.ops.nodes import Device

if TYPE_CHECKING:
    from llb.errors import Span

_KEYS = ("name", "required")


def parse_device(flag: str, span: Span) -> Device:
    """Parse the value of a ``--device``. Raises DockerfileError."""
    try:
        fields = split_csv(flag)
    except ValueError as error:
        raise errors.bad_device(span, f"failed to parse csv devices: {error}") from error
    name, required = "", False
    for field in fields:
        written, equals, value = field.partition("=")
        key = written.lower()
        if key == "required":
            required = _parse_required(value, span) if equals else True
        elif key == "name" and equals:
            if name:
                raise errors.bad_device(span, f"device name already set to {name}")
            name = value
        elif not name:
            # Names are like vendor.example/class=device.
            name = field
        elif equals:
            reason = f"unexpected key '{key}' in '{field}'"
            raise errors.bad_device(span, reason, near=(key, _KEYS))
        else:
            raise errors.bad_device(span, f"invalid field '{field}' must be a key=value pair")
    return Device(name, optional=not required)


def _parse_required(value: str, span: Span) -> bool:
    try:
        return parse_switch(value)
    except ValueError as error:
        raise errors.bad_device(span, f"invalid value for required: {value}") from error
