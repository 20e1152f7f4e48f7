"""Policies in Rego, which buildx evaluates: a build does not go on without them unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.definitions.entries import parse_policy
from llb.bake.values.problems import Unsuitable
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

HINT = "--policy disabled=true builds without them"


def is_disabled(text: str) -> bool:
    """Parse ``--policy``, which can only turn policies off. Raises InvalidValueError, InputError."""
    try:
        policy = parse_policy(text)
    except Unsuitable as error:
        raise InvalidValueError(f"invalid --policy {text!r}: {error}") from None
    if policy.files and not policy.disabled:
        raise InputError(f"policies in Rego are not supported: {policy.files[0]}", hint=HINT)
    return policy.disabled


def refuse(file: Path | None) -> None:
    """Raise InputError if there is a policy for the Dockerfile."""
    if file is not None:
        raise InputError(f"policies in Rego are not supported: {file}", hint=HINT)
