"""The build history, with the API, with the command line, and compared with buildctl."""

from __future__ import annotations

import json
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import BuildRecord, Client, Event, Vertex, VertexLog, cache_only, image
from llb.errors import InputError, SolveError
from llb.gateway import Result
from tests.e2e.test_failures import check_error, cli
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.gateway import Gateway, Request
    from tests.e2e.conftest import Buildctl


@pytest.fixture
def words() -> str:
    return uuid.uuid4().hex


def run_build(address: str, words: str, *, command: str = "true") -> str:
    """Build a step that prints words; return the ref of the build."""
    with Client(address) as client:
        state = Image("busybox").run(f"echo {words}; {command}", ignore_cache=True)
        return client.solve(state, exports=[cache_only()]).ref


def wait_for_trace(client: Client, ref: str) -> BuildRecord:
    """Wait for the final record of a build: the daemon adds the trace seconds after its end."""
    wait_until(lambda: client.history().build(ref).trace is not None)
    return client.history().build(ref)


@pytest.mark.feature("P8")
def test_the_history_has_a_build_and_its_log(buildkit_host: str, words: str) -> None:
    ref = run_build(buildkit_host, words)
    with Client(buildkit_host) as client:
        history = client.history()
        build = wait_for_trace(client, ref)
        events: list[Event] = list(history.events(ref))
        assert build in history.builds(filters=[f"ref=={ref}"])
    assert isinstance(build, BuildRecord)
    assert (build.ref, build.status, build.error) == (ref, "completed", None)
    # The lookup of the base image, its source, and the command.
    assert (build.total_steps, build.completed_steps) == (3, 3)
    assert build.duration is not None
    logs = b"".join(event.data for event in events if isinstance(event, VertexLog))
    assert logs == f"{words}\n".encode()
    assert any(isinstance(event, Vertex) and words in event.name for event in events)


@pytest.mark.feature("P8")
def test_the_history_has_a_failed_build_and_its_error(buildkit_host: str, words: str) -> None:
    ref = f"pyllb-{words}"
    with Client(buildkit_host) as client:
        with pytest.raises(SolveError):
            client.solve(Image("busybox").run("exit 7", ignore_cache=True), ref=ref)
        build = client.history().build(ref)
        assert build.status == "error"
        assert build.error is not None
        assert "exit code: 7" in build.error
        assert [
            record.ref for record in client.history().builds(filters=["status==error"], limit=1)
        ]


@pytest.mark.feature("P14")
def test_a_build_is_exported_with_its_trace_and_its_blobs(
    buildkit_host: str, words: str, tmp_path: Path
) -> None:
    ref = run_build(buildkit_host, words)
    output = tmp_path / "build.dockerbuild"
    cli("history", "export", "--finalize", "-o", output, ref, address=buildkit_host)
    with tarfile.open(output) as archive:
        files = {
            entry.name: file.read()
            for entry in archive
            if (file := archive.extractfile(entry)) is not None
        }
    (manifest,) = json.loads(files["index.json"])["manifests"]
    content = json.loads(files[f"blobs/{manifest['digest'].replace(':', '/')}"])
    record, trace, log, *_ = (
        files[f"blobs/{one['digest'].replace(':', '/')}"]
        for one in (content["config"], *content["layers"])
    )
    assert json.loads(record)["Ref"] == ref
    assert words.encode() in log
    assert b'"SpanContext"' in trace


@pytest.mark.feature("P8")
def test_a_build_is_pinned_and_removed(buildkit_host: str, words: str) -> None:
    ref = run_build(buildkit_host, words)
    with Client(buildkit_host) as client:
        history = client.history()
        history.pin(ref)
        assert history.build(ref).pinned
        history.pin(ref, pinned=False)
        assert not history.build(ref).pinned
        history.remove(ref)
        for operation in (history.build, history.remove, history.pin):
            with pytest.raises(InputError, match="unknown build"):
                operation(ref)
        with pytest.raises(InputError, match="unknown build"):
            list(history.events(ref))


