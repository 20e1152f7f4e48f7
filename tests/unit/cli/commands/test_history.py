"""``llb history``: print, pin and delete build records."""

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

STARTED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
STEP = f"sha256:{'a' * 64}"
TRACE = f"sha256:{'b' * 64}"
SPANS = b'[{"name": "a span"}]'


def record(
    ref: str, *, hours: int = 0, seconds: int | None = 2, **fields: object
) -> control_pb2.BuildHistoryRecord:
    """Build a record that starts some hours after the first and lasts some seconds."""
    build = control_pb2.BuildHistoryRecord(Ref=ref, **fields)  # type: ignore[arg-type]
    build.CreatedAt.FromDatetime(STARTED + timedelta(hours=hours))
    if seconds is not None:
        build.CompletedAt.FromDatetime(STARTED + timedelta(hours=hours, seconds=seconds))
    return build


def failed(text: str) -> control_pb2.BuildHistoryRecord:
    build = record("failed", hours=1)
    build.error.message = text
    return build


def full() -> control_pb2.BuildHistoryRecord:
    build = record(
        "full",
        hours=2,
        Frontend="dockerfile.v0",
        FrontendAttrs={"target": "app", "filename": "Dockerfile"},
        numTotalSteps=3,
        numCompletedSteps=2,
        numCachedSteps=1,
        pinned=True,
    )
    build.Exporters.add(Type="image", Attrs={"name": "app"})
    build.Results["linux/amd64"].Results[0].digest = "sha256:result"
    build.Results["linux/amd64"].Attestations.add(digest="sha256:attestation")
    build.trace.digest = TRACE
    return build


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    events: list[Event] = [
        Vertex(STEP, "run make", (), False, STARTED, STARTED, None),
        VertexLog(STEP, 1, b"made\n", STARTED),
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


def test_a_line_shows_the_status_duration_and_steps_of_a_build(daemon: FakeHistory) -> None:
    header, *lines = llb("history", "ls", "--addr", daemon.address).stdout.splitlines()
    assert header == f"{'REFERENCE':<34}STATUS      STARTED      TOOK  STEPS"
    days = (datetime.now(UTC) - STARTED).days
    assert lines[3] == f"{'first':<34}{'completed':<11}{f'{days}d ago':>8}      2.0s  0/0 cached"
    assert [line.split()[:2] for line in lines] == [
        ["now", "running"],
        ["full", "completed"],
        ["failed", "error"],
        ["first", "completed"],
    ]
    assert lines[1].endswith("2.0s  1/3 cached    pinned")


def test_filters_and_limits_are_passed_to_the_daemon(daemon: FakeHistory) -> None:
    llb("history", "ls", "--filter", "status==error", "--limit", "2", "--addr", daemon.address)
    llb("history", "ls", "--active", "--addr", daemon.address)
    first, second = daemon.requests
    assert (list(first.Filter), first.Limit, first.ActiveOnly) == (["status==error"], 2, False)
    assert (list(second.Filter), second.Limit, second.ActiveOnly) == ([], 0, True)


def test_builds_are_listed_as_lines_of_json(daemon: FakeHistory) -> None:
    ran = llb("history", "ls", "--json", "--addr", daemon.address)
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [record["ref"] for record in records] == ["now", "full", "failed", "first"]
    assert records[1]["results"] == [{"digest": "sha256:result", "media_type": "", "size": 0}]
    assert records[3]["created"] == "2024-01-02T03:04:05+00:00"


def test_inspect_prints_all_fields_of_a_build(daemon: FakeHistory) -> None:
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
    build = json.loads(ran.stdout)
    assert build["exports"] == [["image", {"name": "app"}]]
    assert build["trace"]["digest"] == TRACE


def test_a_cancelled_build_has_its_own_status(tmp_path: Path) -> None:
    with FakeHistory(tmp_path, [failed("rpc error: context canceled")]) as daemon:
        ran = llb("history", "inspect", "failed", "--addr", daemon.address)
    assert ran.stdout.splitlines()[1] == "status      canceled"


def test_the_log_of_a_build_is_printed(daemon: FakeHistory) -> None:
    ran = llb("history", "logs", "full", "--addr", daemon.address)
    assert ran.status == 0
    assert "run make" in ran.stdout
    assert ran.stdout.count("made\n") == 1


def test_the_log_of_a_build_is_printed_as_json(daemon: FakeHistory) -> None:
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


def test_builds_are_deleted_by_reference(daemon: FakeHistory) -> None:
    assert llb("history", "rm", "first", "full", "--addr", daemon.address).status == 0
    assert [(update.Ref, update.Delete) for update in daemon.updates] == [
        ("first", True),
        ("full", True),
    ]


def test_all_completed_builds_are_deleted_except_pinned_ones(
    daemon: FakeHistory,
) -> None:
    assert llb("history", "rm", "--all", "--addr", daemon.address).status == 0
    assert [update.Ref for update in daemon.updates] == ["failed", "first"]


@pytest.mark.parametrize("arguments", [[], ["first", "--all"]])
def test_rm_needs_either_references_or_all(arguments: list[str]) -> None:
    ran = llb("history", "rm", *arguments)
    assert ran.status == 2
    assert ran.stderr.endswith("Error: expected either build references or --all\n")


def test_a_build_is_pinned_and_unpinned(daemon: FakeHistory) -> None:
    llb("history", "pin", "first", "--addr", daemon.address)
    llb("history", "pin", "full", "--off", "--addr", daemon.address)
    assert [(update.Ref, update.Pinned) for update in daemon.updates] == [
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


def test_a_build_that_was_just_deleted_is_unknown(tmp_path: Path) -> None:
    error = RemoteError("ref first is deleted", code=Code.UNKNOWN)
    with FakeHistory(tmp_path, [], error=error) as daemon:
        ran = llb("history", "inspect", "first", "--addr", daemon.address)
    assert ran.stderr.startswith("error: unknown build 'first'\n")


def test_an_old_daemon_has_no_build_records(tmp_path: Path) -> None:
    error = RemoteError("unknown method", code=Code.UNIMPLEMENTED)
    with FakeHistory(tmp_path, [], error=error) as daemon:
        ran = llb("history", "ls", "--addr", daemon.address)
    assert ran.stderr.endswith("hint: build history needs BuildKit v0.11 or later\n")


HOSTILE = "\x1b]0;title\x07\x9b2J"


def test_a_record_cannot_drive_the_terminal(tmp_path: Path) -> None:
    build = record(HOSTILE, Frontend=HOSTILE)
    build.error.message = HOSTILE
    with FakeHistory(tmp_path, [build]) as daemon:
        commands = [("ls",), ("ls", "--quiet"), ("ls", "--json"), ("inspect", HOSTILE)]
        commands.append(("inspect", HOSTILE, "--json"))
        outputs = [
            llb("history", *command, "--addr", daemon.address).stdout for command in commands
        ]
    for command, output in zip(commands, outputs, strict=True):
        assert "title" in output, command
        assert [character for character in output if character in "\x1b\x07\x9b"] == [], command
    assert json.loads(outputs[-1])["error"] == HOSTILE
