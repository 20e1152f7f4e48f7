"""Fixtures for the running stack: its addresses, its buildctl, and additional daemons.

Without a stack these tests fail. A test is skipped only if it needs buildkitd and the stack had to
fall back to Docker Engine; pytest lists these tests by name.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import textwrap
import threading
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen

from llb import Image
from llb.client import Client, image
from tests.checkout import ROOT, exclusive_build
from tests.e2e import versions
from tests.e2e.frontends import run_as_frontend
from tests.e2e.relays import Relay
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from llb.gateway import Gateway, Ref

HERE = Path(__file__).parent
STACK = HERE.parent.parent / "dev" / "stack"
# Timeouts in seconds for tests with one of these fixtures. They build images or add users, which
# takes minutes on a busy machine.
SLOW = {"frontend": 1200, "rootless": 900}


@frozen
class Buildctl:
    """The stock client, connected to the stack's BuildKit."""

    program: Path
    address: str

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, stdin: str = "") -> str:
        """Run buildctl and return its stdout; raises AssertionError with its stderr on failure."""
        process = subprocess.run(
            [self.program, "--addr", self.address, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd,
            input=stdin,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            fixtures = getattr(item, "fixturenames", ())
            timeout = max((SLOW[name] for name in fixtures if name in SLOW), default=0)
            if timeout and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(timeout))
    versions.expect_failures(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    requirement = versions.find_requirement(report.longreprtext) if report.failed else None
    if requirement is not None:
        report.outcome = "skipped"
        report.wasxfail = requirement
    return report


@pytest.fixture(scope="session")
def stack() -> dict[str, str]:
    """The variables that `dev/stack env` prints."""
    process = subprocess.run([STACK, "env", "--json"], check=False, capture_output=True, text=True)
    if process.returncode:
        pytest.fail(
            f"these tests run against real daemons: {process.stderr.strip()}", pytrace=False
        )
    variables: dict[str, str] = json.loads(process.stdout)
    return variables


@pytest.fixture(scope="session")
def buildkit_host(stack: dict[str, str]) -> str:
    """The address of the stack's buildkitd: `unix://` and the path of its socket."""
    if "BUILDKIT_HOST" not in stack:
        pytest.skip("not run: needs buildkitd, and the stack fell back to Docker Engine")
    return stack["BUILDKIT_HOST"]


@pytest.fixture(scope="session")
def buildkit_tcp(stack: dict[str, str], buildkit_host: str) -> str:
    """The address of the same daemon by TCP: `tcp://` and a port on the loopback interface."""
    assert buildkit_host
    return stack["PYLLB_BUILDKIT_TCP"]


@pytest.fixture(scope="session")
def registry(stack: dict[str, str]) -> str:
    """The host and port of the stack's registry, which speaks plain HTTP."""
    return stack["PYLLB_REGISTRY"]


@pytest.fixture(scope="session")
def buildctl(stack: dict[str, str], buildkit_host: str) -> Buildctl:
    """A buildctl that is connected to the stack's daemon."""
    return Buildctl(Path(stack["PYLLB_BUILDCTL"]), buildkit_host)


@pytest.fixture(scope="session")
def frontend(stack: dict[str, str], buildkit_host: str) -> str:
    """Build and push the frontend image; the value is the name under which daemons find it."""
    assert buildkit_host
    with exclusive_build():
        subprocess.run(["make", "-s", "image"], cwd=ROOT, check=True, capture_output=True)
    return f"localhost:{stack['PYLLB_REGISTRY_PORT']}/pyfrontend"


@pytest.fixture
def push_frontend(frontend: str, buildkit_host: str, tmp_path: Path) -> Callable[[str], str]:
    """Build a frontend image from Python code and push it; the function returns its name."""

    def make(code: str) -> str:
        folder = tmp_path / "frontend"
        folder.mkdir()
        (folder / "main.py").write_text(textwrap.dedent(code))
        (folder / "Dockerfile").write_text(
            f'FROM {frontend}\nCOPY main.py /main.py\nENTRYPOINT ["python3", "/main.py"]\n'
        )
        name = f"{frontend.partition('/')[0]}/test/{tmp_path.name}"
        with Client(buildkit_host) as client:
            client.solve(
                frontend="dockerfile.v0",
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[image(name, push=True)],
            )
        return name

    return make


@pytest.fixture
def start_buildkitd(tmp_path: Path, buildctl: Buildctl) -> Iterator[Callable[..., Buildctl]]:
    """Start a private daemon that a test may fill or kill; each call starts another one."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str | Path) -> Buildctl:
        folder = tmp_path / f"buildkitd{len(processes)}"
        folder.mkdir()
        with (folder / "log").open("wb") as log, socket.socket(AF_UNIX, SOCK_DGRAM) as ready:
            # The daemon notifies a service manager, with a datagram, that its socket is open.
            ready.bind(str(folder / "ready"))
            ready.settimeout(PATIENCE)
            processes.append(
                subprocess.Popen(
                    [STACK, "daemon", folder, *arguments],
                    stdout=log,
                    stderr=log,
                    env=os.environ | {"NOTIFY_SOCKET": str(folder / "ready")},
                )
            )
            assert ready.recv(64) == b"READY=1"
        return Buildctl(buildctl.program, f"unix://{folder}/buildkitd.sock")

    yield start
    for process in processes:
        process.terminate()
        process.wait(PATIENCE)
    unmount_below(tmp_path)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with a certificate authority, and its certificates in `daemon` and `client`."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", cwd=folder)
    for name, alternative in (("daemon", "DNS:buildkit.example"), ("client", "DNS:client")):
        (folder / name).mkdir()
        (folder / name / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
        openssl(
            *(*new, "-keyout", f"{name}/key.pem", "-out", f"{name}/cert.pem"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={alternative}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            cwd=folder,
        )
    openssl(*new, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=other", cwd=folder)
    return folder


@pytest.fixture
def run_with_tree(buildkit_host: str) -> Iterator[Callable[..., Any]]:
    """Run a function as a frontend, with a gateway and the tree of busybox.

    At the end, no thread of a process that the function started may be left.
    """
    tree = Image("busybox").marshal()

    def call(function: Callable[[Gateway, Ref], Any], **options: Any) -> Any:
        host = options.pop("address", buildkit_host)
        return run_as_frontend(
            host, lambda gateway: function(gateway, gateway.solve(tree)), **options
        )

    yield call
    wait_until(
        lambda: (
            not [thread for thread in threading.enumerate() if thread.name.startswith("process-")]
        )
    )


@pytest.fixture
def start_relay(tmp_path: Path) -> Iterator[Callable[[str], Relay]]:
    """Start a relay in front of a daemon's socket."""
    relays: list[Relay] = []

    def make(address: str) -> Relay:
        relays.append(Relay(address, tmp_path / f"relay{len(relays)}.sock"))
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()


@pytest.fixture
def relay(buildkit_host: str, start_relay: Callable[[str], Relay]) -> Relay:
    """A relay in front of the stack's buildkitd, whose connections can be cut."""
    return start_relay(buildkit_host)


def unmount_below(folder: Path) -> None:
    """Unmount everything below a folder that a killed daemon left mounted."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", mount], check=True)


def openssl(*arguments: str | Path, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)
