"""Compare two programs with the same task: whole processes, in alternating pairs.

The two take turns at starting, so neither always profits from the other's
caches. The results are the medians, and the median of the ratios of the pairs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[1]
BUILDCTL = os.environ.get("PYLLB_BUILDCTL", "buildctl")


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, CPU seconds, and peak memory in MiB."""

    seconds: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Pairs:
    """The runs of one case in pairs, ours and theirs."""

    case: str
    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]

    @property
    def ratio(self) -> float:
        """How many times longer ours takes, the median of the pairs."""
        return median(a.seconds / b.seconds for a, b in zip(self.ours, self.theirs, strict=True))

    def summary(self) -> dict[str, object]:
        """Summarize the medians, the ratio and every run for JSON."""
        return {
            "case": self.case,
            "ours_median_s": round(median(run.seconds for run in self.ours), 3),
            "theirs_median_s": round(median(run.seconds for run in self.theirs), 3),
            "ratio": round(self.ratio, 3),
            "ours": [asdict(run) for run in self.ours],
            "theirs": [asdict(run) for run in self.theirs],
        }


@dataclass(frozen=True)
class Row:
    """The seconds of one case in pairs, ours and theirs, if they are not whole processes."""

    case: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times longer ours takes, the median of the pairs."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))


def run(command: Sequence[str], *, stdin: Path | None = None) -> Run:
    """Run and measure a process. Raises RuntimeError with its output if it fails.

    Before `exec`, a new process has the memory of its parent, so the measuring process has
    to be small.
    """
    os.sync()
    with tempfile.TemporaryFile() as output, (stdin or Path(os.devnull)).open("rb") as source:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=source, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            message = output.read().decode(errors="replace")
            raise RuntimeError(f"{command[0]} failed with status {process.returncode}: {message}")
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    return Run(round(seconds, 4), round(cpu, 4), round(memory, 1))


def alternate(case: str, count: int, ours: Callable[[], Run], theirs: Callable[[], Run]) -> Pairs:
    """Run ``count`` pairs in alternating order, and print each."""
    pairs: list[tuple[Run, Run]] = []
    for number in range(count):
        if number % 2:
            second = theirs()
            pairs.append((ours(), second))
        else:
            first = ours()
            pairs.append((first, theirs()))
        left, right = pairs[-1]
        print(f"{case}: {left.seconds:.2f} s against {right.seconds:.2f} s", file=sys.stderr)
    return Pairs(case, tuple(left for left, _ in pairs), tuple(right for _, right in pairs))


def machine() -> dict[str, object]:
    """Describe the machine and the date of the measurement."""
    version = subprocess.run([BUILDCTL, "--version"], check=True, capture_output=True, text=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "buildctl": version.stdout.strip(),
    }


def table(rows: Sequence[Pairs]) -> str:
    """Format the medians as a Markdown table."""
    lines = [
        "| case | ours, s | theirs, s | ratio | CPU s | theirs | MiB at most | theirs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        sides = (row.ours, row.theirs)
        times = " | ".join(f"{median(run.seconds for run in side):.2f}" for side in sides)
        cpu = " | ".join(f"{median(run.cpu for run in side):.2f}" for side in sides)
        memory = " | ".join(f"{median(run.memory for run in side):.0f}" for side in sides)
        lines.append(f"| {row.case} | {times} | {row.ratio:.2f} | {cpu} | {memory} |")
    return "\n".join(lines)


def write(path: Path, rows: Sequence[Pairs], extra: Mapping[str, object]) -> None:
    """Write the measurements and the machine to a file."""
    data = {"machine": machine(), **extra, "cases": [row.summary() for row in rows]}
    path.write_text(json.dumps(data, indent=1) + "\n")
