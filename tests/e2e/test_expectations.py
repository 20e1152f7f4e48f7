"""Checks that run with a build on a real BuildKit: they fail it, and are no part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch, State, cache
from llb.client import Client, Event, Vertex, oci
from llb.errors import SolveError
from llb.recipes import expect_command, expect_file
from tests.e2e.test_example import image_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = Image("busybox").mkfile("/etc/motd", "hello\nworld\n")
# A tree without a shell, whose file is found through links that stay inside.
BARE = Scratch().mkdir("/opt").mkfile("/opt/app.conf", "port = 80").symlink("/opt", "/etc")


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as made:
        yield made


def steps(client: Client, state: State) -> dict[str, bool]:
    """Return the steps of a build by name, and whether they were found in the cache."""
    events: list[Event] = []
    client.solve(state, on_event=events.append)
    return {each.name: each.cached for each in events if isinstance(each, Vertex)}


def test_what_is_as_expected_changes_nothing(client: Client, tmp_path: Path) -> None:
    state = (
        BASE.pipe(expect_file, "etc/motd", contains="o\nw", equals="hello\nworld\n", mode=0o644)
        .pipe(expect_command, "cat /etc/motd; echo >&2 noise; exit 3", contains="llo", exit_code=3)
        .pipe(expect_command, ["touch", "/made"])
        .pipe(expect_command, ["printf", "%s", "$HOME"], equals="$HOME\n")
    )
    client.solve(BASE, exports=[oci(tmp_path / "plain.tar")])
    client.solve(state, exports=[oci(tmp_path / "checked.tar")])
    plain, _ = image_of(tmp_path / "plain.tar")
    checked, _ = image_of(tmp_path / "checked.tar")
    assert checked["rootfs"] == plain["rootfs"]


@pytest.mark.parametrize(
    ("state", "told"),
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
def test_what_is_not_fails_the_build_with_what_was_found(
    client: Client, state: State, told: str
) -> None:
    with pytest.raises(SolveError) as caught:
        client.solve(state)
    assert sorted("\n".join(caught.value.log).splitlines()) == sorted(told.splitlines())
    assert caught.value.exit_code == 1


def test_a_file_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(SolveError, match=r"/bin/sh /run/expect /nope.* no such file or directory"):
        client.solve(BASE.pipe(expect_file, "/nope"))


def test_a_command_alone_needs_no_shell(client: Client) -> None:
    busybox = Scratch().copy(Image("busybox"), "/true", src="/bin/true")
    client.solve(busybox.pipe(expect_command, ["/true"]))
    with pytest.raises(SolveError, match=r'process "/true" did not complete .*: exit code: 0'):
        client.solve(busybox.pipe(expect_command, ["/true"], exit_code=1))


def test_a_tree_without_a_shell_is_looked_at_with_that_of_another(client: Client) -> None:
    client.solve(
        BARE.pipe(expect_file, "/etc/app.conf", equals="port = 80", using=Image("busybox"))
    )
    with pytest.raises(SolveError) as caught:
        client.solve(BARE.pipe(expect_file, "/etc/app.conf"))
    assert caught.value.log[-1].endswith('exec: "/bin/sh": stat /bin/sh: no such file or directory')


def test_a_check_is_run_where_its_state_is_built_and_nowhere_else(client: Client) -> None:
    failing = BASE.pipe(expect_command, ["false"])
    assert "expect command false" not in steps(client, BASE.mkfile("/other", "1"))
    with pytest.raises(SolveError):
        client.solve(failing.mkfile("/other", "1"))
    with pytest.raises(SolveError):
        client.solve(Scratch().copy(failing, "/", src="/etc/motd"))


def test_a_check_is_cached_as_any_step(client: Client) -> None:
    state = BASE.pipe(expect_command, "true # cached")
    steps(client, state)
    assert steps(client, state)["expect command true # cached"]
    # Of a tree that is looked at from outside, the file alone counts.
    looking = Image("busybox").mkdir("/looking")
    bare = BARE.pipe(expect_file, "/etc/app.conf", equals="port = 80", using=looking)
    steps(client, bare)
    changed = BARE.mkfile("/other", "1")
    again = changed.pipe(expect_file, "/etc/app.conf", equals="port = 80", using=looking)
    assert steps(client, again)["expect file /etc/app.conf"]


def test_settings_of_the_state_hold_for_commands_and_after_checks(client: Client) -> None:
    state = BASE.env("WORD", "given").workdir("/etc").user("daemon").mount(cache("/kept"))
    checked = state.pipe(expect_file, "motd").pipe(
        expect_command,
        'echo "$WORD $(pwd) $(id -un)"; ls -d /kept',
        equals="given /etc daemon\n/kept",
    )
    client.solve(checked.run("test $WORD = given && test $(pwd) = /etc && test -d /kept"))
