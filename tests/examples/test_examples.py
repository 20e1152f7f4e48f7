"""Every example runs and prints a reproducible definition."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llb import Definition

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("[0-9][0-9]_*.py"))


def test_there_are_examples() -> None:
    assert EXAMPLES[0] == "01_hello.py"


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_prints_a_definition(name: str) -> None:
    completed = subprocess.run(
        [sys.executable, ROOT / "examples" / name], capture_output=True, check=True
    )
    assert Definition.from_bytes(completed.stdout).head is not None
    # Without a daemon, a script can only say whose config is missing.
    warnings = completed.stderr.decode().splitlines()[::2]
    assert all(
        f"{name}:" in line and "BaseImageWarning: the config of" in line for line in warnings
    )
    assert len(set(warnings)) == len(warnings)


@pytest.mark.parametrize("name", EXAMPLES)
def test_digests_do_not_depend_on_the_hash_seed(name: str) -> None:
    program = (
        "import runpy, sys; from llb import State;"
        f"scope = runpy.run_path({str(ROOT / 'examples' / name)!r});"
        "states = [each for each in scope.values() if isinstance(each, State)];"
        "print([each.marshal(platform='linux/amd64').head for each in states])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(5)
    }
    assert len(outputs) == 1
