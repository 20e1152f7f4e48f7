"""Whatever a credential helper or Docker's configuration says, the result is a login or one error."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import pytest

from llb.client.registry_auth.docker_config import DockerConfig
from llb.errors import ConfigurationWarning, InputError, render
from tests.attacks.limits import limited

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = {
    "nothing": "",
    "text": "echo hello",
    "a list": "echo '[1]'",
    "a number": "echo 7",
    "null": "echo null",
    "bytes that are not UTF-8": r"printf '\377\376'",
    "a NUL": r"printf '\000'",
    "deep nesting": "head -c 200000 /dev/zero | tr '\\0' '['",
    "a number of thousands of digits": "head -c 5000 /dev/zero | tr '\\0' '9'",
    "megabytes": "head -c 4000000 /dev/zero",
    "an exit code": "exit 3",
    "a signal": "kill -9 $$",
    "an error with control characters": r"printf '\033]0;x\007\nmore'; exit 1",
    "an error of a megabyte": "head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; exit 1",
    "a closed pipe": "exec <&-; exec >&-; exit 1",
}


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "docker-credential-odd"


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_a_helper_is_one_error(name: str, helper: Path) -> None:
    helper.write_text(f"#!/bin/sh\n{ANSWERS[name]}\n")
    helper.chmod(0o755)
    config = DockerConfig({"credsStore": "odd"})
    with (
        limited(),
        pytest.raises(InputError, match=r"gave no credentials for a\.example") as caught,
    ):
        config.credentials("a.example")
    assert len(caught.value.message.splitlines()) == 1
    assert not {"\x1b", "\x07"} & {*render(caught.value)}
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("host", ["-x", "a\nb", "../../x", "x" * 1_000_000, "\x1b[2J", ""])
def test_the_name_of_a_registry_reaches_a_helper_as_input_only(host: str, helper: Path) -> None:
    answer = "cat > /dev/null && echo credentials not found in native keychain"
    helper.write_text(f'#!/bin/sh\n[ "$*" = get ] && {answer}\nexit 1\n')
    helper.chmod(0o755)
    with limited():
        assert DockerConfig({"credsStore": "odd"}).credentials(host).secret == ""


CONFIGS: dict[str, object] = {
    "deep nesting": "[" * 200_000,
    "no object": "7",
    "helpers that are a list": {"credHelpers": ["a.example"]},
    "entries that are a list": {"auths": []},
    "an entry that is a list": {"auths": {"a.example": []}},
    "a name that is a number": {"auths": {"a.example": {"username": 7, "password": "s3cret"}}},
    "an auth without a colon": {"auths": {"a.example": {"auth": "czNjcmV0"}}},
    "an auth that is not base64": {"auths": {"a.example": {"auth": "s3cret!"}}},
    "an auth that is not UTF-8": {"auths": {"a.example": {"auth": "//8="}}},
    "a name that is no URL": {"auths": {"https://[": {}, "a.example": {"auth": "?"}}},
    "a helper that is a path": {"credsStore": "/../../bin/sh"},
    "a helper that is missing": {"credHelpers": {"a.example": "\x1b[2J"}},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_broken_configuration_is_a_warning_or_one_error(name: str, tmp_path: Path) -> None:
    content = CONFIGS[name]
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "config.json").write_text(text)
    messages = []
    with limited(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConfigurationWarning)
        config = DockerConfig.load({"DOCKER_CONFIG": str(tmp_path)})
        try:
            assert config.credentials("a.example").secret == ""
        except InputError as error:
            messages.append(render(error))
    messages += [str(warning.message) for warning in caught]
    assert not any("s3cret" in message or "\x1b" in message for message in messages)
