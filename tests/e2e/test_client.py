"""The client library: events, exports, workers, frontends, sources."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import socket
import stat
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from llb import HTTP, Git, Image, Local, Scratch, bind, cache, diff, merge, secret
from llb.client import Client, Event, Vertex, VertexLog, VertexStatus, image, local, oci, tar
from llb.client.progress.display import display
from llb.errors import InvalidValueError, SolveError
from tests.e2e.registries import serve_http
from tests.e2e.servers import accepts, free_port, wait_for
from tests.e2e.versions import VERSION
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

BUSYBOX = Image("busybox")


@pytest.mark.feature("J10")
def test_info_and_workers_describe_the_daemon(buildkit_host: str) -> None:
    with Client(buildkit_host) as client:
        assert client.info().version == VERSION
        (worker,) = client.workers()
    assert "linux/amd64" in [str(platform) for platform in worker.platforms]


@pytest.mark.feature("O1")
def test_events_follow_every_step(buildkit_host: str) -> None:
    events: list[Event] = []
    with Client(buildkit_host) as client:
        client.solve(
            BUSYBOX.run("echo one; echo two >&2", name="talk", ignore_cache=True),
            on_event=events.append,
        )
    logs = [event for event in events if isinstance(event, VertexLog)]
    assert {log.stream: log.data for log in logs} == {1: b"one\n", 2: b"two\n"}
    last = {event.digest: event for event in events if isinstance(event, Vertex)}
    (talk,) = [vertex for vertex in last.values() if vertex.name == "talk"]
    assert talk.error is None
    assert talk.started is not None
    assert talk.completed is not None
    assert talk.started <= talk.completed


@pytest.mark.feature("L9", "L14")
def test_one_build_has_several_exports(buildkit_host: str, registry: str, tmp_path: Path) -> None:
    state = Scratch().mkfile("/a", "x")
    name = f"{registry}/test/exports:latest"
    with Client(buildkit_host) as client:
        result = client.solve(
            state,
            exports=[
                local(tmp_path / "fs"),
                tar(tmp_path / "fs.tar"),
                oci(tmp_path / "image.tar"),
                image(name, push=True),
            ],
        )
    assert (tmp_path / "fs" / "a").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fs", "fs.tar", "image.tar"]
    assert result.digest is not None
    with Client(buildkit_host) as client:
        client.solve(Image(f"{name}@{result.digest}"), exports=[local(tmp_path / "again")])
    assert (tmp_path / "again" / "a").read_text() == "x"


@pytest.mark.feature("L12")
def test_a_second_export_adds_to_a_directory(buildkit_host: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept").write_text("k")
    (out / "replaced").write_text("old")
    (out / "dir").mkdir()
    (out / "dir" / "kept").write_text("k")
    state = Scratch().mkfile("/replaced", "new").mkdir("/dir").mkfile("/dir/added", "a")
    with Client(buildkit_host) as client:
        client.solve(state, exports=[local(out)])
    assert {
        str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()
    } == {
        "kept": "k",
        "replaced": "new",
        "dir/kept": "k",
        "dir/added": "a",
    }


@pytest.mark.feature("J1", "N1")
def test_a_local_directory_arrives_unchanged(
    buildkit_host: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    source, name = make_odd_tree(tmp_path / "source"), f"context-{uuid.uuid4()}"
    # A daemon compares a directory with the last one that it received under the same name.
    definition = Scratch().copy(Local(name), "/").marshal()
    with Client(buildkit_host) as client:
        client.solve(definition, local_dirs={name: source}, exports=[local(tmp_path / "ours")])
    (tmp_path / "definition").write_bytes(definition.to_bytes())
    os.system(
        f"{buildctl.program} --addr {buildctl.address} build --local {name}={source} "
        f"--output type=local,dest={tmp_path / 'theirs'} < {tmp_path / 'definition'} 2> /dev/null"
    )
    assert describe_tree(tmp_path / "ours") == describe_tree(tmp_path / "theirs")
    assert describe_tree(tmp_path / "ours") == describe_tree(source)


@pytest.mark.feature("N2")
def test_patterns_select_the_files_to_send(buildkit_host: str, tmp_path: Path) -> None:
    source = make_odd_tree(tmp_path / "source")
    context = Local("context", include=["dir/**", "*.txt"], exclude=["**/*.pyc", "!dir/keep.pyc"])
    with Client(buildkit_host) as client:
        client.solve(context, local_dirs={"context": source}, exports=[local(tmp_path / "out")])
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")}
    assert names == {
        *("a.txt", "dir", "dir/keep.pyc", "dir/sub", "dir/sub/deep.txt", "same.txt", "ünïcode.txt"),
        "big.txt",
    }


def make_odd_tree(folder: Path) -> Path:
    """Create a directory with links, modes, times, attributes, and empty and large files."""
    (folder / "dir" / "sub").mkdir(parents=True)
    (folder / "empty").mkdir(mode=0o700)
    (folder / "a.txt").write_text("a")
    (folder / "dir" / "keep.pyc").write_text("k")
    (folder / "dir" / "gone.pyc").write_text("g")
    (folder / "dir" / "sub" / "deep.txt").write_text("")
    (folder / "ünïcode.txt").write_text("u")
    (folder / "new\nline").write_text("n")
    (folder / "big.txt").write_bytes(os.urandom(3_000_000))
    (folder / "script").write_text("#!/bin/sh\n")
    (folder / "script").chmod(0o4755)
    (folder / "link").symlink_to("dir/sub")
    (folder / "dangling").symlink_to("/no/where")
    os.link(folder / "a.txt", folder / "same.txt")
    os.setxattr(folder / "a.txt", "user.note", b"x\0y")
    os.mkfifo(folder / "pipe", 0o640)
    os.utime(folder / "a.txt", ns=(1, 1_600_000_000_123_456_789))
    os.utime(folder / "dir", ns=(1, 1_500_000_000_000_000_001))
    return folder


def describe_tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Describe the files below a directory, with everything that a build can see."""
    entries: dict[str, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        content: object = None
        if stat.S_ISLNK(status.st_mode):
            content = path.readlink()
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        attributes = () if path.is_symlink() else tuple(os.listxattr(path))
        entries[str(path.relative_to(folder))] = (
            oct(status.st_mode),
            status.st_mtime_ns,
            status.st_nlink if stat.S_ISREG(status.st_mode) else None,
            content,
            attributes,
        )
    return entries


def test_mounts_reach_the_process(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").write_text("from the client")
    run = BUSYBOX.run(
        "cp /in/x /out/x; echo n >> /cache/n; wc -l < /cache/n > /out/n",
        mounts=[
            bind(Local("in"), "/in", readonly=True),
            bind(Scratch(), "/out"),
            cache("/cache", id=str(tmp_path)),
            secret("none", optional=True),
        ],
    )
    with Client(buildkit_host) as client:
        client.solve(
            run.mounted("/out"),
            local_dirs={"in": tmp_path / "in"},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "x").read_text() == "from the client"
    assert (tmp_path / "out" / "n").read_text().strip() == "1"


def test_files_come_from_urls(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "page").write_text("from the web")
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "served"))
    digest = "sha256:" + hashlib.sha256(b"from the web").hexdigest()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/page"
        page = HTTP(url, checksum=digest, filename="saved", mode=0o640)
        with Client(buildkit_host) as client:
            client.solve(page, exports=[local(tmp_path / "out")])
            with pytest.raises(SolveError, match="digest mismatch"):
                client.solve(HTTP(url + "?2", checksum="sha256:" + "0" * 64))
        server.shutdown()
    assert (tmp_path / "out" / "saved").read_text() == "from the web"
    assert stat.S_IMODE((tmp_path / "out" / "saved").stat().st_mode) == 0o640


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


