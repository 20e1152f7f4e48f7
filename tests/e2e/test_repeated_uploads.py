"""Files that the daemon has from an earlier build are not sent again, whatever else changes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from llb.client import Client, local
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE = 8_000_000
DOCKERFILE = "FROM scratch\nCOPY large /\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context with a large file and several Dockerfiles."""
    folder = tmp_path / "context"
    (folder / "sub").mkdir(parents=True)
    (folder / "large").write_bytes(os.urandom(SIZE))
    for name in ("Dockerfile", "D", "sub/D"):
        (folder / name).write_text(DOCKERFILE)
    return folder


def sent_bytes(arguments: Sequence[str | Path], address: str, stdin: str | None = None) -> int:
    """Build from the command line; count the bytes of all transfers to the daemon."""
    process = cli(
        *("build", *arguments, "--progress", "rawjson", "-o", "type=cacheonly"),
        address=address,
        stdin=stdin,
    )
    assert process.returncode == 0, process.stderr
    reports = [json.loads(line) for line in process.stderr.splitlines() if line.startswith("{")]
    sizes: dict[tuple[str, str], int] = {}
    for status in (status for report in reports for status in report.get("statuses") or ()):
        if status["id"].startswith("transferring"):
            sizes[status["vertex"], status["id"]] = status.get("current", 0)
    return sum(sizes.values())


@pytest.mark.feature("N4")
def test_every_form_of_the_command_reuses_the_context(buildkit_host: str, context: Path) -> None:
    first = sent_bytes([context], buildkit_host)
    assert first > SIZE
    records = count_large_records(buildkit_host)
    forms: dict[str, tuple[list[str | Path], str | None]] = {
        "again": ([context], None),
        "another Dockerfile": ([context, "-f", context / "D"], None),
        "one in another directory": ([context, "-f", context / "sub" / "D"], None),
        "one from standard input": ([context, "-f", "-"], DOCKERFILE),
        "a further context": ([context, "--build-context", f"x={context / 'sub'}"], None),
        "two": ([context, "--build-context", f"x={context}", "-f", context / "D"], None),
    }
    sizes = {
        name: sent_bytes(arguments, buildkit_host, stdin)
        for name, (arguments, stdin) in forms.items()
    }
    assert {name: size for name, size in sizes.items() if size * 100 >= first} == {}
    assert count_large_records(buildkit_host) == records


def count_large_records(address: str) -> int:
    """Count the records of the daemon's cache that may be copies of the context."""
    with Client(address) as client:
        return sum(record.size >= SIZE for record in client.disk_usage())


@pytest.mark.feature("N4")
def test_directories_that_look_alike_are_not_mistaken(buildkit_host: str, tmp_path: Path) -> None:
    results = []
    (tmp_path / "context").mkdir()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
        (tmp_path / name / "Dockerfile").write_text(f"FROM scratch\nCOPY --from=x file /{name}\n")
        for file in ("file", "Dockerfile"):
            os.utime(tmp_path / name / file, ns=(0, 0))
        out = tmp_path / f"out-{name}"
        with Client(buildkit_host) as client:
            client.build_image(
                tmp_path / "context",
                file=tmp_path / name / "Dockerfile",
                contexts={"x": tmp_path / name},
                outputs=local(out),
            )
        results.append({path.name: path.read_text() for path in out.iterdir()})
    assert results == [{"one": "one"}, {"two": "two"}]
