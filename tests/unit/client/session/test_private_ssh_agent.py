"""A temporary agent provides key files to a build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError
from tests.timing import wait_until


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


BUILD = """\
import sys
from pathlib import Path
from llb.client.session.ssh_agent_spec import AgentSpec
from llb.client.session.ssh_agents import Agents

agents = Agents([AgentSpec("deploy", keys=(Path(sys.argv[1]),))])
print(agents.sockets["deploy"], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_an_agent_ends_with_a_process_that_is_killed(key: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUILD, str(key)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as build:
        assert build.stdout is not None
        path = Path(build.stdout.readline().strip())
        assert "of the test" in list_keys(path)
        build.send_signal(number)
    wait_until(lambda: not path.parent.exists())
    assert list_keys(path) == ""


def test_an_agent_that_does_not_start_is_an_error(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(InputError) as caught:
        Agents([AgentSpec(keys=(key,))])
    assert "Error connecting to agent" in caught.value.message
    assert list(folder.iterdir()) == []


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
