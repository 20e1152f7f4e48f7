"""Building and marshalling graphs, beside Go's client/llb: ``python -m bench.llb``.

Each case runs in both programs in turns; within a process it is repeated, and the median
counts, so that neither pays for its own start. What is measured is everything from the
first call of the API to the definition. Scaling, memory and import time have no counterpart
and stand for themselves.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

from bench.llb.cases import CASES, merged
from bench.pairs import Row, machine
from llb import Definition, compare, dump
from llb.source_map import caller

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAIRS = 5
PLATFORM = "linux/amd64"
# Case, how large, how often in a process.
MEASURED = (
    ("chain", 10_000, 1),
    ("reassigned", 10_000, 1),
    ("growing", 2_000, 1),
    ("merged", 10_000, 5),
    ("real", 1, 200),
)
SIZES = (1_000, 10_000, 100_000, 1_000_000)
READ = 100_000


@dataclass(frozen=True)
class Sized(Row):
    """A case of so many operations."""

    size: int


def main() -> None:
    """Measure everything, print tables, and keep the figures."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], *map(int, sys.argv[2:]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "program", check=True)
        rows = [beside(program, *case) for case in MEASURED]
    print("| case | operations | ours, ms | Go, ms | ratio |\n|---|---:|---:|---:|---:|")
    for row in rows:
        ours, theirs = median(row.ours) * 1000, median(row.theirs) * 1000
        print(f"| {row.case} | {row.size} | {ours:.2f} | {theirs:.2f} | {row.ratio:.2f} |")
    scaling, reading, lines, imported = scale(), read(), source_map_cost(), import_time()
    print(f"\nper operation by size: {scaling}\nreading {READ} operations: {reading}")
    print(f"remembering lines adds {lines:.0%} to the merged graph")
    print(f"import llb over pass: {imported} ms")
    kept = [
        {"case": r.case, "size": r.size, "ours": r.ours, "theirs": r.theirs, "ratio": r.ratio}
        for r in rows
    ]
    data = {
        "machine": machine(),
        "cases": kept,
        "scaling": scaling,
        "reading": reading,
        "source_map_cost": lines,
        "import_ms": imported,
    }
    RESULTS.write_text(json.dumps(data, indent=1) + "\n")


def measured(case: str, size: int, repetitions: int) -> list[float]:
    """Return the seconds of each repetition of a case, in this process."""
    seconds = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        CASES[case](size).marshal(platform=PLATFORM)
        seconds.append(time.perf_counter() - begin)
    return seconds


def beside(program: Path, case: str, size: int, repetitions: int) -> Sized:
    """Return a case measured in pairs of processes, each beginning in turn."""
    arguments = [case, str(size), str(repetitions)]
    commands = {"ours": [sys.executable, "-m", "bench.llb", *arguments]}
    commands["theirs"] = [str(program), *arguments]
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(PAIRS):
        for who in sorted(commands, reverse=bool(number % 2)):
            done = subprocess.run(commands[who], check=True, capture_output=True)
            seconds[who].append(median(json.loads(done.stdout)))
    return Sized(case, tuple(seconds["ours"]), tuple(seconds["theirs"]), size)


def scale() -> dict[str, dict[str, float]]:
    """Return microseconds and bytes of memory for each operation of larger and larger graphs."""
    found = {}
    for size in SIZES:
        code = (
            "import json, sys; from bench.llb.__main__ import memory_of; "
            f"print(json.dumps(memory_of({size})))"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        found[str(size)] = json.loads(done.stdout)
    return found


def memory_of(size: int) -> dict[str, float]:
    """Return what each operation of a merged graph costs in this fresh process."""
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    definition = merged(size).marshal(platform=PLATFORM)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = len(definition.ops)
    return {
        "us": round(seconds / count * 1e6, 2),
        "bytes": round((after - before) * 1024 / count),
        "encoded_bytes": round(sum(map(len, definition.ops)) / count),
    }


def read() -> dict[str, float]:
    """Return the seconds that a large definition takes to be read, dumped and compared."""
    data = merged(READ).marshal(platform=PLATFORM).to_bytes()
    found = {}
    begin = time.perf_counter()
    definition = Definition.from_bytes(data)
    found["from_bytes"] = round(time.perf_counter() - begin, 2)
    begin = time.perf_counter()
    dump.text(definition)
    found["dump"] = round(time.perf_counter() - begin, 2)
    other = merged(READ + 1).marshal(platform=PLATFORM)
    begin = time.perf_counter()
    compare.compare(definition, other)
    found["compare"] = round(time.perf_counter() - begin, 2)
    return found


def source_map_cost() -> float:
    """Return which part of the time the Python lines of steps take, over a build without."""

    def seconds(*, lines: bool) -> float:
        with patch("llb.state.step_options.caller", caller if lines else lambda: None):
            begin = time.perf_counter()
            merged(10_000).marshal(platform=PLATFORM, source_map=lines)
            return time.perf_counter() - begin

    pairs = [(seconds(lines=True), seconds(lines=False)) for _ in range(15)]
    return round(median(a / b for a, b in pairs) - 1, 3)


def import_time() -> float:
    """Return by how many milliseconds ``import llb`` is longer than an empty program."""
    environment = {key: v for key, v in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def seconds(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - begin

    seconds("import llb")
    pairs = [(seconds("import llb"), seconds("pass")) for _ in range(21)]
    return round(median(ours - empty for ours, empty in pairs) * 1000, 1)


if __name__ == "__main__":
    main()
