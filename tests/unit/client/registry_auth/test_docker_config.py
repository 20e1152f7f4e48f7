"""Credentials come from Docker's config.json and credential helpers."""

from __future__ import annotations

import base64
import json
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
            }
        },
    )
    assert loaded.credentials("registry-1.docker.io") == Login("me", "se:cret")
    assert loaded.credentials("ghcr.io") == Login("", "token")
    assert loaded.credentials("other.example:5000") == Login("u", "p")
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


def test_a_helper_without_credentials_is_not_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, "test", "echo credentials not found in native keychain; exit 1", monkeypatch)
    assert config(tmp_path, {"credsStore": "test"}).credentials("a.example") == Login()


@pytest.mark.feature("N10")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken >&2; exit 3", "gave no credentials for a.example: broken"),
        ("echo '{}'", "gave no credentials for a.example: invalid JSON"),
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