def test_trees_come_from_git_repositories(buildkit_host: str, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        process = subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return process.stdout.strip()

    git("init", "--quiet", "--initial-branch", "main", "repo")
    (tmp_path / "repo" / "sub").mkdir()
    (tmp_path / "repo" / "sub" / "file").write_text("from git")
    git("-C", "repo", "add", ".")
    git("-C", "repo", "commit", "--quiet", "--message", "first")
    commit = git("-C", "repo", "rev-parse", "HEAD")
    port = free_port()
    daemon = subprocess.Popen(
        [
            *("git", "daemon", "--reuseaddr", "--export-all", f"--base-path={tmp_path}"),
            *("--listen=127.0.0.1", f"--port={port}", "--informative-errors"),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"git://127.0.0.1:{port}/repo"
        wait_for(lambda: accepts(socket.AF_INET, ("127.0.0.1", port)), daemon)
        with Client(buildkit_host) as client:
            client.solve(
                Git(url, ref="main", subdir="sub", checksum=commit),
                exports=[local(tmp_path / "out")],
            )
            with pytest.raises(SolveError, match="nowhere"):
                client.solve(Git(url, ref="nowhere"))
    finally:
        daemon.terminate()
        daemon.wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_merge_and_diff_combine_trees(buildkit_host: str, tmp_path: Path) -> None:
    base = Scratch().mkfile("/base", "b").mkfile("/shared", "old")
    changed = base.mkfile("/shared", "new").mkfile("/added", "a")
    upper = Scratch().mkfile("/other", "o").mkfile("/shared", "other")
    with Client(buildkit_host) as client:
        client.solve(merge([upper, diff(base, changed)]), exports=[local(tmp_path / "merged")])
    files = {path.name: path.read_text() for path in (tmp_path / "merged").iterdir()}
    assert files == {"other": "o", "shared": "new", "added": "a"}


@pytest.mark.feature("K2")
def test_a_frontend_builds_a_dockerfile(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG A\nCOPY Dockerfile /copy-$A\n")
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"build-arg:A": "x"},
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "copy-x").exists()


@pytest.mark.feature("K3")
def test_a_frontend_takes_states_as_inputs(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY --from=given /x /copied\n")
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"context:given": "input:given"},
            frontend_inputs={"given": Scratch().mkfile("/x", "of the state")},
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "copied").read_text() == "of the state"


def test_solve_without_a_definition_is_refused(buildkit_host: str) -> None:
    with Client(buildkit_host) as client, pytest.raises(InvalidValueError):
        client.solve()


@pytest.mark.feature("O7")
def test_plain_progress_has_a_line_for_everything(buildkit_host: str) -> None:
    stream = io.StringIO()
    with Client(buildkit_host) as client, display("plain", stream) as on_event:
        client.solve(
            BUSYBOX.run("echo hello; printf tail", name="talk", ignore_cache=True),
            on_event=on_event,
        )
    output = stream.getvalue()
    assert re.search(r"^#\d+ talk\n", output, re.MULTILINE)
    assert re.search(r"^#\d+ \d+\.\d{3} hello\n", output, re.MULTILINE)
    assert re.search(r"^#\d+ tail\n", output, re.MULTILINE)
    assert re.search(r"^#\d+ DONE \d+\.\ds\n", output, re.MULTILINE)


@pytest.mark.feature("O2")
def test_live_progress_ends_with_every_step(buildkit_host: str) -> None:
    stream = io.StringIO()
    with Client(buildkit_host) as client, display("tty", stream) as on_event:
        client.solve(BUSYBOX.run("echo hello", name="talk", ignore_cache=True), on_event=on_event)
    assert "✓ talk" in stream.getvalue()
    assert "[+] building" in stream.getvalue()


@pytest.mark.feature("N4")
def test_only_changed_files_are_sent_again(
    start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "large").write_bytes(os.urandom(3_000_000))
    (source / "small").write_text("one")

    def send_changes(client: Client) -> int:
        """Build; return the number of bytes that the daemon received."""
        events: list[Event] = []
        client.solve(
            Scratch().copy(Local("context"), "/"),
            local_dirs={"context": source},
            exports=[local(tmp_path / "out")],
            on_event=events.append,
        )
        names = {event.digest: event.name for event in events if isinstance(event, Vertex)}
        statuses = [event for event in events if isinstance(event, VertexStatus)]
        return max(
            status.current for status in statuses if names[status.vertex] == "local://context"
        )

    with Client(start_buildkitd().address) as client:
        first = send_changes(client)
        # A daemon releases the records of a build after the build, and cannot reuse them earlier.
        wait_until(lambda: not any(record.in_use for record in client.disk_usage()))
        (source / "small").write_text("changed")
        second = send_changes(client)
    assert first >= 3_000_000
    assert second < 10_000
    assert (tmp_path / "out" / "small").read_text() == "changed"


@pytest.mark.feature("K6")
def test_builds_run_concurrently_over_one_connection(buildkit_host: str) -> None:
    spans: dict[str, tuple[datetime, datetime]] = {}
    all_run = threading.Barrier(3)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Each step waits until all three run.
            all_run.wait(PATIENCE)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    address = ("127.0.0.1", free_port())

    def build(word: str) -> None:
        events: list[Event] = []
        # Steps on the stack's daemon use this machine's network.
        command = f"wget -q -O /dev/null http://{address[0]}:{address[1]} # {word}"
        state = BUSYBOX.run(command, name=word, ignore_cache=True)
        client.solve(state, on_event=events.append)
        (*_, last) = (event for event in events if isinstance(event, Vertex) and event.name == word)
        assert last.started is not None
        assert last.completed is not None
        spans[word] = (last.started, last.completed)

    words = [f"{number} {uuid.uuid4()}" for number in range(3)]
    with (
        serve_http(address, Handler),
        Client(buildkit_host) as client,
        ThreadPoolExecutor() as pool,
    ):
        list(pool.map(build, words))
    starts, ends = zip(*spans.values(), strict=True)
    assert len(spans) == 3
    assert max(starts) < min(ends)


@pytest.mark.feature("N3")
def test_local_files_belong_to_root_in_a_build(buildkit_host: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "x").write_text("x")
    os.chown(source / "x", 1234, 2345)
    state = BUSYBOX.copy(Local("context"), "/in").run("stat -c '%u %g' /in/x > /owner")
    with Client(buildkit_host) as client:
        client.solve(state, local_dirs={"context": source}, exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "owner").read_text() == "0 0\n"
