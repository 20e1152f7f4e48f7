"""Record the builds of this process that are over, in the order of their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.client.builds.prepared_build import PreparedBuild

if TYPE_CHECKING:
    import pytest

    from llb.client import SolveResult


def record_ended_builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Create a list that receives the ref of each build when it is over."""
    refs: list[str] = []
    run = PreparedBuild.run

    def record(build: PreparedBuild) -> SolveResult:
        try:
            return run(build)
        finally:
            refs.append(build.ref)

    monkeypatch.setattr(PreparedBuild, "run", record)
    return refs
