"""Every command has one error line for paths that cannot be used, and for odd environments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.checkout import ROOT

# Root may read everything with these.
CAPABILITIES = "-dac_override,-dac_read_search"


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, buildkit_host: str
) -> list[tuple[str, str, int, str]]:
    """Run all commands with all unusable paths: command, path or variable, status, errors."""
    folder = tmp_path_factory.mktemp("paths")
    command = [sys.executable, "-m", "tests.e2e.unusable_paths", str(folder)]
    if os.geteuid() == 0:
        without = (f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}")
        command = [shutil.which("setpriv") or "setpriv", *without, *command]
    process = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"BUILDKIT_HOST": buildkit_host},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "locked").chmod(0o700)
    assert process.returncode == 0, process.stderr[-2000:]
    return [tuple(json.loads(line)) for line in process.stdout.splitlines()]


def test_a_path_that_cannot_be_used_is_one_error(
    results: list[tuple[str, str, int, str]],
) -> None:
    paths = [result for result in results if "{}" in result[0]]
    assert len(paths) > 1000
    for command, path, status, errors in paths:
        shown = f"{command} with {path}: {errors}"
        if "--cache-from" in command:
            assert (status, "no cache imported from" in errors) == (0, True), shown
            continue
        assert status in (1, 2), shown
        assert len(re.findall(r"(?im)^error: ", errors)) == 1, shown
        assert "Traceback" not in errors, shown


def test_environments_that_are_broken_elsewhere_stop_nothing(
    results: list[tuple[str, str, int, str]],
) -> None:
    environments = [result for result in results if "{}" not in result[0]]
    assert len(environments) > 200
    for command, cause, status, errors in environments:
        shown = f"{command} with {cause}: {errors}"
        assert "Traceback" not in errors, shown
        # The cache folder is where the private daemon is looked for.
        is_needed = command == "daemon status" and cause.startswith(("HOME=", "XDG_CACHE_HOME="))
        is_needed |= cause == "no working directory" and command not in ("du", "daemon status")
        assert (status, "error: " in errors) == ((1, True) if is_needed else (0, False)), shown
