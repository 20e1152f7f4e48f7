"""Credentials come from DOCKER_AUTH_CONFIG, and invalid ones are refused."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from llb.client.registry_auth.docker_config import DockerConfig, Login
from llb.errors import ConfigurationWarning, InputError

if TYPE_CHECKING:
    from pathlib import Path

HOST = "registry.example"


INVALID_AUTH = f"the auth of {HOST} in docker's configuration is not the base64 of NAME:PASSWORD"


def auth_of(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def config(folder: Path, content: object) -> dict[str, str]:
    """Write a configuration; return the environment that names it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return {"DOCKER_CONFIG": str(folder)}


def test_credentials_of_the_environment_come_first(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {HOST: {"auth": auth_of("file", "1")}, "other": {}}})
    auths = {"https://registry.example/v1/": {"auth": auth_of("environment", "2")}}
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": auths})
    assert DockerConfig.load(environ).credentials(HOST) == Login("environment", "2")
    assert DockerConfig.load(environ).credentials("other") == Login()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"auths": ["x"]}, "the auths of config.json are not a JSON object"),
        (
            {"auths": {HOST: "x"}},
            "the credentials of registry.example in docker's configuration are not a JSON object",
        ),
        (
            {"auths": {HOST: {"auth": 7}}},
            "the credentials of registry.example in docker's configuration are not strings",
        ),
        *(
            (
                {"auths": {HOST: {"auth": auth}}},
                INVALID_AUTH,
            )
            for auth in (
                "?",
                "a",
                base64.b64encode(b"me").decode(),
                base64.b64encode(b":p").decode(),
            )
        ),
    ],
)
def test_an_invalid_configuration_is_an_error(
    tmp_path: Path, content: object, message: str
) -> None:
    environ = config(tmp_path, content)
    with pytest.raises(InputError) as caught:
        DockerConfig.load(environ).credentials(HOST)
    assert caught.value.message == message.format(tmp_path / "config.json")


def test_invalid_credentials_in_the_environment_are_left_out_with_a_warning(tmp_path: Path) -> None:
    environ = config(tmp_path, {}) | {"DOCKER_AUTH_CONFIG": "{"}
    with pytest.warns(ConfigurationWarning, match=r"^DOCKER_AUTH_CONFIG is not JSON"):
        loaded = DockerConfig.load(environ)
    assert loaded.credentials(HOST) == Login()
