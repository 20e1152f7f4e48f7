"""A daemon gets from a session what the build offers, and malformed requests are refused."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from llb._pb import secrets_pb2, sshforward_pb2
from llb.client.export.content_store import Store
from llb.client.export.destinations import FileReceiver
from llb.client.export.oci_layout import Layout
from llb.client.export.receivers import Receivers
from llb.client.session.providers.auth import Auth
from llb.client.session.providers.content import Content
from llb.client.session.providers.exporter import Exporters
from llb.client.session.providers.filesend import FileSend
from llb.client.session.providers.filesync import LocalDirs
from llb.client.session.providers.health import Health
from llb.client.session.providers.policy import PolicyVerifier
from llb.client.session.providers.secrets import Secrets
from llb.client.session.providers.ssh import SSHAgents
from llb.client.session.providers.upload import Uploads
from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.client.session.uploads import Upload
from llb.errors import LLBError, RemoteError
from llb.grpc import Code
from tests.attacks.limits import MIB, limited
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client.session.providers.service import Service
    from llb.grpc import Channel

SECONDS = 60
LAYOUT = ("buildkit-attachable-store-id", "oci:base")
CONTENT = "/containerd.services.content.v1.Content/"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """A socket that nobody may reach."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        yield tmp_path / "agent"


@pytest.fixture
def services(tmp_path: Path, agent: Path) -> list[Service]:
    """All services of a session, each with one thing to offer."""
    receivers = Receivers()
    receivers.add(0, FileReceiver(tmp_path / "out.tar"))
    (tmp_path / "context").mkdir()
    return [
        Auth({"DOCKER_CONFIG": str(tmp_path / "docker")}),
        Content({"oci:base": Store(Layout(tmp_path / "layout"), writable=True)}),
        Exporters(lambda _: ()),
        FileSend(receivers),
        LocalDirs({"context": tmp_path / "context"}),
        Health(),
        PolicyVerifier(lambda source: source),
        Secrets({"word": b"s3cret"}),
        SSHAgents(Agents([AgentSpec("default", socket=agent)])),
        Uploads([Upload(b"content")]),
    ]


@pytest.fixture
def channel(services: list[Service]) -> Iterator[Channel]:
    with offered(*services) as channel:
        yield channel


def answers(channel: Channel, method: str, *messages: bytes, **metadata: str) -> list[bytes]:
    """Call a method with messages and read all of its answers."""
    headers = [LAYOUT, ("dir-name", "context")]
    headers += [(key.replace("_", "-"), value) for key, value in metadata.items()]
    call = channel.stream(method, metadata=headers, timeout=SECONDS)
    for message in messages:
        call.send(message)
    call.close_send()
    received = []
    while (answer := call.receive()) is not None:
        received.append(answer)
    return received


METHODS = (
    *(f"/moby.filesync.v1.Auth/{name}" for name in ("Credentials", "FetchToken")),
    *(f"/moby.filesync.v1.Auth/{name}TokenAuthority" for name in ("Get", "Verify")),
    *(f"{CONTENT}{name}" for name in ("Info", "List", "Read", "Status", "ListStatuses")),
    *(f"{CONTENT}{name}" for name in ("Write", "Abort")),
    "/moby.exporter.v1.Exporter/FindExporters",
    "/moby.filesync.v1.FileSend/DiffCopy",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.buildkit.v1.sourcepolicy.policysession.PolicyVerifier/CheckPolicy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
)
MALFORMED = {
    "a tag without an end": b"\xff" * 20,
    "a length beyond the end": b"\x0a\x7fx",
    "text that is not UTF-8": b"\x0a\x02\xff\xfe",
    "a group without an end": b"\x0b" * 200,
}


@pytest.mark.parametrize("message", MALFORMED)
@pytest.mark.parametrize("method", METHODS)
def test_a_malformed_request_is_answered_with_a_status(
    channel: Channel, services: list[Service], method: str, message: str
) -> None:
    code = None
    with limited():
        try:
            answers(channel, method, MALFORMED[message])
        except RemoteError as error:
            code = error.code
    # Some messages have no strings, and services that only read a message may accept it.
    assert code in (None, Code.INTERNAL, Code.UNKNOWN, Code.NOT_FOUND, Code.INVALID_ARGUMENT)
    failures = [failure for service in services for failure in service.failures]
    assert [failure for failure in failures if not isinstance(failure, LLBError)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("", "WORD", "word ", "word\0", "../word", "/etc/passwd", "id=word", "$HOME", "HOME"),
        *("PATH", "SSH_AUTH_SOCK", "\x1b[2J", "x" * MIB),
    ],
)
def test_a_secret_that_was_not_passed_is_not_found(
    channel: Channel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "s3cret")
    request = secrets_pb2.GetSecretRequest(ID=name).SerializeToString()
    with limited(), pytest.raises(RemoteError) as caught:
        answers(channel, "/moby.buildkit.secrets.v1.Secrets/GetSecret", request)
    assert caught.value.code == Code.NOT_FOUND
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("name", ["other", "DEFAULT", "../default", "/run/agent", "default\0"])
def test_an_agent_that_was_not_passed_is_not_found(channel: Channel, name: str) -> None:
    request = sshforward_pb2.CheckAgentRequest(ID=name).SerializeToString()
    with limited(), pytest.raises(RemoteError) as caught:
        answers(channel, "/moby.sshforward.v1.SSH/CheckAgent", request)
    assert caught.value.code == Code.NOT_FOUND


@pytest.mark.parametrize("path", ["/etc/passwd", "", "/", "..", "two", "one/two", "x" * 100_000])
def test_an_upload_that_was_not_passed_is_not_found(channel: Channel, path: str) -> None:
    with limited(), pytest.raises(RemoteError) as caught:
        answers(channel, "/moby.upload.v1.Upload/Pull", urlpath=path)
    assert caught.value.code == Code.NOT_FOUND


@pytest.mark.parametrize("number", ["1", "-1", "0x0", " 0", "0.0", "9" * 100_000, "\u0660"])
def test_an_export_that_was_not_asked_for_is_refused(number: str) -> None:
    service = FileSend(Receivers())
    (handler,) = service.handlers().values()

    class Call:
        """A call with the number of an exporter."""

        metadata: Any = {"buildkit-attachable-exporter-id": (number,)}  # noqa: RUF012

    with limited(), pytest.raises(RemoteError, match="unknown exporter"):
        handler(Call())  # type: ignore[arg-type] # the surface of a call that services use


@pytest.mark.parametrize(
    "method",
    [
        *("", "/", "/moby.filesync.v1.FileSync/TarStream", "/grpc.reflection.v1.Reflection/Info"),
        *("/moby.buildkit.v1.Control/Solve", "moby.filesync.v1.FileSend/DiffCopy", "/x" * 50_000),
    ],
)
def test_a_method_that_is_not_offered_is_unimplemented(channel: Channel, method: str) -> None:
    with limited(), pytest.raises(RemoteError) as caught:
        answers(channel, method)
    assert caught.value.code == Code.UNIMPLEMENTED


def test_a_flood_of_refused_calls_leaves_nothing_behind(channel: Channel) -> None:
    request = secrets_pb2.GetSecretRequest(ID="other").SerializeToString()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with limited(memory=32 * MIB):
        for _ in range(500):
            with pytest.raises(RemoteError):
                answers(channel, "/moby.buildkit.secrets.v1.Secrets/GetSecret", request)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
