"""The coverage check reports modules below their floors, and a floor that has to rise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.coverage_floor import main, problems

if TYPE_CHECKING:
    from pathlib import Path


def report(total: float, **modules: float) -> dict[str, Any]:
    return {
        "totals": {"percent_covered": total},
        "files": {
            f"llb/{name}.py": {"summary": {"percent_covered": percent}}
            for name, percent in modules.items()
        },
    }


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (91.9, ["coverage is 91.9 %, below its floor of 92 %"]),
        (92.0, []),
        (93.4, []),
        (93.6, ["coverage is 93.6 %: raise fail_under to 93"]),
    ],
)
def test_the_total_must_be_near_its_floor(total: float, expected: list[str]) -> None:
    assert problems(report(total), 92, 80) == expected


def test_each_module_must_reach_its_floor() -> None:
    assert problems(report(92.5, a=79.94, b=80.0, c=0.0, d=100.0), 92, 80) == [
        "coverage of llb/a.py is 79.9 %, below the floor of 80 %",
        "coverage of llb/c.py is 0.0 %, below the floor of 80 %",
    ]


def test_problems_are_printed_and_set_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps(report(12.34)))
    assert main([str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "coverage of lines and branches: 12.3 %\n"
    assert printed.err.startswith("error: coverage is 12.3 %, below its floor of ")
