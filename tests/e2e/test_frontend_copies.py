"""COPY and ADD with the frontend image, compared with the stock frontend."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve, frozen

from llb.client import Client, local, oci
from tests.e2e.servers import accepts, free_port, wait_for
from tests.e2e.test_example import read_image
from tests.e2e.test_frontend import expect_failure
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
COPIES = """\
FROM busybox AS made
RUN mkdir -p /tree/a/b && echo one > /tree/a/b/one && echo two > /tree/a/two
FROM busybox AS result
RUN echo keep > /base && echo someone:x:55:66::/:/bin/sh >> /etc/passwd
WORKDIR /work
COPY --link --from=made --chown=1:2 /tree/a/two linked/
COPY --link --exclude=*.log --exclude=sub/** . /context/
COPY --parents --from=made /tree/./a/b/one /tree/./**/two /parents/
COPY --parents --link sub/./*/x.txt sub/deep /more/
COPY --chmod=u=rwx,go= --chown=3 <<run.sh <<-"raw.txt" docs/
#!/bin/sh
echo $PATH
run.sh
\t$PATH
\traw.txt
COPY --chown=someone: some.txt /primary/
COPY --chown=55: some.txt /numeric/
ADD --link --checksum=sha256:WEB_SUM WEB/file.txt web/
ADD --chmod=640 WEB/file.txt?a=b web/other.txt
ADD --unpack WEB/archive.tar WEB/archive.tar /unpacked/
ADD --unpack=false archive.tar /packed/
ADD --checksum=COMMIT GIT/repo.git#main:sub /git/sub
ADD --link --keep-git-dir=false GIT/repo.git?tag=v1&submodules=false /git/tag
ADD --chown=7:8 --exclude=sub GIT/repo.git /git/all
RUN find / -xdev \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type f -print \\
    -exec stat -c '%u %g %a' {} \\; > /list
"""
PROCESSES = """\
FROM busybox
RUN cat /etc/hosts > /out && hostname >> /out && ulimit -n >> /out \\
    && df -k /dev/shm | tail -n 1 >> /out
RUN --network=none <<EOF
#!/bin/sh
ls /sys/class/net >> /out
EOF
"""
ROLES = ("AUTHOR", "COMMITTER")


@frozen
class Repository:
    """The URL of a git server, and the only commit of its only repository."""

    url: str
    commit: str


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder over HTTP; the value is its URL and the folder."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "file.txt").write_text("from the web\n")
    (folder / "packed.txt").write_text("packed\n")
    with tarfile.open(folder / "archive.tar", "w") as archive:
        archive.add(folder / "packed.txt", "packed.txt")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}", folder
        server.shutdown()


def git(folder: Path, *arguments: str) -> str:
    """Run git with a fixed identity and time."""
    identity = {
        f"GIT_{role}_{field_name}": "a@example.org"
        for role in ROLES
        for field_name in ("NAME", "EMAIL")
    }
    times = {f"GIT_{role}_DATE": "2024-01-01T00:00:00Z" for role in ROLES}
    process = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **identity, **times, "GIT_CONFIG_GLOBAL": "/dev/null"},
        check=True,
        capture_output=True,
        text=True,
    )
    return process.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """Serve a repository with git's own protocol."""
    work = tmp_path / "git" / "repo.git"
    (work / "sub").mkdir(parents=True)
    (work / "top.txt").write_text("top\n")
    (work / "sub" / "inner.txt").write_text("inner\n")
    git(work, "init", "--initial-branch=main")
    git(work, "add", ".")
    git(work, "commit", "--message=first")
    git(work, "tag", "v1")
    port = free_port()
    program = Path(git(work, "--exec-path")) / "git-daemon"
    options = ["--export-all", "--reuseaddr", f"--listen={LOOPBACK}", f"--port={port}"]
    server = subprocess.Popen([program, *options, f"--base-path={work.parent}", work.parent])
    try:
        wait_for(lambda: accepts(socket.AF_INET, (LOOPBACK, port)), server)
        yield Repository(f"git://{LOOPBACK}:{port}", git(work, "rev-parse", "HEAD"))
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context."""
    folder = tmp_path / "context"
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("some.log", "some.txt", "sub/deep/x.txt", "archive.tar"):
        (folder / name).write_text(f"{name}\n")
    return folder


def build_image(address: str, folder: Path, frontend: str, **options: str) -> str:
    """Build the Dockerfile with a frontend, without cache; return the image's digest."""
    archive = oci(folder.parent / "image.tar")
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"build-arg:SOURCE_DATE_EPOCH": "0", "no-cache": "", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[evolve(archive, attrs={"rewrite-timestamp": "true"})],
        )
    _, digest = read_image(folder.parent / "image.tar")
    return digest


def build_files(address: str, folder: Path, frontend: str, **options: str) -> Path:
    """Build the Dockerfile with a frontend; return the folder with the image's files."""
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs=options,
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(folder.parent / "out")],
        )
    return folder.parent / "out"


@pytest.mark.feature("E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "F11")
@pytest.mark.since("v0.34.0", "a stock frontend with the answers of today's")
def test_copies_from_all_sources_give_the_image_of_the_stock_frontend(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, files = web
    checksum = hashlib.sha256((files / "file.txt").read_bytes()).hexdigest()
    dockerfile = COPIES.replace("WEB_SUM", checksum).replace("WEB", url)
    dockerfile = dockerfile.replace("GIT", repository.url).replace("COMMIT", repository.commit)
    (folder / "Dockerfile").write_text(dockerfile)
    ours = build_image(buildkit_host, folder, "gateway.v0", source=frontend)
    assert ours == build_image(buildkit_host, folder, "dockerfile.v0")
    out = build_files(buildkit_host, folder, "gateway.v0", source=frontend)
    assert (out / "work/linked/two").read_text() == "two\n"
    assert (out / "parents/a/b/one").read_text() == "one\n"
    assert (out / "more/deep/x.txt").read_text() == "sub/deep/x.txt\n"
    listed = (out / "list").read_text()
    assert "/primary/some.txt\n55 66 " in listed
    assert "/numeric/some.txt\n55 55 " in listed
    assert (out / "work/docs/raw.txt").read_text() == "$PATH\n"
    assert (out / "work/web/file.txt").read_text() == "from the web\n"
    assert (out / "unpacked/packed.txt").read_text() == "packed\n"
    assert (out / "git/sub/inner.txt").read_text() == "inner\n"
    assert sorted(path.name for path in (out / "git/all").iterdir()) == ["top.txt"]


@pytest.mark.feature("E8")
def test_a_wrong_checksum_fails(
    frontend: str, buildkit_host: str, folder: Path, web: tuple[str, Path]
) -> None:
    wrong = f"ADD --checksum=sha256:{'0' * 64} {web[0]}/file.txt /x\n"
    (folder / "Dockerfile").write_text(f"FROM busybox\n{wrong}")
    error = expect_failure(buildkit_host, folder, frontend)
    assert "digest mismatch" in error.message
    assert error.span is None or error.span.line == 2


@pytest.mark.feature("D2", "D9", "D12")
def test_options_for_every_run_give_the_image_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(PROCESSES)
    options = {
        "add-hosts": "some.example=10.1.2.3",
        "hostname": "box",
        "ulimit": "nofile=123:456",
        "shm-size": "1048576",
        "memory": "268435456",
    }
    ours = build_image(buildkit_host, folder, "gateway.v0", source=frontend, **options)
    assert ours == build_image(buildkit_host, folder, "dockerfile.v0", **options)
    output = (
        build_files(buildkit_host, folder, "gateway.v0", source=frontend, **options) / "out"
    ).read_text()
    assert "10.1.2.3\tsome.example\n" in output
    assert "\nbox\n123\n" in output
    assert "1024" in output
    assert output.endswith("lo\n")
