"""Checks on a real BuildKit: a failed check fails the build, a passed one leaves no trace."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch, State, cache
from llb.client import Client, Event, Vertex, oci
from llb.errors import SolveError
from llb.recipes import expect_command, expect_file
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = Image("busybox").workdir("/").mkfile("/etc/motd", "hello\nworld\n")
# A tree without a shell; the path of its file contains a link within the tree.
BARE = Scratch().mkdir("/opt").mkfile("/opt/app.conf", "port = 80").symlink("/opt", "/etc")


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


def cached_by_step(client: Client, state: State) -> dict[str, bool]:
    """Build a state; return for each step name whether the step was cached."""
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    return {event.name: event.cached for event in events if isinstance(event, Vertex)}


def test_a_check_that_passes_changes_nothing(client: Client, tmp_path: Path) -> None:
    state = (
        BASE.pipe(expect_file, "etc/motd", contains="o\nw", equals="hello\nworld\n", mode=0o644)
        .pipe(expect_command, "cat /etc/motd; echo >&2 noise; exit 3", contains="llo", exit_code=3)
        .pipe(expect_command, ["touch", "/made"])
        .pipe(expect_command, ["printf", "%s", "$HOME"], equals="$HOME\n")
    )
    client.solve(BASE, exports=[oci(tmp_path / "plain.tar")])
    client.solve(state, exports=[oci(tmp_path / "checked.tar")])
    plain, _ = read_image(tmp_path / "plain.tar")
    checked, _ = read_image(tmp_path / "checked.tar")
    assert checked["rootfs"] == plain["rootfs"]


@pytest.mark.parametrize(
    ("state", "log"),
    [
        (
            BASE.pipe(expect_file, "/etc/motd", contains="it's"),
            "expected /etc/motd to contain 'it's', found 'hello\nworld\n'",
        ),
        (
            BASE.pipe(expect_file, "/etc/motd", equals="hello\nworld"),
            "expected /etc/motd to be 'hello\nworld', found 'hello\nworld\n'",
        ),
        (
            BASE.pipe(expect_file, "/etc/motd", equals=""),
            "expected /etc/motd to be '', found 'hello\nworld\n'",
        ),
        (
            BASE.pipe(expect_file, "/etc/motd", mode=0o755),
            "expected /etc/motd of mode 755, found mode 644",
        ),
        (BASE.pipe(expect_file, "/etc"), "expected a file at /etc, found something else"),
        (
            BASE.pipe(expect_command, "echo some; exit 3"),
            "some\nexpected exit code 0, found 3",
        ),
        (
            BASE.pipe(expect_command, ["echo", "it's"], equals="it"),
            "it's\nexpected stdout to be 'it', found 'it's'",
        ),
        (
            BARE.pipe(expect_file, "/etc/app.conf", equals="port = 81", using=Image("busybox")),
            "expected /etc/app.conf to be 'port = 81', found 'port = 80'",
        ),
    ],
)
def test_a_check_that_fails_reports_the_actual_value(
    client: Client, state: State, log: str
) -> None:
    with pytest.raises(SolveError) as caught:
        client.solve(state)
    assert sorted("\n".join(caught.value.log).splitlines()) == sorted(log.splitlines())
    assert caught.value.exit_code == 1


def test_a_missing_file_is_named(client: Client) -> None:
    with pytest.raises(SolveError, match=r"/bin/sh /run/expect /nope.* no such file or directory"):
        client.solve(BASE.pipe(expect_file, "/nope"))


def test_an_exec_form_command_needs_no_shell(client: Client) -> None:
    busybox = Scratch().copy(Image("busybox"), "/true", src="/bin/true")
    client.solve(busybox.pipe(expect_command, ["/true"]))
    with pytest.raises(SolveError, match=r'process "/true" did not complete .*: exit code: 0'):
        client.solve(busybox.pipe(expect_command, ["/true"], exit_code=1))


def test_a_tree_without_a_shell_is_checked_with_the_shell_of_another(client: Client) -> None:
    client.solve(
        BARE.pipe(expect_file, "/etc/app.conf", equals="port = 80", using=Image("busybox"))
    )
    with pytest.raises(SolveError) as caught:
        client.solve(BARE.pipe(expect_file, "/etc/app.conf"))
    assert caught.value.log[-1].endswith('exec: "/bin/sh": stat /bin/sh: no such file or directory')


def test_a_check_runs_only_if_its_state_is_built(client: Client) -> None:
    failing = BASE.pipe(expect_command, ["false"])
    assert "expect command false" not in cached_by_step(client, BASE.mkfile("/other", "1"))
    with pytest.raises(SolveError):
        client.solve(failing.mkfile("/other", "1"))
    with pytest.raises(SolveError):
        client.solve(Scratch().copy(failing, "/", src="/etc/motd"))


def test_a_check_is_cached_like_any_step(client: Client) -> None:
    state = BASE.pipe(expect_command, "true # cached")
    cached_by_step(client, state)
    assert cached_by_step(client, state)["expect command true # cached"]
    # With `using`, the cache key contains only the checked file, not its whole tree. The content is
    # new: of an older build, a part of the cache may have been removed.
    content = f"port = {uuid.uuid4()}"
    tools = Image("busybox").mkdir("/looking")
    bare = BARE.mkfile("/new.conf", content)
    cached_by_step(client, bare.pipe(expect_file, "/new.conf", equals=content, using=tools))
    changed = bare.mkfile("/other", "1")
    second = changed.pipe(expect_file, "/new.conf", equals=content, using=tools)
    assert cached_by_step(client, second)["expect file /new.conf"]


def test_settings_of_the_state_apply_to_commands_and_after_checks(client: Client) -> None:
    state = BASE.env("WORD", "given").workdir("/etc").user("daemon").mount(cache("/kept"))
    checked = state.pipe(expect_file, "motd").pipe(
        expect_command,
        'echo "$WORD $(pwd) $(id -un)"; ls -d /kept',
        equals="given /etc daemon\n/kept",
    )
    client.solve(checked.run("test $WORD = given && test $(pwd) = /etc && test -d /kept"))
