"""Check coverage against its floors: ``python -m tests.coverage_floor [REPORT]``.

It reads the output of ``coverage json``. The total floor is ``fail_under`` in coverage's own
settings; each module has the floor ``module_floor`` in ``tool.pyllb.coverage``. The exit status
is 1 if anything is below its floor, or if the total is so far above that its floor must rise.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

_SETTINGS = Path(__file__).parents[1] / "pyproject.toml"
_REPORT = "coverage.json"
# How far the total may exceed its floor, in percentage points.
_MARGIN = 1.5


def main(arguments: list[str]) -> int:
    """Print the problems, and return the exit status."""
    tool = tomllib.loads(_SETTINGS.read_text())["tool"]
    report = json.loads(Path(*(arguments or [_REPORT])).read_text())
    failures = problems(
        report, tool["coverage"]["report"]["fail_under"], tool["pyllb"]["coverage"]["module_floor"]
    )
    for problem in failures:
        sys.stderr.write(f"error: {problem}\n")
    sys.stdout.write(f"coverage of lines and branches: {_percent(report['totals']):.1f} %\n")
    return int(bool(failures))


def problems(report: dict[str, Any], floor: float, module_floor: float) -> list[str]:
    """List the problems of a report, one per line."""
    total = _percent(report["totals"])
    lines = []
    if total < floor:
        lines.append(f"coverage is {total:.1f} %, below its floor of {floor} %")
    if total >= floor + _MARGIN:
        lines.append(f"coverage is {total:.1f} %: raise fail_under to {int(total)}")
    modules = {name: _percent(file["summary"]) for name, file in report["files"].items()}
    lines += [
        f"coverage of {name} is {modules[name]:.1f} %, below the floor of {module_floor} %"
        for name in sorted(modules)
        if modules[name] < module_floor
    ]
    return lines


def _percent(summary: dict[str, Any]) -> float:
    return float(summary["percent_covered"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
