"""A temporary agent provides key files to a build."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of the test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def list_keys(socket: Path) -> str:
    result = subprocess.run(
        ["ssh-add", "-l"],
        env={**os.environ, "SSH_AUTH_SOCK": str(socket)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout


def test_an_agent_holds_the_keys_and_ends_with_the_build(key: Path) -> None:
    with Agents([AgentSpec("deploy", keys=(key,))]) as agents:
        socket = agents.sockets["deploy"]
        assert "of the test (ED25519)" in list_keys(socket)
        assert bool(agents)
    assert not socket.exists()


def test_a_file_that_is_not_a_key_is_refused_and_leaves_no_agent(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(InputError) as caught:
        Agents([AgentSpec(keys=(tmp_path / "key",))])
    assert caught.value.message.startswith(f"ssh default: cannot use {tmp_path}/key: ")
    assert caught.value.hint == "add a key with a passphrase to your own agent"


def test_a_machine_without_openssh_is_an_error(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        Agents([AgentSpec(keys=(key,))])
    assert caught.value.message == (
        "ssh default: keys need ssh-agent and ssh-add, which are not on PATH"
    )
