"""Run the tests with a daemon on several versions of BuildKit, and write docs/buildkit-versions.md.

``python -m tests.conformance.versions`` runs them on all versions, one after another, in the running
stack's folder; with arguments, on the named versions. It fails if a test fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from tests.e2e.versions import STACK, TOO_OLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "client" / "versions.json"
PAGE = ROOT / "docs" / "buildkit-versions.md"
VERSIONS = ("v0.12.5", "v0.18.2", "v0.32.2", "v0.34.2")
# Tests of daemons other than that of the stack.
OTHER_DAEMONS = ("test_container.py", "test_docker.py", "test_podman.py", "test_suite.py")

_HEAD = """\
# BuildKit versions

<!-- python -m tests.conformance.versions writes this file. -->

The tests in `tests/e2e` run on these versions of BuildKit. If a daemon is too old for a feature, the
build fails with an error that names the feature and the first version that has it.

| BuildKit | tests | pass | need a newer version |
|---|---:|---:|---:|
"""


@frozen
class Run:
    """The results on one version: how many tests passed, and what too old daemons lack, by test."""

    passed: int
    too_old: Mapping[str, str]


def main() -> int:
    """Run the tests, record the results and write the page; return the exit status."""
    runs = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    has_failed = False
    for version in sys.argv[1:] or VERSIONS:
        run, failed = run_on(version)
        runs[version] = asdict(run)
        for test in failed:
            sys.stderr.write(f"{version}: failed: {test}\n")
        has_failed |= bool(failed)
    subprocess.run([STACK, "up"], check=True, stdout=subprocess.DEVNULL)
    if has_failed:
        return 1
    RECORDED.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(render(runs))
    return 0


def run_on(version: str) -> tuple[Run, list[str]]:
    """Run the tests on a version; also return the names of those that failed."""
    environment = os.environ | {"PYLLB_BUILDKIT": version}
    subprocess.run([STACK, "up"], check=True, env=environment, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        others = [f"--ignore=tests/e2e/{name}" for name in OTHER_DAEMONS]
        command = [
            *(sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile"),
            *("--junitxml", str(report), *others, "tests/e2e"),
        ]
        subprocess.run(command, check=False, cwd=ROOT, env=environment)
        return parse(report.read_text())


def parse(report: str) -> tuple[Run, list[str]]:
    """Read a report of pytest in JUnit's format."""
    too_old: dict[str, str] = {}
    failed = []
    passed = 0
    for case in ET.fromstring(report).iter("testcase"):
        name = f"{case.attrib['classname']}::{case.attrib['name']}"
        lacking = [
            item.attrib["value"] for item in case.iter("property") if item.attrib["name"] == TOO_OLD
        ]
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif lacking:
            too_old[name] = lacking[0]
        else:
            passed += 1
    return Run(passed, too_old), failed


def render(runs: Mapping[str, Any]) -> str:
    """Render the page."""
    versions = sorted(runs, key=_numbers)
    rows = [
        f"| {version} | {run['passed'] + len(run['too_old'])} | {run['passed']} "
        f"| {len(run['too_old'])} |"
        for version, run in ((version, runs[version]) for version in versions)
    ]
    head = [
        "",
        "## Features of newer versions",
        "",
        f"| feature | since | {' | '.join(versions)} |",
    ]
    head.append(f"|---|---|{'---|' * len(versions)}")
    return _HEAD + "\n".join([*rows, *head, *_feature_rows(runs, versions)]) + "\n"


def _feature_rows(runs: Mapping[str, Any], versions: Iterable[str]) -> list[str]:
    lacking = {version: set(runs[version]["too_old"].values()) for version in versions}
    features = sorted(set().union(*lacking.values()), key=lambda text: (_numbers(text), text))
    rows = []
    for text in features:
        since, _, feature = text.partition(" ")
        cells = ["error" if text in lacking[version] else "yes" for version in versions]
        if feature:
            rows.append(f"| {feature} | {since} | {' | '.join(cells)} |")
    return rows


def _numbers(text: str) -> list[int]:
    version, _, _ = text.partition(" ")
    return [int(part) for part in version.removeprefix("v").split(".")]


if __name__ == "__main__":
    raise SystemExit(main())
