"""An unexpected exception in any thread of a build ends the build with it, and at once."""

from __future__ import annotations

import subprocess
import threading
import uuid
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, bind, secret, ssh
from llb.client import Client, local, oci
from llb.errors import LLBError
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A function that a thread of a build calls, as module, class or None, and name.
FUNCTIONS = {
    "walk of a context": ("llb.client.session.providers.filesync", None, "_describe"),
    "file of a context": ("llb.client.session.providers.filesync", None, "_content"),
    "requests of a context": ("llb.client.session.providers.filesync", "_Sender", "_listen"),
    "events": ("llb.client.builds.build_run", None, "from_response"),
    "connection, reading": ("llb.grpc.http2.connection", "Connection", "receive"),
    "connection, writing": ("llb.grpc.http2.connection", "Connection", "take_output"),
    "export": ("llb.client.export.receive_tree", "_Receiver", "create"),
    "secret": ("llb.client.session.providers.secrets", "Secrets", "_get"),
    "ssh agent": ("llb.client.session.providers.ssh", "SSHAgents", "_check"),
    "blob": ("llb.client.session.providers.content", None, "_handle_message"),
}


class InjectedError(Exception):
    """An exception that nobody expects."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """The socket of an ssh agent."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        wait_until(path.exists)
        yield path
        process.terminate()


def build(address: str, tmp_path: Path, agent: Path) -> None:
    """Build with a context, a secret, an agent and an export; the names are new in each build."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_text(uuid.uuid4().hex)
    step = Image("busybox", inherit_config=False).run(
        f": {uuid.uuid4()}",
        mounts=[bind(Local("context"), "/in"), secret("word"), ssh()],
        network="none",
    )
    with Client(address) as client:
        client.solve(
            step,
            local_dirs={"context": context},
            secrets={"word": b"x"},
            ssh=[f"default={agent}"],
            exports=[local(tmp_path / "out"), oci(tmp_path / "layout", tar=False)],
        )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_unexpected_exception_ends_the_build(
    name: str,
    buildkit_host: str,
    tmp_path: Path,
    agent: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, owner, function = FUNCTIONS[name]
    target = import_module(module) if owner is None else getattr(import_module(module), owner)
    called = threading.Event()

    def raise_error(*arguments: object, **options: object) -> None:
        called.set()
        raise InjectedError(name)

    monkeypatch.setattr(target, function, raise_error)
    with pytest.raises((InjectedError, LLBError)) as caught:
        build(buildkit_host, tmp_path, agent)
    assert called.is_set()
    assert any(isinstance(error, InjectedError) for error in chain(caught.value)), repr(
        caught.value
    )
