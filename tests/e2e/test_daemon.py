"""The private daemon: found, started, shared, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_failures import without_children
from tests.e2e.waiting import PATIENCE, wait_until
from tests.fakes.hostile_repository import HostileRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Buildctl


LLB = Path(sys.executable).with_name("llb")
FRONTEND = """\
import sys

from llb import Scratch
from llb.gateway import Result, serve


def build(request, gateway):
    return Result(gateway.solve(Scratch().mkfile("/greeting", "hello").marshal()))


if __name__ == "__main__":
    sys.exit(serve(build))
"""


@pytest.fixture
def home(stack: dict[str, str], buildctl: Buildctl, tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment without a BuildKit but with buildkitd on PATH, and its own cache."""
    folder = tmp_path / "pyllb" / "buildkitd"
    folder.mkdir(parents=True)
    config = Path(stack["PYLLB_STATE"]) / "run" / "buildkitd.toml"
    kept = without_addresses(config.read_text().splitlines())
    (folder / "buildkitd.toml").write_text("\n".join(kept))
    environment = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "PATH": f"{buildctl.program.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    yield environment
    llb(environment, "daemon", "stop")


def without_addresses(lines: list[str]) -> list[str]:
    """Return the mirrors of a buildkitd.toml, without where that daemon listens and stores."""
    start = next(place for place, line in enumerate(lines) if line.startswith("[registry"))
    return lines[start:]


def llb(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llb", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.feature("J9")
def test_a_build_starts_a_daemon_and_the_next_one_uses_it(
    home: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text("from llb import Image, main\nmain(Image('busybox').run('echo x > /x'))\n")
    assert "stopped" in llb(home, "daemon", "status").stdout
    first = llb(home, "build", script, "-o", tmp_path / "one")
    assert first.returncode == 0, first.stderr
    status = llb(home, "daemon", "status").stdout
    assert "running, process " in status
    assert f"unix://{tmp_path}/pyllb/buildkitd/buildkitd.sock" in status
    second = llb(home, "build", script, "-o", tmp_path / "two")
    assert second.returncode == 0, second.stderr
    assert llb(home, "daemon", "status").stdout == status
    assert (tmp_path / "two" / "x").read_text() == "x\n"
    assert (tmp_path / "pyllb" / "buildkitd" / "log").read_text()


def test_a_build_runs_no_module_of_the_repository_that_it_is_started_in(
    home: dict[str, str], tmp_path: Path
) -> None:
    repository = HostileRepository(tmp_path / "repository")
    script = tmp_path / "elsewhere" / "build.py"
    script.parent.mkdir()
    script.write_text("from llb import Scratch, main\nmain(Scratch().mkfile('/x', 'x'))\n")
    program = tmp_path / "elsewhere" / "frontend.py"
    program.write_text(FRONTEND)
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("# syntax=example.com/no/such:frontend\n")
    for arguments in (
        ["build", ".", "-o", tmp_path / "one"],
        ["build", script, "-o", tmp_path / "two"],
        ["dump", script],
        ["frontend", "run", program, context],
        ["frontend", "try", program, context],
        ["frontend", "pack", program, "-t", "localhost/test:packed"],
        ["daemon", "stop"],
        ["daemon", "start"],
    ):
        done = subprocess.run(
            [LLB, *arguments],
            check=False,
            env=home,
            cwd=repository.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (arguments, done.stderr)
    dial: list[str | Path] = [LLB, "dial-stdio"]
    subprocess.run(dial, check=True, env=home, cwd=repository.folder, stdin=subprocess.DEVNULL)
    assert (tmp_path / "one" / "Dockerfile").read_text() == "FROM scratch\nCOPY Dockerfile /\n"
    assert repository.imported == []


def test_it_is_stopped_on_request(home: dict[str, str], tmp_path: Path) -> None:
    assert llb(home, "daemon", "start").stdout == (
        f"unix://{tmp_path}/pyllb/buildkitd/buildkitd.sock\n"
    )
    assert daemons(tmp_path)
    assert llb(home, "daemon", "stop").stdout == "stopped\n"
    assert not daemons(tmp_path)
    assert llb(home, "daemon", "stop").stdout == "not running\n"


@pytest.mark.feature("J9")
def test_it_stops_by_itself_when_it_is_idle(home: dict[str, str], tmp_path: Path) -> None:
    home["LLB_DAEMON_IDLE"] = "2"
    assert llb(home, "daemon", "start").returncode == 0
    wait_until(lambda: not daemons(tmp_path))
    assert "stopped" in llb(home, "daemon", "status").stdout


def test_it_ends_with_its_supervisor(home: dict[str, str], tmp_path: Path) -> None:
    assert llb(home, "daemon", "start").returncode == 0
    supervisor = int((tmp_path / "pyllb" / "buildkitd" / "pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not daemons(tmp_path))
    assert "stopped" in llb(home, "daemon", "status").stdout
    assert llb(home, "daemon", "start").returncode == 0
    assert len(daemons(tmp_path)) == 1


def test_an_idle_time_that_is_none_is_refused(home: dict[str, str], tmp_path: Path) -> None:
    home["LLB_DAEMON_IDLE"] = "soon"
    done = llb(home, "daemon", "start")
    assert done.returncode == 1
    assert done.stderr == "error: invalid LLB_DAEMON_IDLE 'soon': expected seconds, more than 0\n"
    assert not daemons(tmp_path)


def test_a_socket_that_was_left_behind_is_passed_over(home: dict[str, str], tmp_path: Path) -> None:
    left = tmp_path / "runtime" / "buildkit" / "buildkitd.sock"
    left.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(left))
    home["XDG_RUNTIME_DIR"] = str(tmp_path / "runtime")
    assert f"address   unix://{tmp_path}/pyllb/" in llb(home, "info").stdout


@pytest.mark.feature("J9")
def test_several_processes_share_one(home: dict[str, str], tmp_path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "llb", "daemon", "start"], env=home, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    addresses = {process.communicate(timeout=PATIENCE)[0] for process in running}
    assert addresses == {f"unix://{tmp_path}/pyllb/buildkitd/buildkitd.sock\n".encode()}
    assert len(daemons(tmp_path)) == 1


def test_without_any_buildkit_the_error_names_three_ways(home: dict[str, str]) -> None:
    home["PATH"] = os.fspath(Path(sys.executable).parent)
    assert shutil.which("buildkitd", path=home["PATH"]) is None
    done = llb(home, "info")
    assert done.returncode == 1
    assert "there is no BuildKit to build with" in done.stderr
    for way in ("--addr or BUILDKIT_HOST", "install buildkitd and runc", "docker run"):
        assert way in done.stderr
    assert "Traceback" not in done.stderr


def test_a_daemon_that_cannot_start_is_an_error(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pyllb" / "buildkitd" / "buildkitd.toml").write_text("not toml at all [")
    done = llb(home, "info")
    assert done.returncode == 1
    assert "the private buildkitd did not start" in done.stderr
    assert not daemons(tmp_path)


def test_the_environment_names_a_daemon(home: dict[str, str], buildkit_host: str) -> None:
    home["BUILDKIT_HOST"] = buildkit_host
    assert f"address   {buildkit_host}\n" in llb(home, "info").stdout


def daemons(folder: Path) -> list[int]:
    """Return the process ids of the buildkitd processes that keep their state below ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith(b"buildkitd") and any(os.fsencode(folder) in word for word in words):
            found.append(int(process.name))
    return without_children(found)
