"""WORKDIR: the directory that it creates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.dockerfile_rules.permissions import parse_chown
from llb.ops import nodes as ops
from llb.state.file_actions import mkdir

if TYPE_CHECKING:
    from datetime import datetime

_MODE = 0o755


def workdir_action(path: str, user: str, created: datetime | None) -> ops.MkdirAction:
    """Create a directory and its parents for ``user``, at the time of SOURCE_DATE_EPOCH."""
    action = mkdir(path, mode=_MODE, parents=True, created=created)
    return evolve(action, owner=parse_chown(user))


def is_workdir(action: ops.FileAction) -> bool:
    """Check whether WORKDIR writes the action, in a build without SOURCE_DATE_EPOCH."""
    match action:
        case ops.MkdirAction(_, mode, True, _, None):
            return mode == _MODE
        case _:
            return False
