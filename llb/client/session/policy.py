"""Source policies: which sources a build may use, and which it gets in place of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen
from google.protobuf.json_format import ParseDict, ParseError

from llb._pb import policy_pb2
from llb.client.json_files import read_object
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


@frozen
class PolicySource:
    """A source that a build is about to use.

    ``identifier`` says which, such as ``docker-image://docker.io/library/alpine:latest``, and
    ``attrs`` are attributes by BuildKit's keys (solver/pb/attr.go).
    """

    identifier: str
    attrs: Mapping[str, str] = field(factory=dict)


PolicyCheck: TypeAlias = Callable[[PolicySource], PolicySource | None]
"""Is asked of each source, and returns it, or another to use in its place, or None to refuse it.

What is used in place of another is asked about too.
"""

SourcePolicy: TypeAlias = Mapping[str, object] | PolicyCheck
"""Rules in the form of BuildKit's JSON, or a function."""


def to_policy(policy: Mapping[str, object]) -> policy_pb2.Policy:
    """Return a policy as its message: ``version`` and ``rules``, as in BuildKit's JSON.

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
    """Return the policy of a file. Raises InputError."""
    found = read_object(path)
    try:
        to_policy(found)
    except InvalidValueError as error:
        raise InputError(f"cannot use {path}: {error.message}", hint=error.hint) from error
    return found
