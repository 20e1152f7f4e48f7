"""Secrets are parsed, read, and checked before the build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llb.client.session.providers.secrets import Secrets
from llb.client.session.secrets import (
    MAX_SIZE,
    EnvSecret,
    Secret,
    parse_secret,
    read,
    without_stream,
)
from llb.errors import InputError, InvalidValueError


@pytest.mark.parametrize(
    ("text", "environ", "secret"),
    [
        ("id=a,src=/file", {}, Path("/file")),
        ("id=a,source=/file", {}, Path("/file")),
        ("id=a,env=A_TOKEN", {}, EnvSecret("A_TOKEN")),
        ("id=a,type=env", {}, EnvSecret("a")),
        ("type=env,id=a,src=NAME", {}, EnvSecret("NAME")),
        ("id=a,type=file,src=/x", {}, Path("/x")),
        ("id=a,src=,env=", {"a": "1"}, EnvSecret("a")),
        ("id=a,src=", {}, Path("a")),
        ('id=a,"src=/x\ny"', {}, Path("/x\ny")),
        ("id=a", {"a": "1"}, EnvSecret("a")),
        ("id=a", {}, Path("a")),
        ('id=a,"src=/x,y"', {}, Path("/x,y")),
    ],
)
def test_secrets_are_parsed_as_by_buildctl(
    text: str, environ: dict[str, str], secret: Secret
) -> None:
    assert parse_secret(text, environ) == ("a", secret)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("src=/x", "invalid secret 'src=/x': missing id"),
        ("id=a,srk=/x", "invalid secret 'id=a,srk=/x': expected id=, src=, source=, env=, type="),
        ("a", "invalid secret 'a': expected id=, src=, source=, env=, type="),
        ("id=a,type=dir", "invalid type 'dir' of the secret a: expected file, env"),
        (
            'id=a,"src=b',
            (
                "invalid secret 'id=a,\"src=b': parse error on line 1, column 7: "
                'extraneous or missing " in quoted-field'
            ),
        ),
    ],
)
def test_an_invalid_secret_is_refused(text: str, message: str) -> None:
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


def test_a_stream_is_read_once_for_all_steps() -> None:
    here, there = os.pipe()
    os.write(there, b"value")
    os.close(there)
    assert without_stream(Path(f"/dev/fd/{here}")) == b"value"
    os.close(here)
    for secret in ("value", Path("/etc/passwd"), EnvSecret("V")):
        assert without_stream(secret) is secret


@pytest.mark.feature("N8")
@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (Path("/none"), "secret a: cannot read /none: No such file or directory"),
        (Path("/"), "secret a: cannot read /: Is a directory"),
        (EnvSecret("NO_SUCH"), "secret a: variable NO_SUCH is not set"),
        (Path("/dev/zero"), "secret a is too large: 512001 bytes, at most 512000 are allowed"),
        (b"x" * (MAX_SIZE + 1), "secret a is too large: 512001 bytes, at most 512000 are allowed"),
    ],
)
def test_unusable_secrets_are_refused_before_the_build(secret: Secret, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Secrets({"a": secret})
    assert caught.value.message == message


def test_the_function_of_a_secret_returns_bytes() -> None:
    with pytest.raises(InputError) as caught:
        read("a", lambda: "hidden")  # type: ignore[arg-type, return-value]
    assert caught.value.message == "secret a: its function returned str, expected bytes"
