"""Files are built in the process of a client, unless they name a frontend."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from llb.frontend import build_in_process
from llb.testing.gateway import run_frontend
from llb.testing.graphs import steps
from tests.unit.frontend.builds import APP

if TYPE_CHECKING:
    from llb.gateway.server import Function
    from llb.testing.fake_buildkit.records import Solve
    from llb.testing.gateway import Outcome
    from llb.testing.graphs import Step

SYNTAX = "# syntax=me/own\n"


def definition_steps(solve: Solve) -> list[Step]:
    return [] if solve.definition is None else list(steps(solve.definition))


def run(text: str, function: Function = build_in_process, **options: str) -> Outcome:
    return run_frontend(
        function, {"filename": "build.py", **options}, files={"build.py": text}, language="Python"
    )


def test_a_build_file_without_a_frontend_is_evaluated() -> None:
    outcome = run(f"{APP}    return build.image('busybox').run('make')\n")
    assert outcome.error is None
    assert [step.kind for step in steps(outcome.definition)] == ["source", "exec"]


def test_the_frontend_that_a_file_names_is_run_by_the_daemon() -> None:
    with pytest.raises(AssertionError, match="the frontend me/own"):
        run(f"{SYNTAX}{APP}    return build.image('busybox')\n")


def test_the_frontend_that_a_file_names_can_be_ignored() -> None:
    here = partial(build_in_process, follow_syntax=False)
    text = f"{SYNTAX}{APP}    return build.image('busybox')\n"
    assert run(text, here).error is None
    assert run(text, here, **{"build-arg:BUILDKIT_SYNTAX": "me/other"}).error is None


def test_printed_lines_are_steps_of_the_build_for_every_platform(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = f"{APP}    print('for', build.platform)\n    return build.image('busybox')\n"
    outcome = run(source, platform="linux/amd64,linux/arm64")
    assert outcome.error is None
    names = [step.name for solve in outcome.solves for step in definition_steps(solve)]
    assert sorted(name for name in names if name and name.startswith("[build.py] ")) == [
        "[build.py] for linux/amd64",
        "[build.py] for linux/arm64",
    ]
    assert capsys.readouterr() == ("", "")


def test_printing_to_a_file_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    run(f"import sys\n{APP}    print('x', file=sys.stderr)\n    return Scratch()\n")
    assert capsys.readouterr() == ("", "x\n")
