"""The running stack, as fixtures: its addresses, its buildctl, and daemons beside it.

Without a stack these tests fail; they skip only what needs buildctl where the stack says that it
had to fall back to Docker Engine, and pytest lists those by name.
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
from tests.e2e.frontends import in_frontend
from tests.e2e.relays import Relay
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.gateway import Gateway, Ref

HERE = Path(__file__).parent
STACK = HERE.parent.parent / "dev" / "stack"
# Seconds that a test with one of these fixtures may take: they build images or add users, which
# takes minutes on a busy machine.
SLOW = {"frontend": 1200, "rootless": 900}


@frozen
class Buildctl:
    """The stock client of the stack's BuildKit."""

    program: Path
    address: str

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, stdin: str = "") -> str:
        """Run it, and return its stdout; raises AssertionError with its stderr when it fails."""
        done = subprocess.run(
            [self.program, "--addr", self.address, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd,
            input=stdin,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            fixtures = getattr(item, "fixturenames", ())
            longest = max((SLOW[name] for name in fixtures if name in SLOW), default=0)
            if longest and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(longest))


@pytest.fixture(scope="session")
def stack() -> dict[str, str]:
    """The variables that `dev/stack env` prints."""
    done = subprocess.run([STACK, "env", "--json"], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"these tests run against real daemons: {done.stderr.strip()}", pytrace=False)
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


@pytest.fixture(scope="session")
def buildkit_host(stack: dict[str, str]) -> str:
    """The stack's buildkitd: `unix://` and its socket."""
    if "BUILDKIT_HOST" not in stack:
        pytest.skip("not run: needs buildkitd, and the stack fell back to Docker Engine")
    return stack["BUILDKIT_HOST"]


@pytest.fixture(scope="session")
def buildkit_tcp(stack: dict[str, str], buildkit_host: str) -> str:
    """The same daemon: `tcp://` and a port of the loopback."""
    assert buildkit_host
    return stack["PYLLB_BUILDKIT_TCP"]


@pytest.fixture(scope="session")
def registry(stack: dict[str, str]) -> str:
    """The stack's registry, host and port; it speaks plain HTTP."""
    return stack["PYLLB_REGISTRY"]


@pytest.fixture(scope="session")
def buildctl(stack: dict[str, str], buildkit_host: str) -> Buildctl:
    """buildctl, talking to the stack's daemon."""
    return Buildctl(Path(stack["PYLLB_BUILDCTL"]), buildkit_host)


@pytest.fixture(scope="session")
def frontend(stack: dict[str, str], buildkit_host: str) -> str:
    """Build and push the frontend image; the name under which daemons find it."""
    assert buildkit_host
    subprocess.run(["make", "-s", "image"], cwd=HERE.parents[1], check=True, capture_output=True)
    return f"localhost:{stack['PYLLB_REGISTRY_PORT']}/pyfrontend"


@pytest.fixture
def serving(frontend: str, buildkit_host: str, tmp_path: Path) -> Callable[[str], str]:
    """Make a frontend image of Python code; return its name."""

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
    """Start a daemon of the test's own, to be filled or killed; each call starts another."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str | Path) -> Buildctl:
        folder = tmp_path / f"buildkitd{len(running)}"
        folder.mkdir()
        with (folder / "log").open("wb") as log, socket.socket(AF_UNIX, SOCK_DGRAM) as ready:
            # The daemon tells a service manager, by a datagram, that its socket is open.
            ready.bind(str(folder / "ready"))
            ready.settimeout(PATIENCE)
            running.append(
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
    for process in running:
        process.terminate()
        process.wait(PATIENCE)
    unmount_below(tmp_path)


@pytest.fixture
def frontend_in(buildkit_host: str) -> Iterator[Callable[..., Any]]:
    """Call a function as a frontend, with a gateway and the tree of busybox.

    Afterwards there is no thread left of the processes that it began.
    """
    tree = Image("busybox").marshal()

    def call(function: Callable[[Gateway, Ref], Any], **options: Any) -> Any:
        host = options.pop("address", buildkit_host)
        return in_frontend(host, lambda gateway: function(gateway, gateway.solve(tree)), **options)

    yield call
    wait_until(
        lambda: not [each for each in threading.enumerate() if each.name.startswith("process-")]
    )


@pytest.fixture
def relay_to(tmp_path: Path) -> Iterator[Callable[[str], Relay]]:
    """Make a relay in front of the socket of a daemon."""
    made: list[Relay] = []

    def make(address: str) -> Relay:
        made.append(Relay(address, tmp_path / f"relay{len(made)}.sock"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def relay(buildkit_host: str, relay_to: Callable[[str], Relay]) -> Relay:
    """A socket before the stack's buildkitd, whose connections can be cut."""
    return relay_to(buildkit_host)


def unmount_below(folder: Path) -> None:
    """Unmount what a daemon that was killed left mounted."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", mount], check=True)
