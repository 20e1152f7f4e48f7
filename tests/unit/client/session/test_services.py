"""Services that a build brings nothing for are there all the same, and cost nothing before."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from llb._pb import secrets_pb2
from llb.client.export.receivers import Receivers
from llb.client.session.providers.auth import Auth
from llb.client.session.providers.filesend import FileSend
from llb.client.session.providers.filesync import LocalDirs
from llb.client.session.providers.secrets import Secrets
from llb.client.session.providers.ssh import SSHAgents
from llb.client.session.providers.upload import Uploads
from llb.client.session.services import METHODS, service
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError, RemoteError
from llb.grpc import Channel, Code, Server, memory_pair
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client.session.providers.service import Service

MADE: dict[str, Service] = {
    "auth:Auth": Auth(),
    "filesend:FileSend": FileSend(Receivers()),
    "filesync:LocalDirs": LocalDirs({}),
    "secrets:Secrets": Secrets({}),
    "ssh:SSHAgents": SSHAgents(Agents(())),
    "upload:Uploads": Uploads(()),
}
SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
SYNC = "/moby.filesync.v1.FileSync/DiffCopy"
PROVIDERS = """
import sys
from llb.client.session.services import METHODS, service
made = [service(name, given=()) for name in METHODS]
providers = {"llb.client.session.providers." + name.partition(":")[0] for name in METHODS}
print(sorted(providers.intersection(sys.modules)))
"""


@pytest.fixture
def unmade() -> dict[str, Service]:
    """All services that may be asked of a build which brings nothing."""
    return {
        "auth:Auth": service("auth:Auth", tls=[]),
        "filesend:FileSend": service("filesend:FileSend", receivers=Receivers()),
        "filesync:LocalDirs": service("filesync:LocalDirs", directories={}),
        "secrets:Secrets": service("secrets:Secrets", secrets={}),
        "ssh:SSHAgents": service("ssh:SSHAgents", agents=Agents(())),
        "upload:Uploads": service("upload:Uploads", uploads=()),
    }


@pytest.fixture
def channel(unmade: dict[str, Service]) -> Iterator[Channel]:
    """What a daemon has of them."""
    here, there = memory_pair()
    handlers = {name: each for made in unmade.values() for name, each in made.handlers().items()}
    server = Server(there, handlers)
    serving = threading.Thread(target=server.serve)
    serving.start()
    made = Channel(here)
    yield made
    made.close()
    serving.join(SECONDS)


def test_every_service_has_the_methods_that_are_told_of_it(unmade: dict[str, Service]) -> None:
    assert {name: tuple(made.handlers()) for name, made in MADE.items()} == METHODS
    assert {name: tuple(made.handlers()) for name, made in unmade.items()} == METHODS


def test_nothing_is_imported_before_the_first_call() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROVIDERS], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def outcome(channel: Channel, method: str) -> str:
    """Return what a service says to an empty request."""
    try:
        channel.call(method, b"", timeout=SECONDS)
    except RemoteError as error:
        return error.message
    return "an answer"


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("/moby.filesync.v1.Auth/Credentials", "an answer"),
        ("/moby.filesync.v1.FileSend/DiffCopy", "there is no exporter 0 to send to"),
        (
            "/moby.filesync.v1.FileSync/DiffCopy",
            "the build asks for the local directory '', and none is given",
        ),
        ("/moby.buildkit.secrets.v1.Secrets/GetSecret", "secret : not found"),
        ("/moby.sshforward.v1.SSH/CheckAgent", "unset ssh forward key default"),
        ("/moby.upload.v1.Upload/Pull", "there is no upload "),
    ],
)
def test_the_first_call_makes_a_service_of_nothing(
    method: str, said: str, channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert outcome(channel, method) == said


def test_a_secret_that_nobody_gave_is_not_found_by_many_at_once(channel: Channel) -> None:
    request = secrets_pb2.GetSecretRequest(ID="x").SerializeToString()

    def ask(_: int) -> tuple[int, str]:
        with pytest.raises(RemoteError) as caught:
            channel.call(SECRET, request, timeout=SECONDS)
        return caught.value.code, caught.value.message

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))
    assert answers == {(Code.NOT_FOUND, "secret x: not found")}


def test_failures_of_a_service_that_was_made_late_are_told(
    channel: Channel, unmade: dict[str, Service]
) -> None:
    call = channel.stream(SYNC, metadata=[("dir-name", "src")], timeout=SECONDS)
    with pytest.raises(RemoteError):
        call.receive()
    (failure,) = unmade["filesync:LocalDirs"].failures
    assert failure.message == "the build asks for the local directory 'src', and none is given"


def test_what_is_given_is_looked_at_before_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        service("filesync:LocalDirs", directories={"context": tmp_path / "none"})
