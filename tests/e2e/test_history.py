"""Builds that the daemon remembers, through the API, the command line and beside buildctl."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import BuildRecord, Client, Event, Vertex, VertexLog, cache_only, image
from llb.errors import InputError, SolveError
from tests.e2e.test_failures import check_error, cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl


@pytest.fixture
def words() -> str:
    return uuid.uuid4().hex


def built(address: str, words: str, *, command: str = "true") -> str:
    """Build a step that prints words; return the name of the build."""
    with Client(address) as client:
        state = Image("busybox").run(f"echo {words}; {command}", ignore_cache=True)
        return client.solve(state, exports=[cache_only()]).ref


@pytest.mark.feature("P8")
def test_a_build_is_remembered_with_its_log(buildkit_host: str, words: str) -> None:
    ref = built(buildkit_host, words)
    with Client(buildkit_host) as client:
        history = client.history()
        build = history.build(ref)
        events: list[Event] = list(history.events(ref))
        assert build in history.builds(filters=[f"ref=={ref}"])
    assert isinstance(build, BuildRecord)
    assert (build.ref, build.status, build.error) == (ref, "completed", None)
    assert (build.total_steps, build.completed_steps) == (2, 2)
    assert build.duration is not None
    logs = b"".join(each.data for each in events if isinstance(each, VertexLog))
    assert logs == f"{words}\n".encode()
    assert any(isinstance(each, Vertex) and words in each.name for each in events)


@pytest.mark.feature("P8")
def test_a_failed_build_is_remembered_with_its_error(buildkit_host: str, words: str) -> None:
    ref = f"pyllb-{words}"
    with Client(buildkit_host) as client:
        with pytest.raises(SolveError):
            client.solve(Image("busybox").run("exit 7", ignore_cache=True), ref=ref)
        build = client.history().build(ref)
        assert build.status == "error"
        assert build.error is not None
        assert "exit code: 7" in build.error
        assert [each.ref for each in client.history().builds(filters=["status==error"], limit=1)]


@pytest.mark.feature("P8")
def test_a_build_is_pinned_and_forgotten(buildkit_host: str, words: str) -> None:
    ref = built(buildkit_host, words)
    with Client(buildkit_host) as client:
        history = client.history()
        history.pin(ref)
        assert history.build(ref).pinned
        history.pin(ref, pinned=False)
        assert not history.build(ref).pinned
        history.remove(ref)
        for what in (history.build, history.remove, history.pin):
            with pytest.raises(InputError, match="remembers no build"):
                what(ref)
        with pytest.raises(InputError, match="remembers no build"):
            list(history.events(ref))


@pytest.mark.feature("P8")
def test_the_command_line_lists_inspects_prints_and_forgets(buildctl: Buildctl, words: str) -> None:
    address = buildctl.address
    ref = built(address, words)
    only = ("--filter", f"ref=={ref}")
    # The daemon lets builds that are under way through every filter.
    rows = cli("history", "ls", *only, address=address).stdout.splitlines()
    assert [row.split()[1] for row in rows if row.startswith(ref)] == ["completed"]
    assert ref in cli("history", "ls", "-q", *only, address=address).stdout.splitlines()
    shown = cli("history", "inspect", ref, address=address).stdout
    assert f"ref         {ref}\nstatus      completed\n" in shown
    values = json.loads(cli("history", "inspect", ref, "--json", address=address).stdout)
    assert (values["ref"], values["total_steps"]) == (ref, 2)
    ours = cli("history", "logs", ref, address=address)
    assert f" {words}\n" in ours.stdout
    assert cli("history", "pin", ref, address=address).returncode == 0
    assert cli("history", "pin", ref, "--off", address=address).returncode == 0
    assert ref in buildctl("debug", "histories")
    assert cli("history", "rm", ref, address=address).returncode == 0
    assert ref not in buildctl("debug", "histories")
    for command in ("inspect", "logs", "trace", "rm", "pin"):
        done = cli("history", command, ref, address=address)
        check_error(done, f"error: the daemon remembers no build '{ref}'\n")


@pytest.mark.feature("P8")
def test_events_of_the_past_are_those_that_buildctl_prints(buildctl: Buildctl, words: str) -> None:
    ref = built(buildctl.address, words, command="echo '<&>' é")
    ours = cli("history", "logs", ref, "--progress", "rawjson", address=buildctl.address).stdout
    theirs = buildctl("debug", "logs", "--progress", "rawjson", ref)
    assert "\\u003c" in ours
    assert ours.splitlines() == theirs.splitlines()


@pytest.mark.feature("P8")
def test_a_build_without_a_trace_says_so(buildkit_host: str, words: str) -> None:
    ref = built(buildkit_host, words)
    done = cli("history", "trace", ref, address=buildkit_host)
    check_error(done, f"error: the daemon has no trace of the build '{ref}'\n")


@pytest.mark.feature("P8")
def test_results_and_attestations_are_read(buildkit_host: str, registry: str, words: str) -> None:
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
def test_all_that_ended_is_forgotten_but_what_is_pinned(
    start_buildkitd: Callable[[], Buildctl], words: str
) -> None:
    address = start_buildkitd().address
    refs = [built(address, words) for _ in range(3)]
    with Client(address) as client:
        client.history().pin(refs[1])
    assert cli("history", "rm", "--all", address=address).returncode == 0
    assert cli("history", "ls", "-q", address=address).stdout == f"{refs[1]}\n"


@pytest.mark.feature("P8")
@pytest.mark.parametrize("arguments", [(), ("--all", "x")])
def test_what_is_to_be_forgotten_is_said_in_one_way(arguments: tuple[str, ...]) -> None:
    done = cli("history", "rm", *arguments)
    assert done.returncode == 2
    assert "expected either build references or --all" in done.stderr
