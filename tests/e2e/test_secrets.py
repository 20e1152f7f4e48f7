"""Secrets, SSH agents and registry credentials for the steps and the daemon."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch, bind, secret, ssh
from llb.client import Client, EnvSecret, Secret, image, local
from llb.errors import InputError, SolveError, render
from tests.e2e.servers import free_port, wait_for
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The bcrypt hash of "secret".
HTPASSWD = "me:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


def read_secret_in_step(address: str, tmp_path: Path, secrets: dict[str, Secret]) -> bytes:
    """Run a step that reads its secret file; return the content."""
    step = Image("busybox").run(
        "cat /run/secrets/token > /out/value",
        mounts=[secret("token"), bind(Scratch(), "/out")],
        ignore_cache=True,
    )
    with Client(address) as client:
        client.solve(step.mounted("/out"), secrets=secrets, exports=[local(tmp_path / "out")])
    return (tmp_path / "out" / "value").read_bytes()


@pytest.mark.feature("N8")
def test_a_secret_of_every_kind_reaches_the_step(
    buildkit_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_bytes(b"from a \x00 file")
    monkeypatch.setenv("MY_TOKEN", "from a variable")
    for value, expected in (
        (b"bytes", b"bytes"),
        (tmp_path / "token", b"from a \x00 file"),
        (EnvSecret("MY_TOKEN"), b"from a variable"),
        (lambda: b"called", b"called"),
    ):
        assert read_secret_in_step(buildkit_host, tmp_path, {"token": value}) == expected


def test_a_changed_secret_runs_its_step_again_if_its_version_has_changed(
    buildkit_host: str, tmp_path: Path
) -> None:
    command = f"cat /run/secrets/token > /out/value # {uuid.uuid4()}"
    values = []
    for value, version in (("1", "a"), ("2", "a"), ("2", "b")):
        step = Image("busybox").run(
            command, mounts=[secret("token", cache_key=version), bind(Scratch(), "/out")]
        )
        tree = step.mounted("/out")
        with Client(buildkit_host) as client:
            values.append(client.read_text(tree, "/value", secrets={"token": value}))
    assert values == ["1", "1", "2"]


@pytest.mark.feature("N8")
def test_a_secret_may_be_a_variable_and_optional(buildkit_host: str, tmp_path: Path) -> None:
    step = Image("busybox").run(
        'test -z "$MISSING" && echo "$TOKEN" > /out/value',
        mounts=[
            secret("token", env="TOKEN"),
            secret("missing", env="MISSING", optional=True),
            bind(Scratch(), "/out"),
        ],
        ignore_cache=True,
    )
    with Client(buildkit_host) as client:
        client.solve(
            step.mounted("/out"), secrets={"token": "1"}, exports=[local(tmp_path / "out")]
        )
    assert (tmp_path / "out" / "value").read_text() == "1\n"


def test_a_missing_secret_is_named(buildkit_host: str, tmp_path: Path) -> None:
    with pytest.raises(SolveError, match="secret token: not found"):
        read_secret_in_step(buildkit_host, tmp_path, {})
    assert not (tmp_path / "out").exists()


def test_an_unreadable_secret_is_an_error(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")

    def fail() -> bytes:
        raise InputError("the vault is closed")

    with pytest.raises(InputError, match="the vault is closed"):
        read_secret_in_step(buildkit_host, tmp_path, {"token": fail})


def llb(*arguments: str | Path, address: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llb", *arguments, "--addr", address],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.feature("N8")
def test_the_command_line_passes_secrets_to_a_dockerfile(
    buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        textwrap.dedent("""\
            FROM busybox AS made
            RUN --mount=type=secret,id=token cat /run/secrets/token > /value
            FROM scratch
            COPY --from=made /value /value
            """)
    )
    (tmp_path / "token.txt").write_text(uuid.uuid4().hex)
    process = llb(
        *("build", ".", "--no-cache", "--secret", "id=token,src=token.txt", "-o", "out"),
        address=buildkit_host,
        cwd=tmp_path,
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "value").read_text() == (tmp_path / "token.txt").read_text()
    missing = llb(
        *("build", ".", "--secret", "id=token,src=none.txt"), address=buildkit_host, cwd=tmp_path
    )
    assert (missing.returncode, missing.stderr) == (
        1,
        "error: secret token: cannot read none.txt: No such file or directory\n",
    )


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A new key without a passphrase."""
    path = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", path], check=True
    )
    return path


@pytest.fixture
def agent(tmp_path: Path, key: Path) -> Iterator[Path]:
    """Run an ssh-agent that has the key; the value is the path of its socket."""
    path = tmp_path / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.readline()
    ssh_add(path, key)
    yield path
    process.terminate()
    process.wait()
    process.stdout.close()


