"""``llb du`` and ``llb prune``: show and remove the build cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from llb.cli.output_tables import ago
from llb.client.usage import Usage
from tests.fakes.command import llb

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.testing.daemon import FakeDaemon

MOMENT = datetime(2024, 1, 2, tzinfo=UTC)
LARGE = Usage(
    "large", 3_000_000, "regular", "run make", False, False, True, ("small",), 3, MOMENT, None
)  # fmt: skip
SMALL = Usage(
    "small", 2_000, "source.local", "local source", True, True, False, (), 0, None, None
)  # fmt: skip
ROWS = """\
id           large
size         3000000
type         regular
description  run make
in use       no
mutable      no
shared       yes
parents      small
usage count  3
created      2024-01-02T00:00:00+00:00

"""


@pytest.fixture
def address(fake_daemon: Callable[..., FakeDaemon]) -> str:
    return fake_daemon(usage=[LARGE, SMALL]).address


HEADER = f"{'ID':<28}        SIZE  LAST USED  DESCRIPTION\n"


def line(name: str, mark: str, size: str, description: str) -> str:
    return f"{name:<28}{mark} {size:>10}  {'':>9}  {description}\n"


def test_records_are_printed_with_the_largest_last_and_their_sum(address: str) -> None:
    assert llb("du", "--addr", address).stdout == (
        HEADER
        + line("small", "*", "2.0 kB", "local source")
        + line("large", " ", "3.0 MB", "run make")
        + "reclaimable  3.0 MB\n"
        + "total        3.0 MB\n"
    )


@pytest.mark.parametrize(("columns", "width"), [("", 120), ("70", 70)])
def test_a_long_description_is_cut_at_the_width_of_the_terminal(
    fake_daemon: Callable[..., FakeDaemon],
    columns: str,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    long = evolve(LARGE, description="run echo \x1b[31mred\n" + "x" * 30_000)
    address = fake_daemon(usage=[long]).address
    _, shown, *_ = llb("du", "--addr", address).stdout.splitlines()
    assert (len(shown), shown[-1]) == (width, "…")
    assert "  run echo red xxx" in shown


def test_all_fields_of_a_record_are_printed_one_per_line(address: str) -> None:
    assert llb("prune", "--verbose", "--addr", address).stdout == f"{ROWS}total        3.0 MB\n"


def test_records_are_printed_as_lines_of_json(address: str) -> None:
    lines = llb("du", "--json", "--addr", address).stdout.splitlines()
    assert [json.loads(row)["id"] for row in lines] == ["small", "large"]
    assert json.loads(lines[1])["created"] == "2024-01-02T00:00:00+00:00"


def test_unused_records_are_removed(address: str) -> None:
    assert llb("prune", "--unused-for", "7d", "--addr", address).stdout == (
        HEADER + line("large", " ", "3.0 MB", "run make") + "total        3.0 MB\n"
    )
    assert llb("prune", "--json", "--addr", address).stdout == ""
    assert "large" not in llb("du", "--addr", address).stdout


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--unused-for", "ever", "invalid time 'ever': expected a duration\nhint: like 7d, 36h"),
        (
            "--max-used-space",
            "much",
            "invalid size 'much': expected bytes\nhint: for example 10GB",
        ),
    ],
)
def test_an_invalid_limit_is_refused(option: str, value: str, message: str) -> None:
    # It is refused before the client connects.
    ran = llb("prune", option, value, "--addr", "unix:///nonesuch")
    assert (ran.status, ran.stderr) == (1, f"error: {message}\n")


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(days=3, hours=5), "3d ago"),
        (timedelta(hours=2, minutes=59), "2h ago"),
        (timedelta(minutes=5, seconds=30), "5m ago"),
        (timedelta(seconds=-30), "0s ago"),
    ],
)
def test_an_age_is_shown_in_its_largest_unit(age: timedelta, text: str) -> None:
    assert ago(datetime.now(UTC) - age) == text
