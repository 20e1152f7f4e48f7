"""Run inside the frontend's image: write the milliseconds of its parts as JSON to a file.

With ``-X importtime`` imports take longer than without; its figures show proportions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

RUNS = 10
SLOWEST = 12
PROCESSES = {
    "interpreter": "pass",
    "interpreter without site": "pass",
    "import protobuf": "import google.protobuf.descriptor_pool",
    "import llb": "import llb",
    "import llb.gateway": "import llb.gateway",
    "import frontend.build": "import frontend.build",
}


def milliseconds(name: str, code: str) -> float:
    """Return how long a process that runs ``code`` takes, the median of several."""
    flags = ["-S"] if "without site" in name else []
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *flags, "-c", code], check=True)
        taken.append(time.perf_counter() - begin)
    return round(median(taken) * 1000, 1)


def imports() -> list[tuple[str, float]]:
    """Return the modules of one run with the milliseconds that each costs by itself."""
    command = [sys.executable, "-X", "importtime", "-c", "import frontend.build"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in lines[1:]]
    return [(name.strip(), int(own) / 1000) for own, _, name in rows if own.strip().isdecimal()]


def by_package(modules: list[tuple[str, float]]) -> dict[str, float]:
    """Return the sums of the packages; Python's own modules are one."""
    sums: dict[str, float] = defaultdict(float)
    for name, cost in modules:
        package = name.partition(".")[0]
        sums["Python" if package in sys.stdlib_module_names else package] += cost
    return {
        package: round(cost, 1) for package, cost in sorted(sums.items(), key=lambda each: -each[1])
    }


modules = imports()
report = {
    "processes_ms": {name: milliseconds(name, code) for name, code in PROCESSES.items()},
    "imports_ms": by_package(modules),
    "slowest_imports_ms": dict(sorted(modules, key=lambda module: -module[1])[:SLOWEST]),
}
Path(sys.argv[1]).write_text(json.dumps(report))
