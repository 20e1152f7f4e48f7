"""The events of a build are appended to a file."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

from llb.cli.telemetry.trace_file import trace_to

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_read_a_new_file(tmp_path: Path) -> None:
    report: Any = {"vertexes": []}
    for lines in (1, 2):
        with trace_to(tmp_path / "trace", None) as handle:
            assert handle is not None
            handle(report)
        assert mode(tmp_path / "trace") == 0o600
        assert len((tmp_path / "trace").read_text().splitlines()) == lines


def test_a_file_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "trace").touch(mode=0o644)
    with trace_to(tmp_path / "trace", None):
        pass
    assert mode(tmp_path / "trace") == 0o644
