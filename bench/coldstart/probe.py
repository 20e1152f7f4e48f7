"""Measure the parts of a start inside the frontend image; write them as JSON, in milliseconds.

``-X importtime`` slows imports down, so its figures show only proportions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

RUNS = 15
SLOWEST = 12
# The start of the frontend, as in frontend/bundle/start.py.
BUNDLE = "from frontend.bundle.start import PATH, Bundle; Bundle(PATH).install(); "
BUILD = "import frontend.__main__, llb.frontend.build"
LEAVE = "import os, time; os.write(1, repr(time.perf_counter()).encode()); "
PROCESSES = {
    "interpreter": "pass",
    "import llb": "import llb",
    "import llb.gateway": "import llb.gateway",
    "import llb.frontend.build": BUILD,
    "import llb.frontend.build, from the bundle": BUNDLE + BUILD,
    "import llb.frontend.build, from the bundle, without garbage collection": (
        f"import gc; gc.disable(); {BUNDLE}{BUILD}; gc.freeze()"
    ),
}
EXITS = {
    "exit": f"{BUILD}; {LEAVE}",
    "exit, frozen": f"{BUILD}; import gc; gc.freeze(); {LEAVE}",
    "exit, at once": f"{BUILD}; {LEAVE} os._exit(0)",
}


def milliseconds(code: str) -> float:
    """Measure a process that runs ``code``, the median of several runs."""
    return round(median(run(code)[0] for _ in range(RUNS)) * 1000, 1)


def exit_milliseconds(code: str) -> float:
    """Measure the end of a process after ``code`` printed the time, the median of several runs."""
    return round(median(run(code)[1] for _ in range(RUNS)) * 1000, 1)


def run(code: str) -> tuple[float, float]:
    """Measure the seconds of a process, in total and after the time that it printed."""
    begin = time.perf_counter()
    command = [sys.executable, "-S", "-c", code]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    end = time.perf_counter()
    return end - begin, end - float(printed or end)


def imports() -> list[tuple[str, float]]:
    """Measure the modules that one run imports, in milliseconds without nested imports."""
    command = [sys.executable, "-S", "-X", "importtime", "-c", BUNDLE + BUILD]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in lines[1:]]
    return [(name.strip(), int(own) / 1000) for own, _, name in rows if own.strip().isdecimal()]


def by_package(modules: list[tuple[str, float]]) -> dict[str, float]:
    """Sum up the costs by package; the standard library counts as one package."""
    sums: dict[str, float] = defaultdict(float)
    for name, cost in modules:
        package = name.partition(".")[0]
        sums["Python" if package in sys.stdlib_module_names else package] += cost
    return {
        package: round(cost, 1) for package, cost in sorted(sums.items(), key=lambda item: -item[1])
    }


modules = imports()
report = {
    "processes_ms": {name: milliseconds(code) for name, code in PROCESSES.items()},
    "exits_ms": {name: exit_milliseconds(code) for name, code in EXITS.items()},
    "modules": len(modules),
    "imports_ms": by_package(modules),
    "slowest_imports_ms": dict(sorted(modules, key=lambda module: -module[1])[:SLOWEST]),
}
Path(sys.argv[1]).write_text(json.dumps(report))
