"""Look at results: files of a built tree, and processes in it."""

from __future__ import annotations

import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch, Symlink, bind, cache, files, secret
from llb.client import Client
from llb.errors import (
    CancelledError,
    InputError,
    InvalidValueError,
    MissingFileError,
    ProcessError,
    SolveError,
)
from llb.gateway import FileStat, Gateway, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUSYBOX = Image("busybox")
# Larger than two messages, and no multiple of a range.
LARGE = os.urandom(2**20) * 37 + b"end"


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


@pytest.mark.feature("K22")
def test_a_file_of_a_step_is_read(client: Client) -> None:
    state = BUSYBOX.workdir("/tmp").run("mkdir a && echo hello > a/b && ln -s a/b link")
    assert client.read_file(state, "/tmp/a/b") == b"hello\n"
    assert client.read_text(state, "link") == "hello\n"
    assert client.read_file(state.marshal(), PurePosixPath("/tmp/a/b"), offset=1, length=3) == (
        b"ell"
    )


@pytest.mark.feature("K22")
def test_a_file_larger_than_a_message_is_read(client: Client, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    directories = {"context": tmp_path}
    state = Local("context", include=["large"])
    assert client.read_file(state, "large", local_dirs=directories) == LARGE
    part = client.read_file(
        state, "large", offset=2**20 + 1, length=20 * 2**20, local_dirs=directories
    )
    assert part == LARGE[2**20 + 1 :][: 20 * 2**20]
    assert client.read_file(state, "large", offset=len(LARGE) - 3, local_dirs=directories) == b"end"
    assert client.read_file(state, "large", offset=len(LARGE), local_dirs=directories) == b""


@pytest.mark.feature("K22")
@pytest.mark.since("v0.34.0", "parts of files of containers")
def test_a_file_of_a_container_that_is_larger_than_a_message_is_read(
    run_with_tree: Callable[..., bytes],
) -> None:
    def read(gateway: Gateway, root: Ref) -> bytes:
        with gateway.new_container(root, init=["cat"]) as container:
            container.run("{ head -c 20000000 /dev/zero; echo end; } > /large")
            return container.read_file("/large")

    assert run_with_tree(read) == bytes(20_000_000) + b"end\n"


@pytest.mark.feature("K22")
def test_a_directory_is_listed(client: Client) -> None:
    tree = files({"b.txt": "1", "a.py": "22", "d/e": "", "l": Symlink("a.py")})
    listed = client.list_dir(tree)
    assert [(entry.path, entry.is_file, entry.is_dir, entry.is_symlink) for entry in listed] == [
        ("a.py", True, False, False),
        ("b.txt", True, False, False),
        ("d", False, True, False),
        ("l", False, False, True),
    ]
    assert [entry.path for entry in client.list_dir(tree, pattern="*.py")] == ["a.py"]
    assert [entry.path for entry in client.list_dir(tree, "d")] == ["e"]


@pytest.mark.feature("K22")
def test_the_status_of_a_file_follows_links(client: Client) -> None:
    status = client.stat(files({"a": "22", "l": Symlink("a")}), "l")
    assert isinstance(status, FileStat)
    assert (status.size, stat.S_IMODE(status.mode), status.is_file) == (2, 0o644, True)


@pytest.mark.feature("K22")
def test_a_missing_file_is_a_file_not_found_error(client: Client) -> None:
    tree = files({"d/a": ""})
    for read, message in (
        (client.read_file, "cannot read /none: no such file in the tree"),
        (client.list_dir, "cannot list /none: no such file in the tree"),
        (client.stat, "cannot stat /none: no such file in the tree"),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            read(tree, "none")
        assert isinstance(caught.value, MissingFileError)
        assert (str(caught.value), caught.value.path) == (message, "/none")


@pytest.mark.feature("K22")
@pytest.mark.since("v0.32.2", "the error of reading a directory")
def test_other_errors_of_reading_name_the_path(client: Client) -> None:
    tree = files({"d/a": b"\xff"})
    with pytest.raises(InputError, match=r"^cannot read /d: it is not a regular file$"):
        client.read_file(tree, "d")
    with pytest.raises(InputError, match=r"^cannot list /d/a: not a directory$"):
        client.list_dir(tree, "d/a")
    with pytest.raises(InputError, match=r"^cannot decode d/a as utf-8: invalid start byte at"):
        client.read_text(tree, "d/a")


@pytest.mark.feature("K22")
def test_a_tree_that_does_not_build_is_a_solve_error_with_its_line(client: Client) -> None:
    state = BUSYBOX.run("cat /none; exit 3")
    for look in (lambda: client.read_file(state, "/x"), lambda: client.run(state, "true")):
        with pytest.raises(SolveError) as caught:
            look()
        assert caught.value.exit_code == 3
        assert caught.value.span is not None
        assert caught.value.span.filename.endswith("test_inspection.py")


@pytest.mark.feature("K22")
def test_a_missing_local_directory_is_named(client: Client) -> None:
    with pytest.raises(InputError, match="asks for the local directory 'context', and none is"):
        client.read_file(Local("context"), "a")
    with pytest.raises(InputError, match="asks for the local directory 'context', and none is"):
        client.run(BUSYBOX, "true", mounts=[bind(Local("context"), "/src")])


@pytest.mark.feature("K23")
def test_a_process_returns_its_exit_code_and_output(client: Client) -> None:
    completed = client.run(BUSYBOX, "cat; echo error >&2; exit 3", input="text\n", check=False)
    assert (completed.exit_code, completed.stdout, completed.stderr) == (3, b"text\n", b"error\n")
    assert (completed.stdout_text, completed.stderr_text) == ("text\n", "error\n")
    assert client.run(BUSYBOX, ["echo", "$HOME"]).stdout == b"$HOME\n"


@pytest.mark.feature("K23")
def test_a_process_that_fails_is_an_error_with_its_output(client: Client) -> None:
    with pytest.raises(ProcessError) as caught:
        client.run(BUSYBOX, "echo out; echo error >&2; exit 4")
    error = caught.value
    assert (error.exit_code, error.stdout, error.stderr) == (4, b"out\n", b"error\n")


@pytest.mark.feature("K23")
def test_a_process_has_the_settings_of_its_state(client: Client) -> None:
    state = (
        BUSYBOX.env("A", "1")
        .env("B", "1")
        .workdir("/tmp")
        .user("www-data")
        .hostname("builder")
        .extra_host("site", "1.2.3.4")
        .shell(["/bin/sh", "-ec"])
        .mount(bind(files({"file": "mounted\n"}), "/mounted"))
    )
    command = "false || echo $A $B; pwd; id -un; hostname; grep -c site /etc/hosts; cat /mounted/*"
    expected = "1 1\n/tmp\nwww-data\nbuilder\n1\nmounted\n"
    assert client.run(state, command).stdout_text == expected
    overridden = client.run(state, "echo $A $B; pwd; id -un", env={"B": "2"}, workdir="/", user="0")
    assert overridden.stdout_text == "1 2\n/\nroot\n"
    assert client.run(state, "ls /sys/class/net", network="none").stdout == b"lo\n"
    with pytest.raises(ProcessError):
        client.run(state, "false; true")


@pytest.mark.feature("K23")
def test_a_process_has_mounts_and_secrets_of_the_build(client: Client) -> None:
    completed = client.run(
        BUSYBOX,
        "cat /data/a /run/secrets/token; echo -n $TOKEN; touch /cache/x",
        mounts=[
            bind(files({"a": "1"}), "/data"),
            cache("/cache"),
            secret("token", target="/run/secrets/token", env="TOKEN"),
        ],
        secrets={"token": "2"},
    )
    assert completed.stdout == b"122"


@pytest.mark.feature("K23")
def test_what_a_process_writes_is_lost(client: Client) -> None:
    client.run(BUSYBOX, "touch /written")
    assert client.run(BUSYBOX, "ls /written", check=False).exit_code == 1


@pytest.mark.feature("K23")
def test_a_definition_is_a_tree_to_run_in(client: Client) -> None:
    definition = BUSYBOX.run("echo 1 > /a").marshal()
    assert client.run(definition, "cat /a").stdout == b"1\n"


@pytest.mark.feature("K23")
def test_a_process_ends_with_its_timeout(client: Client) -> None:
    with pytest.raises(CancelledError):
        client.run(BUSYBOX, "sleep 1000", timeout=1)


@pytest.mark.feature("K23")
def test_settings_that_only_steps_have_are_refused(client: Client) -> None:
    with pytest.raises(InvalidValueError, match=r"^a container has no ulimits \("):
        client.run(BUSYBOX.ulimit("nofile", 10, 10), "true")
    with pytest.raises(ProcessError, match="no such file or directory"):
        client.run(Scratch(), "true")
