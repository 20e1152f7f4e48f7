"""Source policies: rules or functions that allow, deny or replace the sources of a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen
from google.protobuf.json_format import ParseDict, ParseError

from llb._pb import policy_pb2
from llb.arguments.checked import checked_init
from llb.client.json_files import read_object
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


@checked_init
@frozen
class PolicySource:
    """A source that a build is about to use.

    ``identifier`` names it, such as ``docker-image://docker.io/library/alpine:latest``; ``attrs``
    are attributes by BuildKit's keys (solver/pb/attr.go).
    """

    identifier: str
    attrs: Mapping[str, str] = field(factory=dict)


PolicyCheck: TypeAlias = Callable[[PolicySource], PolicySource | None]
"""A function called for each source: returns it to allow it, another to replace it, or None.

None denies the source. A replacement is checked as well.
"""

SourcePolicy: TypeAlias = Mapping[str, object] | PolicyCheck
"""Rules in BuildKit's JSON format, or a function."""


def to_policy(policy: Mapping[str, object]) -> policy_pb2.Policy:
    """Convert a policy in BuildKit's JSON format, ``version`` and ``rules``, to its message.

    Raises InvalidValueError.
    """
    try:
        return ParseDict(dict(policy), policy_pb2.Policy())
    except ParseError as error:
        raise InvalidValueError(
            f"invalid source policy: {' '.join(str(error).split())}",
            hint='for example {"rules": [{"action": "DENY", "selector": {"identifier": "…"}}]}',
        ) from error


def read_policy(path: Path) -> Mapping[str, object]:
    """Read and check a policy file. Raises InputError."""
    policy = read_object(path)
    try:
        to_policy(policy)
    except InvalidValueError as error:
        raise InputError(f"cannot use {path}: {error.message}", hint=error.hint) from error
    return policy