@pytest.mark.feature("P8")
def test_the_command_line_lists_inspects_prints_and_removes_builds(
    buildctl: Buildctl, words: str
) -> None:
    address = buildctl.address
    ref = run_build(address, words)
    filter_options = ("--filter", f"ref=={ref}")
    # The daemon lists running builds whatever the filter is.
    rows = cli("history", "ls", *filter_options, address=address).stdout.splitlines()
    assert [row.split()[1] for row in rows if row.startswith(ref)] == ["completed"]
    assert ref in cli("history", "ls", "-q", *filter_options, address=address).stdout.splitlines()
    output = cli("history", "inspect", ref, address=address).stdout
    assert f"ref         {ref}\nstatus      completed\n" in output
    values = json.loads(cli("history", "inspect", ref, "--json", address=address).stdout)
    assert (values["ref"], values["total_steps"]) == (ref, 3)
    ours = cli("history", "logs", ref, address=address)
    assert f" {words}\n" in ours.stdout
    assert cli("history", "pin", ref, address=address).returncode == 0
    assert cli("history", "pin", ref, "--off", address=address).returncode == 0
    assert ref in buildctl("debug", "histories")
    assert cli("history", "rm", ref, address=address).returncode == 0
    assert ref not in buildctl("debug", "histories")
    for command in ("inspect", "logs", "trace", "rm", "pin"):
        process = cli("history", command, ref, address=address)
        check_error(process, f"error: unknown build '{ref}'\n")


@pytest.mark.feature("P8")
def test_past_events_equal_those_that_buildctl_prints(buildctl: Buildctl, words: str) -> None:
    ref = run_build(buildctl.address, words, command="echo '<&>' é")
    ours = cli("history", "logs", ref, "--progress", "rawjson", address=buildctl.address).stdout
    theirs = buildctl("debug", "logs", "--progress", "rawjson", ref)
    assert "\\u003c" in ours
    assert ours.splitlines() == theirs.splitlines()


@pytest.mark.feature("P8")
def test_a_build_without_a_trace_is_an_error(buildkit_host: str, words: str) -> None:
    def check_trace(_request: Request, _gateway: Gateway) -> Result:
        # The daemon adds the trace after the end of a build, and this one is running.
        process = cli("history", "trace", words, address=buildkit_host)
        check_error(process, f"error: the daemon has no trace of the build '{words}'\n")
        return Result()

    with Client(buildkit_host) as client:
        client.build(check_trace, ref=words)


@pytest.mark.feature("P8")
def test_results_are_read_from_the_history(buildkit_host: str, registry: str, words: str) -> None:
    name = f"{registry}/test/{words}"
    with Client(buildkit_host) as client:
        result = client.solve(
            Image("busybox").run(f"echo {words}"),
            exports=[image(name, push=True)],
        )
        build = client.history().build(result.ref)
        (blob,) = build.results
        manifest = json.loads(b"".join(client.history().read(blob)))
    assert blob.digest == result.digest
    assert manifest["layers"]


@pytest.mark.feature("P8")
def test_rm_all_keeps_pinned_builds(start_buildkitd: Callable[[], Buildctl], words: str) -> None:
    address = start_buildkitd().address
    refs = [run_build(address, words) for _ in range(3)]
    with Client(address) as client:
        client.history().pin(refs[1])
    assert cli("history", "rm", "--all", address=address).returncode == 0
    assert cli("history", "ls", "-q", address=address).stdout == f"{refs[1]}\n"


@pytest.mark.feature("P8")
@pytest.mark.parametrize("arguments", [(), ("--all", "x")])
def test_rm_takes_either_builds_or_all(arguments: tuple[str, ...]) -> None:
    process = cli("history", "rm", *arguments)
    assert process.returncode == 2
    assert "expected either build references or --all" in process.stderr


@pytest.mark.feature("P8")
@pytest.mark.since("v0.33.0", "daemons that keep no history")
def test_a_daemon_may_keep_no_history(
    start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    config = tmp_path / "history.toml"
    config.write_text("[history]\nmaxEntries = 0\n")
    address = start_buildkitd("--config", config).address
    with Client(address) as client:
        client.solve(Scratch().mkfile("/a", ""), ref="forgotten")
        with pytest.raises(SolveError, match="exit code: 7"):
            client.solve(Image("busybox").run("exit 7"))
        assert list(client.history().builds()) == []
    process = cli("history", "inspect", "forgotten", address=address)
    check_error(process, "error: unknown build 'forgotten'\n")
