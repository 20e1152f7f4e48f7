"""What the pytest plugin costs a project that does not use it: ``python -m bench.pytest_plugin``.

One empty test runs in alternating pairs: in an environment with pytest and this package, and in one
with the dependencies alone, of which anyio has a pytest plugin of its own, or with pytest alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median

from bench import pairs

PAIRS = 25


def main() -> None:
    """Create the environments, measure the pairs and print the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        test = folder / "test_empty.py"
        test.write_text("def test_nothing(): pass\n")
        ours = _environment(folder / "package", "pytest", str(pairs.ROOT))
        dependencies = _environment(folder / "dependencies", "pytest", str(pairs.ROOT))
        subprocess.run(
            [dependencies.with_name("pip"), "uninstall", "-q", "-y", "pyllb"], check=True
        )
        bare = _environment(folder / "pytest", "pytest")
        rows = [
            _measure(f"beside {name}", ours, theirs, test)
            for name, theirs in (("the dependencies", dependencies), ("pytest alone", bare))
        ]
    print(pairs.table(rows))
    for row in rows:
        cpu = median(a.cpu / b.cpu for a, b in zip(row.ours, row.theirs, strict=True))
        print(f"\n{row.case}: {cpu:.3f} of the processor time")


def _measure(case: str, ours: Path, theirs: Path, test: Path) -> pairs.Pairs:
    options = ("-q", "-c", "/dev/null", "-p", "no:cacheprovider", str(test))
    return pairs.alternate(
        case,
        PAIRS,
        lambda: pairs.run([str(ours), *options]),
        lambda: pairs.run([str(theirs), *options]),
    )


def _environment(folder: Path, *packages: str) -> Path:
    """Create an environment with the packages, and return its pytest."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    pytest = folder / "bin" / "pytest"
    # Write the bytecode of everything.
    subprocess.run([pytest, "--version"], check=True, stdout=sys.stderr)
    return pytest


if __name__ == "__main__":
    main()
