"""``llb history``: builds that a daemon remembers, printed, kept and forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from llb._pb import control_pb2
from llb.client import Event, Vertex, VertexLog
from llb.errors import RemoteError
from llb.grpc import Code
from llb.testing.fake_buildkit.progress import to_response
from tests.fakes.command import llb
from tests.fakes.history import FakeHistory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGUN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
STEP = f"sha256:{'a' * 64}"
TRACE = f"sha256:{'b' * 64}"
SPANS = b'[{"name": "a span"}]'


def record(
    ref: str, *, hours: int = 0, seconds: int | None = 2, **fields: object
) -> control_pb2.BuildHistoryRecord:
    """Return a build that began some hours after the first, and took some seconds."""
    made = control_pb2.BuildHistoryRecord(Ref=ref, **fields)  # type: ignore[arg-type]
    made.CreatedAt.FromDatetime(BEGUN + timedelta(hours=hours))
    if seconds is not None:
        made.CompletedAt.FromDatetime(BEGUN + timedelta(hours=hours, seconds=seconds))
    return made


def failed(text: str) -> control_pb2.BuildHistoryRecord:
    made = record("failed", hours=1)
    made.error.message = text
    return made


def full() -> control_pb2.BuildHistoryRecord:
    made = record(
        "full",
        hours=2,
        Frontend="dockerfile.v0",
        FrontendAttrs={"target": "app", "filename": "Dockerfile"},
        numTotalSteps=3,
        numCompletedSteps=2,
        numCachedSteps=1,
        pinned=True,
    )
    made.Exporters.add(Type="image", Attrs={"name": "app"})
    made.Results["linux/amd64"].Results[0].digest = "sha256:result"
    made.Results["linux/amd64"].Attestations.add(digest="sha256:attestation")
    made.trace.digest = TRACE
    return made


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    events: list[Event] = [
        Vertex(STEP, "run make", (), False, BEGUN, BEGUN, None),
        VertexLog(STEP, 1, b"made\n", BEGUN),
    ]
    records = [
        record("first"),
        full(),
        failed("exit  code:\n1"),
        record("now", hours=3, seconds=None),
    ]
    with FakeHistory(
        tmp_path, records, responses=[to_response(events)], blobs={TRACE: SPANS}
    ) as daemon:
        yield daemon


def test_builds_are_listed_the_newest_first(daemon: FakeHistory) -> None:
    ran = llb("history", "ls", "--quiet", "--addr", daemon.address)
    assert (ran.status, ran.stdout) == (0, "now\nfull\nfailed\nfirst\n")


def test_a_line_has_the_status_the_duration_and_the_steps_of_a_build(daemon: FakeHistory) -> None:
    lines = llb("history", "ls", "--addr", daemon.address).stdout.splitlines()
    days = (datetime.now(UTC) - BEGUN).days
    assert lines[3] == f"{'first':<34}{'completed':<11}{f'{days}d ago':>8}      2.0s  0/0 cached"
    assert [line.split()[:2] for line in lines] == [
        ["now", "running"],
        ["full", "completed"],
        ["failed", "error"],
        ["first", "completed"],
    ]
    assert lines[1].endswith("2.0s  1/3 cached    pinned")


def test_filters_and_limits_are_those_of_the_daemon(daemon: FakeHistory) -> None:
    llb("history", "ls", "--filter", "status==error", "--limit", "2", "--addr", daemon.address)
    llb("history", "ls", "--active", "--addr", daemon.address)
    first, second = daemon.requests
    assert (list(first.Filter), first.Limit, first.ActiveOnly) == (["status==error"], 2, False)
    assert (list(second.Filter), second.Limit, second.ActiveOnly) == ([], 0, True)


def test_builds_are_listed_as_lines_of_json(daemon: FakeHistory) -> None:
    ran = llb("history", "ls", "--json", "--addr", daemon.address)
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [each["ref"] for each in found] == ["now", "full", "failed", "first"]
    assert found[1]["results"] == [{"digest": "sha256:result", "media_type": "", "size": 0}]
    assert found[3]["created"] == "2024-01-02T03:04:05+00:00"


def test_all_that_is_known_of_a_build_is_printed(daemon: FakeHistory) -> None:
    assert llb("history", "inspect", "full", "--addr", daemon.address).stdout == (
        "ref         full\n"
        "status      completed\n"
        "started     2024-01-02T05:04:05+00:00\n"
        "took        2.0s\n"
        "steps       3, 2 ended, 1 cached\n"
        "frontend    dockerfile.v0\n"
        "attribute   filename=Dockerfile\n"
        "attribute   target=app\n"
        "exporter    image\n"
        "result      sha256:result\n"
        "attested    sha256:attestation\n"
        f"trace       {TRACE}\n"
    )


def test_the_error_of_a_build_is_printed_in_one_line(daemon: FakeHistory) -> None:
    ran = llb("history", "inspect", "failed", "--addr", daemon.address)
    assert ran.stdout.splitlines()[-2:] == ["frontend    none", "error       exit code: 1"]


def test_a_build_is_printed_as_json(daemon: FakeHistory) -> None:
    ran = llb("history", "inspect", "full", "--json", "--addr", daemon.address)
    found = json.loads(ran.stdout)
    assert found["exports"] == [["image", {"name": "app"}]]
    assert found["trace"]["digest"] == TRACE


def test_a_cancelled_build_has_a_status_of_its_own(tmp_path: Path) -> None:
    with FakeHistory(tmp_path, [failed("rpc error: context canceled")]) as daemon:
        ran = llb("history", "inspect", "failed", "--addr", daemon.address)
    assert ran.stdout.splitlines()[1] == "status      canceled"


def test_what_a_build_printed_is_printed_again(daemon: FakeHistory) -> None:
    ran = llb("history", "logs", "full", "--addr", daemon.address)
    assert ran.status == 0
    assert "run make" in ran.stdout
    assert ran.stdout.count("made\n") == 1


def test_what_a_build_printed_is_printed_as_json(daemon: FakeHistory) -> None:
    ran = llb("history", "logs", "full", "--progress", "rawjson", "--addr", daemon.address)
    (report,) = map(json.loads, ran.stdout.splitlines())
    assert [vertex["name"] for vertex in report["vertexes"]] == ["run make"]


def test_the_trace_of_a_build_is_printed(daemon: FakeHistory) -> None:
    assert llb("history", "trace", "full", "--addr", daemon.address).output == SPANS


def test_a_build_without_a_trace_is_refused(daemon: FakeHistory) -> None:
    ran = llb("history", "trace", "first", "--addr", daemon.address)
    assert (ran.status, ran.stderr) == (
        1,
        "error: the daemon has no trace of the build 'first'\n",
    )


def test_builds_are_forgotten_by_name(daemon: FakeHistory) -> None:
    assert llb("history", "rm", "first", "full", "--addr", daemon.address).status == 0
    assert [(each.Ref, each.Delete) for each in daemon.updates] == [("first", True), ("full", True)]


def test_all_builds_that_ended_are_forgotten_but_for_those_that_are_pinned(
    daemon: FakeHistory,
) -> None:
    assert llb("history", "rm", "--all", "--addr", daemon.address).status == 0
    assert [each.Ref for each in daemon.updates] == ["failed", "first"]


@pytest.mark.parametrize("arguments", [[], ["first", "--all"]])
def test_either_names_or_all_are_forgotten(arguments: list[str]) -> None:
    ran = llb("history", "rm", *arguments)
    assert ran.status == 2
    assert ran.stderr.endswith("Error: name builds, or give --all\n")


def test_a_build_is_pinned_and_let_go(daemon: FakeHistory) -> None:
    llb("history", "pin", "first", "--addr", daemon.address)
    llb("history", "pin", "full", "--off", "--addr", daemon.address)
    assert [(each.Ref, each.Pinned) for each in daemon.updates] == [
        ("first", True),
        ("full", False),
    ]


@pytest.mark.parametrize("command", ["inspect", "logs", "trace", "rm", "pin"])
def test_an_unknown_build_is_refused(daemon: FakeHistory, command: str) -> None:
    ran = llb("history", command, "nonesuch", "--addr", daemon.address)
    assert (ran.status, ran.stderr) == (
        1,
        "error: unknown build 'nonesuch'\nhint: list the daemon's builds with `llb history ls`\n",
    )
    assert daemon.updates == []


def test_a_build_that_was_just_removed_is_unknown(tmp_path: Path) -> None:
    error = RemoteError("ref first is deleted", code=Code.UNKNOWN)
    with FakeHistory(tmp_path, [], error=error) as daemon:
        ran = llb("history", "inspect", "first", "--addr", daemon.address)
    assert ran.stderr.startswith("error: unknown build 'first'\n")


def test_an_old_daemon_remembers_nothing(tmp_path: Path) -> None:
    error = RemoteError("unknown method", code=Code.UNIMPLEMENTED)
    with FakeHistory(tmp_path, [], error=error) as daemon:
        ran = llb("history", "ls", "--addr", daemon.address)
    assert ran.stderr.endswith("hint: build history needs BuildKit v0.11 or later\n")
