"""Hold coverage to its floors: ``python -m tests.coverage_floor [REPORT]``.

It reads what ``coverage json`` wrote. The floor of the whole is ``fail_under`` of coverage's own
settings, that of each module ``module_floor`` below ``tool.pyllb.coverage``. The exit status is 1
where anything is below, and where the whole is so far above that its floor has to rise.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

_SETTINGS = Path(__file__).parents[1] / "pyproject.toml"
_REPORT = "coverage.json"
# What a change may add before the floor follows it.
_ROOM = 1.5


def main(arguments: list[str]) -> int:
    """Print what is wrong, and return the exit status."""
    tool = tomllib.loads(_SETTINGS.read_text())["tool"]
    report = json.loads(Path(*(arguments or [_REPORT])).read_text())
    found = problems(
        report, tool["coverage"]["report"]["fail_under"], tool["pyllb"]["coverage"]["module_floor"]
    )
    for problem in found:
        sys.stderr.write(f"error: {problem}\n")
    sys.stdout.write(f"coverage of lines and branches: {_percent(report['totals']):.1f} %\n")
    return int(bool(found))


def problems(report: dict[str, Any], floor: float, module_floor: float) -> list[str]:
    """Return what is wrong with a report, a line each."""
    total = _percent(report["totals"])
    found = []
    if total < floor:
        found.append(f"coverage is {total:.1f} %, below its floor of {floor} %")
    if total >= floor + _ROOM:
        found.append(f"coverage is {total:.1f} %: raise fail_under to {int(total)}")
    modules = {name: _percent(file["summary"]) for name, file in report["files"].items()}
    found += [
        f"coverage of {name} is {modules[name]:.1f} %, below the floor of {module_floor} %"
        for name in sorted(modules)
        if modules[name] < module_floor
    ]
    return found


def _percent(summary: dict[str, Any]) -> float:
    return float(summary["percent_covered"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
