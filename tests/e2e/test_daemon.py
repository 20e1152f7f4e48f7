"""The private daemon: how it is found, started, shared and stopped."""

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

from tests.e2e.test_failures import exclude_children
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
    """An environment with buildkitd on PATH, an empty cache, and no running daemon."""
    folder = tmp_path / "pyllb" / "buildkitd"
    folder.mkdir(parents=True)
    config = Path(stack["PYLLB_STATE"]) / "run" / "buildkitd.toml"
    mirrors = registry_sections(config.read_text().splitlines())
    (folder / "buildkitd.toml").write_text("\n".join(mirrors))
    environment = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "PATH": f"{buildctl.program.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    yield environment
    llb(environment, "daemon", "stop")


def registry_sections(lines: list[str]) -> list[str]:
    """Extract the registry sections of a buildkitd.toml, without addresses and storage."""
    start = next(index for index, line in enumerate(lines) if line.startswith("[registry"))
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
def test_a_build_starts_a_daemon_that_the_next_build_uses(
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


def test_an_entitlement_that_the_daemon_does_not_grant_is_named(
    home: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nRUN --security=insecure true\n")
    refused = llb(home, "build", tmp_path, "--allow", "security.insecure")
    assert refused.stderr.endswith(
        "security.insecure is not allowed by build daemon configuration\n"
        "hint: add it to insecure-entitlements in buildkitd.toml\n"
    )


def test_a_build_imports_no_module_from_its_working_directory(
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
        process = subprocess.run(
            [LLB, *arguments],
            check=False,
            env=home,
            cwd=repository.folder,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, (arguments, process.stderr)
    dial: list[str | Path] = [LLB, "dial-stdio"]
    subprocess.run(dial, check=True, env=home, cwd=repository.folder, stdin=subprocess.DEVNULL)
    assert (tmp_path / "one" / "Dockerfile").read_text() == "FROM scratch\nCOPY Dockerfile /\n"
    assert repository.imported == []


def test_a_daemon_is_stopped_on_request(home: dict[str, str], tmp_path: Path) -> None:
    assert llb(home, "daemon", "start").stdout == (
        f"unix://{tmp_path}/pyllb/buildkitd/buildkitd.sock\n"
    )
    assert find_daemons(tmp_path)
    assert llb(home, "daemon", "stop").stdout == "stopped\n"
    assert not find_daemons(tmp_path)
    assert llb(home, "daemon", "stop").stdout == "not running\n"


@pytest.mark.feature("J9")
def test_an_idle_daemon_stops_by_itself(home: dict[str, str], tmp_path: Path) -> None:
    home["LLB_DAEMON_IDLE"] = "2"
    assert llb(home, "daemon", "start").returncode == 0
    wait_until(lambda: not find_daemons(tmp_path))
    assert "stopped" in llb(home, "daemon", "status").stdout


def test_a_daemon_ends_with_its_supervisor(home: dict[str, str], tmp_path: Path) -> None:
    assert llb(home, "daemon", "start").returncode == 0
    supervisor = int((tmp_path / "pyllb" / "buildkitd" / "pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not find_daemons(tmp_path))
    assert "stopped" in llb(home, "daemon", "status").stdout
    assert llb(home, "daemon", "start").returncode == 0
    assert len(find_daemons(tmp_path)) == 1


def test_a_daemon_does_not_need_the_folder_of_its_first_build(
    home: dict[str, str], tmp_path: Path
) -> None:
    assert llb(home, "daemon", "start").returncode == 0
    supervisor = int((tmp_path / "pyllb" / "buildkitd" / "pid").read_text())
    for number in (supervisor, *find_daemons(tmp_path)):
        assert Path(f"/proc/{number}/cwd").readlink() == Path("/")


def test_an_invalid_idle_time_is_refused(home: dict[str, str], tmp_path: Path) -> None:
    home["LLB_DAEMON_IDLE"] = "soon"
    process = llb(home, "daemon", "start")
    assert process.returncode == 1
    assert (
        process.stderr
        == "error: invalid LLB_DAEMON_IDLE 'soon': expected a number of seconds above 0\n"
    )
    assert not find_daemons(tmp_path)


def test_a_stale_socket_is_ignored(home: dict[str, str], tmp_path: Path) -> None:
    stale = tmp_path / "runtime" / "buildkit" / "buildkitd.sock"
    stale.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(stale))
    home["XDG_RUNTIME_DIR"] = str(tmp_path / "runtime")
    assert f"address   unix://{tmp_path}/pyllb/" in llb(home, "info").stdout


@pytest.mark.feature("J9")
def test_several_processes_share_one_daemon(home: dict[str, str], tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "llb", "daemon", "start"], env=home, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    addresses = {process.communicate(timeout=PATIENCE)[0] for process in processes}
    assert addresses == {f"unix://{tmp_path}/pyllb/buildkitd/buildkitd.sock\n".encode()}
    assert len(find_daemons(tmp_path)) == 1


def test_without_any_buildkit_the_error_names_three_solutions(home: dict[str, str]) -> None:
    home["PATH"] = os.fspath(Path(sys.executable).parent)
    assert shutil.which("buildkitd", path=home["PATH"]) is None
    process = llb(home, "info")
    assert process.returncode == 1
    assert "no BuildKit found" in process.stderr
    for way in ("--addr or BUILDKIT_HOST", "install buildkitd and runc", "docker run"):
        assert way in process.stderr
    assert "Traceback" not in process.stderr


def test_a_daemon_that_cannot_start_is_an_error(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pyllb" / "buildkitd" / "buildkitd.toml").write_text("not toml at all [")
    process = llb(home, "info")
    assert process.returncode == 1
    assert "the private buildkitd did not start" in process.stderr
    assert not find_daemons(tmp_path)


def test_buildkit_host_names_a_daemon(home: dict[str, str], buildkit_host: str) -> None:
    home["BUILDKIT_HOST"] = buildkit_host
    assert f"address   {buildkit_host}\n" in llb(home, "info").stdout


def find_daemons(folder: Path) -> list[int]:
    """Find the ids of the buildkitd processes whose state is below ``folder``."""
    pids = []
    for process_folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (process_folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith(b"buildkitd") and any(os.fsencode(folder) in word for word in words):
            pids.append(int(process_folder.name))
    return exclude_children(pids)