def ssh_add(agent: Path, *arguments: str | Path) -> str:
    process = subprocess.run(
        ["ssh-add", *arguments],
        env={**os.environ, "SSH_AUTH_SOCK": str(agent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout


# The program of a step that sends a message to the agent and records the answer.
AGENT_QUERY = """
import os, socket
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(bytes.fromhex(os.environ["QUESTION"]))
size = agent.recv(4, socket.MSG_WAITALL)
rest = agent.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
open("/out/answer", "wb").write(size + rest)
"""
LIST, REMOVE_ALL = "000000010b", "0000000113"


def ask_agent(address: str, tmp_path: Path, question: str, *agents: str) -> bytes:
    """Run a step that sends a hexadecimal message to an agent; return the agent's answer."""
    step = Image("python:3.13-slim").run(
        ["python3", "-c", AGENT_QUERY],
        env={"QUESTION": question},
        mounts=[ssh(), bind(Scratch(), "/out")],
        ignore_cache=True,
    )
    with Client(address) as client:
        client.solve(step.mounted("/out"), ssh=agents, exports=[local(tmp_path / "out")])
    return (tmp_path / "out" / "answer").read_bytes()


def public_key(key: Path) -> bytes:
    return base64.b64decode(key.with_suffix(".pub").read_text().split()[1])


@pytest.mark.feature("N9")
@pytest.mark.parametrize("way", ["variable", "socket", "key"])
def test_an_agent_reaches_the_step(
    way: str,
    buildkit_host: str,
    agent: Path,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent) if way == "variable" else "/none")
    name = {"variable": "default", "socket": f"default={agent}", "key": f"default={key}"}[way]
    answer = ask_agent(buildkit_host, tmp_path, LIST, name)
    assert answer[4] == 12
    assert public_key(key) in answer


@pytest.mark.feature("N9")
def test_a_step_cannot_change_the_agent(
    buildkit_host: str, agent: Path, key: Path, tmp_path: Path
) -> None:
    assert ask_agent(buildkit_host, tmp_path, REMOVE_ALL, f"default={agent}") == b"\0\0\0\x01\x05"
    assert "a comment" in ssh_add(agent, "-l")


@pytest.mark.feature("N9")
def test_a_raw_agent_socket_is_not_filtered(
    buildkit_host: str, agent: Path, key: Path, tmp_path: Path
) -> None:
    ask_agent(buildkit_host, tmp_path, REMOVE_ALL, f"default={agent},raw=true")
    process = subprocess.run(
        ["ssh-add", "-l"],
        env={**os.environ, "SSH_AUTH_SOCK": str(agent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stdout == "The agent has no identities.\n"


def test_an_agent_that_is_not_forwarded_is_an_error(buildkit_host: str, tmp_path: Path) -> None:
    with pytest.raises(SolveError, match="unset ssh forward key default"):
        ask_agent(buildkit_host, tmp_path, LIST)


@pytest.fixture
def locked_registry(tmp_path: Path) -> Iterator[str]:
    """Run a registry with basic authentication; the value is its host and port."""
    port = free_port()
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    (tmp_path / "registry.yml").write_text(
        json.dumps(
            {
                "version": 0.1,
                "storage": {"filesystem": {"rootdirectory": str(tmp_path / "storage")}},
                "http": {"addr": f"127.0.0.1:{port}"},
                "auth": {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}},
            }
        )
    )
    program = shutil.which("docker-registry")
    assert program is not None
    process = subprocess.Popen(
        [program, "serve", tmp_path / "registry.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: is_locked(f"http://127.0.0.1:{port}/v2/"), process)
    yield f"localhost:{port}"
    process.terminate()
    process.wait()


def is_locked(url: str) -> bool:
    """Check whether a registry is up and requires authentication."""
    try:
        urllib.request.urlopen(url, timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 401:
            raise
        return True
    except OSError:
        return False
    raise AssertionError("the registry is open to all")


@pytest.mark.feature("N10")
def test_docker_credentials_open_a_registry(
    buildkit_host: str, locked_registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{locked_registry}/app"
    state = Scratch().mkfile("/a", "1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Client(buildkit_host) as client:
        with pytest.raises(SolveError) as caught:
            client.solve(state, exports=[image(name, push=True)])
        assert "401" in render(caught.value) or "authorization" in render(caught.value)
        auth = base64.b64encode(b"me:secret").decode()
        config = {"auths": {locked_registry: {"auth": auth}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        client.solve(state, exports=[image(name, push=True)])
        client.solve(
            Image(name, resolve_mode="pull").mkfile("/b", "2"), exports=[local(tmp_path / "out")]
        )
    assert (tmp_path / "out" / "a").read_text() == "1"
