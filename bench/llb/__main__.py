"""Compare building and marshalling graphs with Go's client/llb: ``python -m bench.llb``.

Each case runs in both programs in turns. Within a process it is repeated, and the median
counts, which excludes the start of the process. The time is that from the first API call to
the definition. Scaling, memory and import time have no counterpart in Go.
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
# The case, its size, and the number of repetitions in a process.
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
    """A case with its number of operations."""

    size: int


def main() -> None:
    """Measure everything, print tables, and store the figures."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "program", check=True)
        rows = [measure_pairs(program, *case) for case in MEASURED]
    print("| case | operations | ours, ms | Go, ms | ratio |\n|---|---:|---:|---:|---:|")
    for row in rows:
        ours, theirs = median(row.ours) * 1000, median(row.theirs) * 1000
        print(f"| {row.case} | {row.size} | {ours:.2f} | {theirs:.2f} | {row.ratio:.2f} |")
    scaling, reading, lines, imported = scale(), read(), source_map_cost(), import_time()
    print(f"\nper operation by size: {scaling}\nreading {READ} operations: {reading}")
    print(f"recording source lines adds {lines:.0%} to the merged graph")
    print(f"import llb over pass: {imported} ms")
    cases = [
        {"case": r.case, "size": r.size, "ours": r.ours, "theirs": r.theirs, "ratio": r.ratio}
        for r in rows
    ]
    data = {
        "machine": machine(),
        "cases": cases,
        "scaling": scaling,
        "reading": reading,
        "source_map_cost": lines,
        "import_ms": imported,
    }
    RESULTS.write_text(json.dumps(data, indent=1) + "\n")


def measure(case: str, size: int, repetitions: int) -> list[float]:
    """Measure each repetition of a case in this process, in seconds."""
    seconds = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        CASES[case](size).marshal(platform=PLATFORM)
        seconds.append(time.perf_counter() - begin)
    return seconds


def measure_pairs(program: Path, case: str, size: int, repetitions: int) -> Sized:
    """Measure a case in pairs of processes; the two sides take turns at starting."""
    arguments = [case, str(size), str(repetitions)]
    commands = {"ours": [sys.executable, "-m", "bench.llb", *arguments]}
    commands["theirs"] = [str(program), *arguments]
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(PAIRS):
        for side in sorted(commands, reverse=bool(number % 2)):
            process = subprocess.run(commands[side], check=True, capture_output=True)
            seconds[side].append(median(json.loads(process.stdout)))
    return Sized(case, tuple(seconds["ours"]), tuple(seconds["theirs"]), size)


def scale() -> dict[str, dict[str, float]]:
    """Measure microseconds and bytes of memory per operation for graphs of growing size."""
    results = {}
    for size in SIZES:
        code = (
            "import json, sys; from bench.llb.__main__ import memory_of; "
            f"print(json.dumps(memory_of({size})))"
        )
        process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        results[str(size)] = json.loads(process.stdout)
    return results


def memory_of(size: int) -> dict[str, float]:
    """Measure the cost per operation of a merged graph in this new process."""
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
    """Measure reading, dumping and comparing a large definition, in seconds."""
    data = merged(READ).marshal(platform=PLATFORM).to_bytes()
    results = {}
    begin = time.perf_counter()
    definition = Definition.from_bytes(data)
    results["from_bytes"] = round(time.perf_counter() - begin, 2)
    begin = time.perf_counter()
    dump.text(definition)
    results["dump"] = round(time.perf_counter() - begin, 2)
    larger = merged(READ + 1).marshal(platform=PLATFORM)
    begin = time.perf_counter()
    compare.compare(definition, larger)
    results["compare"] = round(time.perf_counter() - begin, 2)
    return results


def source_map_cost() -> float:
    """Measure the overhead of recording source lines, as a fraction of a build without."""

    def seconds(*, lines: bool) -> float:
        with patch("llb.state.step_options.caller", caller if lines else lambda: None):
            begin = time.perf_counter()
            merged(10_000).marshal(platform=PLATFORM, source_map=lines)
            return time.perf_counter() - begin

    pairs = [(seconds(lines=True), seconds(lines=False)) for _ in range(15)]
    return round(median(a / b for a, b in pairs) - 1, 3)


def import_time() -> float:
    """Measure ``import llb`` against an empty program, in milliseconds."""
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
