"""Services without options exist but are not imported before their first call."""

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

CREATED: dict[str, Service] = {
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
services = [service(name, options=()) for name in METHODS]
providers = {"llb.client.session.providers." + name.partition(":")[0] for name in METHODS}
print(sorted(providers.intersection(sys.modules)))
"""


@pytest.fixture
def lazy_services() -> dict[str, Service]:
    """All services that a daemon may call in any build, without options."""
    return {
        "auth:Auth": service("auth:Auth", tls=[]),
        "filesend:FileSend": service("filesend:FileSend", receivers=Receivers()),
        "filesync:LocalDirs": service("filesync:LocalDirs", directories={}),
        "secrets:Secrets": service("secrets:Secrets", secrets={}),
        "ssh:SSHAgents": service("ssh:SSHAgents", agents=Agents(())),
        "upload:Uploads": service("upload:Uploads", uploads=()),
    }


@pytest.fixture
def channel(lazy_services: dict[str, Service]) -> Iterator[Channel]:
    """A channel to the services."""
    here, there = memory_pair()
    handlers = {k: v for service in lazy_services.values() for k, v in service.handlers().items()}
    server = Server(there, handlers)
    thread = threading.Thread(target=server.serve)
    thread.start()
    client = Channel(here)
    yield client
    client.close()
    thread.join(SECONDS)


def test_every_service_has_its_listed_methods(lazy_services: dict[str, Service]) -> None:
    assert {name: tuple(created.handlers()) for name, created in CREATED.items()} == METHODS
    assert {name: tuple(created.handlers()) for name, created in lazy_services.items()} == METHODS


def test_nothing_is_imported_before_the_first_call() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROVIDERS], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def outcome(channel: Channel, method: str) -> str:
    """Send an empty request, and return the error message, if any."""
    try:
        channel.call(method, b"", timeout=SECONDS)
    except RemoteError as error:
        return error.message
    return "an answer"


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("/moby.filesync.v1.Auth/Credentials", "an answer"),
        ("/moby.filesync.v1.FileSend/DiffCopy", "unknown exporter 0"),
        (
            "/moby.filesync.v1.FileSync/DiffCopy",
            "the build asks for the local directory '', and none is given",
        ),
        ("/moby.buildkit.secrets.v1.Secrets/GetSecret", "secret : not found"),
        ("/moby.sshforward.v1.SSH/CheckAgent", "unset ssh forward key default"),
        ("/moby.upload.v1.Upload/Pull", "unknown upload "),
    ],
)
def test_the_first_call_creates_a_service(
    method: str, expected: str, channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert outcome(channel, method) == expected


def test_an_unknown_secret_is_not_found_by_concurrent_calls(channel: Channel) -> None:
    request = secrets_pb2.GetSecretRequest(ID="x").SerializeToString()

    def ask(_: int) -> tuple[int, str]:
        with pytest.raises(RemoteError) as caught:
            channel.call(SECRET, request, timeout=SECONDS)
        return caught.value.code, caught.value.message

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))
    assert answers == {(Code.NOT_FOUND, "secret x: not found")}


def test_failures_of_a_lazy_service_are_recorded(
    channel: Channel, lazy_services: dict[str, Service]
) -> None:
    call = channel.stream(SYNC, metadata=[("dir-name", "src")], timeout=SECONDS)
    with pytest.raises(RemoteError):
        call.receive()
    (failure,) = lazy_services["filesync:LocalDirs"].failures
    assert isinstance(failure, InputError)
    assert failure.message == "the build asks for the local directory 'src', and none is given"


def test_options_are_checked_before_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        service("filesync:LocalDirs", directories={"context": tmp_path / "none"})
