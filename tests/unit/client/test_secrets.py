"""Secrets, agents and credentials as they are written, and what is refused of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from llb.client.registry_auth.docker_config import Credentials, DockerConfig
from llb.client.session.providers.secrets import Secrets
from llb.client.session.secrets import MAX_SIZE, EnvSecret, Secret, parse_secret, read
from llb.client.session.ssh_agent_spec import AgentSpec, parse_agent
from llb.client.session.ssh_agents import Agents
from llb.errors import InputError, InvalidValueError


@pytest.mark.parametrize(
    ("text", "environ", "secret"),
    [
        ("id=a,src=/file", {}, Path("/file")),
        ("id=a,source=/file", {}, Path("/file")),
        ("id=a,env=A_TOKEN", {}, EnvSecret("A_TOKEN")),
        ("id=a,type=env", {}, EnvSecret("a")),
        ("type=env,id=a,src=NAME", {}, EnvSecret("NAME")),
        ("id=a", {"a": "1"}, EnvSecret("a")),
        ("id=a", {}, Path("a")),
        ('id=a,"src=/x,y"', {}, Path("/x,y")),
    ],
)
def test_secrets_are_read_as_from_buildctl(
    text: str, environ: dict[str, str], secret: Secret
) -> None:
    assert parse_secret(text, environ) == ("a", secret)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("src=/x", "invalid secret 'src=/x': it has no id"),
        ("id=a,srk=/x", "invalid secret 'id=a,srk=/x': expected id=, src=, source=, env=, type="),
        ("a", "invalid secret 'a': expected id=, src=, source=, env=, type="),
    ],
)
def test_what_is_no_secret_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_secret(text)
    assert caught.value.message == message


@pytest.mark.feature("N8")
def test_every_kind_of_secret_has_a_value(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x00file")
    assert read("a", "text") == b"text"
    assert read("a", b"bytes") == b"bytes"
    assert read("a", file) == b"\x00file"
    assert read("a", EnvSecret("V"), {"V": "variable"}) == b"variable"
    assert read("a", lambda: b"called") == b"called"


@pytest.mark.feature("N8")
@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (Path("/none"), "secret a: cannot read /none: No such file or directory"),
        (EnvSecret("NO_SUCH"), "secret a: there is no variable NO_SUCH"),
        (b"x" * (MAX_SIZE + 1), "secret a is too large: 512001 bytes, of at most 512000"),
    ],
)
def test_secrets_that_cannot_be_given_are_told_before_the_build(
    secret: Secret, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        Secrets({"a": secret})
    assert caught.value.message == message


@pytest.mark.feature("N9")
@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("default", AgentSpec()),
        ("mine=/key,/other", AgentSpec("mine", keys=(Path("/key"), Path("/other")))),
        ("mine=/any,raw=true", AgentSpec("mine", socket=Path("/any"), raw=True)),
    ],
)
def test_agents_are_read_as_from_buildctl(text: str, spec: AgentSpec) -> None:
    assert parse_agent(text) == spec


@pytest.mark.parametrize("text", ["", "=x", "a=", "a=x,y,raw=true"])
def test_what_is_no_agent_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid ssh"):
        parse_agent(text)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (AgentSpec(), "ssh default: there is no agent: SSH_AUTH_SOCK is not set"),
        (AgentSpec(socket=Path("/none")), "ssh default: /none is no socket"),
        (AgentSpec(keys=(Path("/none"),)), "ssh default: there is no key /none"),
    ],
)
def test_agents_that_cannot_be_lent_are_told_before_the_build(
    spec: AgentSpec, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        Agents([spec], environ={})
    assert caught.value.message == message


def config(tmp_path: Path, content: object) -> DockerConfig:
    (tmp_path / "config.json").write_text(json.dumps(content))
    return DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})


def helper(tmp_path: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.feature("N10")
def test_credentials_stand_in_the_configuration(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:se:cret").decode()
    found = config(
        tmp_path,
        {
            "auths": {
                "https://index.docker.io/v1/": {"auth": auth},
                "ghcr.io": {"identitytoken": "token"},
                "https://other.example:5000/v2/": {"username": "u", "password": "p"},
            }
        },
    )
    assert found.credentials("registry-1.docker.io") == Credentials("me", "se:cret")
    assert found.credentials("ghcr.io") == Credentials("", "token")
    assert found.credentials("other.example:5000") == Credentials("u", "p")
    assert found.credentials("unknown.example") == Credentials()


@pytest.mark.feature("N10")
def test_a_helper_comes_before_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(
        tmp_path,
        "test",
        'read host; echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"$host\\"}"',
        monkeypatch,
    )
    found = config(tmp_path, {"credHelpers": {"a.example": "test"}, "credsStore": "none"})
    assert found.credentials("a.example") == Credentials("u", "a.example")


def test_a_helper_that_knows_nothing_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, "test", "echo credentials not found in native keychain; exit 1", monkeypatch)
    assert config(tmp_path, {"credsStore": "test"}).credentials("a.example") == Credentials()


@pytest.mark.feature("N10")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken >&2; exit 3", "gave no credentials for a.example: broken"),
        ("echo '{}'", "gave no credentials for a.example: no JSON of them"),
    ],
)
def test_a_helper_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    helper(tmp_path, "test", script, monkeypatch)
    with pytest.raises(InputError) as caught:
        config(tmp_path, {"credsStore": "test"}).credentials("a.example")
    assert caught.value.message == f"docker-credential-test {message}"


def test_no_configuration_has_no_credentials(tmp_path: Path) -> None:
    found = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path / "none")})
    assert found.credentials("a.example") == Credentials()


def test_a_configuration_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})
