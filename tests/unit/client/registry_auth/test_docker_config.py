"""Credentials come from Docker's config.json and credential helpers."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

import pytest

from llb.client.registry_auth.docker_config import DockerConfig, Login
from llb.errors import ConfigurationWarning, InputError

if TYPE_CHECKING:
    from pathlib import Path


def config(tmp_path: Path, content: object) -> DockerConfig:
    (tmp_path / "config.json").write_text(json.dumps(content))
    return DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})


def helper(tmp_path: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.feature("N10")
def test_credentials_are_read_from_the_configuration(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:se:cret").decode()
    loaded = config(
        tmp_path,
        {
            "auths": {
                "https://index.docker.io/v1/": {"auth": auth},
                "ghcr.io": {"identitytoken": "token"},
                "https://other.example:5000/v2/": {"username": "u", "password": "p"},
                "https://user@port.example:/v1/": {"auth": f"{auth[:4]}\r\n{auth[4:]}\n"},
                "null.example": None,
            }
        },
    )
    assert loaded.credentials("registry-1.docker.io") == Login("me", "se:cret")
    assert loaded.credentials("ghcr.io") == Login("", "token")
    assert loaded.credentials("other.example:5000") == Login("u", "p")
    assert loaded.credentials("port.example") == Login("me", "se:cret")
    assert loaded.credentials("null.example") == Login()
    assert loaded.credentials("unknown.example") == Login()


@pytest.mark.feature("N10")
def test_a_helper_comes_before_stored_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(
        tmp_path,
        "test",
        'read host; echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"$host\\"}"',
        monkeypatch,
    )
    loaded = config(tmp_path, {"credHelpers": {"a.example": "test"}, "credsStore": "none"})
    assert loaded.credentials("a.example") == Login("u", "a.example")


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": "bWU6b2xk"}, Login()),
        ({"identitytoken": "old"}, Login()),
        ({"registrytoken": "own"}, Login(registry_token="own")),
        ({"auth": 7}, Login()),
        (None, Login()),
    ],
)
def test_a_helper_without_credentials_is_not_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: object, login: Login
) -> None:
    helper(tmp_path, "test", "echo credentials not found in native keychain; exit 1", monkeypatch)
    loaded = config(tmp_path, {"credsStore": "test", "auths": {"a.example": entry}})
    assert loaded.credentials("a.example") == login


@pytest.mark.parametrize(
    ("answer", "login"),
    [
        ('{"ServerURL": "b", "Username": "u", "Secret": "p", "More": [1]}', Login("u", "p")),
        ('{"username": "u", "SECRET": "p"} trailing', Login("u", "p")),
        ('{"Username": "<token>", "Secret": "identity"}', Login("", "identity")),
        ('{"Username": "u", "Secret": null}', Login("u", "")),
        ("{}", Login()),
    ],
)
def test_answers_of_helpers_are_read_as_by_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, login: Login
) -> None:
    helper(tmp_path, "test", f"echo '{answer}'", monkeypatch)
    assert config(tmp_path, {"credsStore": "test"}).credentials("a.example") == login


def test_the_helper_of_a_registry_is_chosen_as_by_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("all", "one"):
        answer = f'{{\\"Username\\": \\"{name}\\", \\"Secret\\": \\"$host\\"}}'
        helper(tmp_path, name, f'read host; echo "{answer}"', monkeypatch)
    auths = {"file.example": {"username": "file", "password": "p"}}
    helpers = {"one.example:5000": "one", "https://index.docker.io/v1/": "one", "file.example": ""}
    loaded = config(
        tmp_path,
        {"credsStore": "all", "credHelpers": helpers | {"docker.io": "no"}, "auths": auths},
    )
    assert loaded.credentials("one.example:5000") == Login("one", "one.example:5000")
    assert loaded.credentials("one.example") == Login("all", "one.example")
    # An empty name stands for the file.
    assert loaded.credentials("file.example") == Login("file", "p")
    for host in ("registry-1.docker.io", "docker.io", "index.docker.io"):
        assert loaded.credentials(host) == Login("one", "https://index.docker.io/v1/")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another helper")
def test_a_configuration_without_credentials_uses_the_helper_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert config(tmp_path, {}).credentials("a.example") == Login()
    for name in ("secretservice", "pass"):
        answer = f'{{"Username": "{name}", "Secret": "p"}}'
        helper(tmp_path, name, f"echo '{answer}'", monkeypatch)
    assert config(tmp_path, {}).credentials("a.example") == Login("secretservice", "p")
    (tmp_path / "pass").symlink_to("/bin/true")
    assert config(tmp_path, {"proxies": {}}).credentials("a.example") == Login("pass", "p")
    assert config(tmp_path, {"auths": {"b": {}}}).credentials("a.example") == Login()
    missing = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path / "none")})
    assert missing.credentials("a.example") == Login("pass", "p")


def test_a_helper_in_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, "test", "echo '{}'", monkeypatch)
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", ":/none"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(InputError) as caught:
            config(tmp_path, {"credsStore": "test"}).credentials("a.example")
        assert caught.value.message.endswith("docker-credential-test, which is not on PATH")


@pytest.mark.feature("N10")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken >&2; exit 3", "gave no credentials for a.example: broken"),
        ("echo broken; exit 3", "gave no credentials for a.example: broken"),
        ("exit 3", "gave no credentials for a.example: it exited with status 3"),
        # The output of a helper that fails may have a secret.
        (
            """echo '{"Secret": "hidden"}'; exit 3""",
            "gave no credentials for a.example: it exited with status 3",
        ),
        (
            "echo credentials not found in native keychain >&2; exit 1",
            "gave no credentials for a.example: credentials not found in native keychain",
        ),
        (
            "echo exec: file not found; exit 1",
            "gave no credentials for a.example: exec: file not found",
        ),
        ("true", "gave no credentials for a.example: invalid JSON"),
        ("echo '[1]'", "gave no credentials for a.example: invalid JSON"),
        ("""echo '{"Secret": 7}'""", "gave no credentials for a.example: invalid JSON"),
    ],
)
def test_a_failing_helper_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    helper(tmp_path, "test", script, monkeypatch)
    with pytest.raises(InputError) as caught:
        config(tmp_path, {"credsStore": "test"}).credentials("a.example")
    assert caught.value.message == f"docker-credential-test {message}"


def test_a_missing_configuration_has_no_credentials(tmp_path: Path) -> None:
    loaded = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path / "none")})
    assert loaded.credentials("a.example") == Login()


@pytest.mark.parametrize(
    ("content", "reason"), [("{", "is not JSON"), ("[]", "is not a JSON object")]
)
def test_a_broken_configuration_is_left_out_with_a_warning(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.warns(ConfigurationWarning, match=f"{tmp_path}/config.json {reason}"):
        loaded = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})
    assert (loaded.credentials("a.example"), loaded.proxies()) == (Login(), {})


def test_a_configuration_that_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.warns(ConfigurationWarning, match=r"cannot read .*/config.json: Is a directory"):
        loaded = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})
    assert loaded.credentials("a.example") == Login()
