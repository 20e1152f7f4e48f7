"""Build secrets: values, files, environment variables or functions, and ``--secret`` parsing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb.arguments.checked import checked_init
from llb.client.csv_fields import hide_secrets, parse_fields
from llb.errors import InputError, InvalidValueError, did_you_mean
from llb.local_files import paths
from llb.local_files.streams import read_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SIZE = 500 * 1024
"""The maximum size of a secret in bytes, as in BuildKit."""

_TYPES = ("file", "env")


@checked_init
@frozen
class EnvSecret:
    """A secret that is the value of an environment variable: ``{"token": EnvSecret("TOKEN")}``.

    It is read when a step needs it. A build raises InputError if the variable is not set.
    """

    variable: str


Secret: TypeAlias = bytes | str | Path | EnvSecret | Callable[[], bytes]
"""A value, a file, an environment variable, or a function that returns bytes.

A step reads files, variables and functions when it needs the secret. A str is encoded as UTF-8, and
a secret has at most 500 KiB.
"""


def check(name: str, secret: Secret, environ: Mapping[str, str] = os.environ) -> None:
    """Raise InputError for an unusable secret, as far as this is known before the build."""
    match secret:
        case bytes() | str():
            _check_size(name, len(secret.encode() if isinstance(secret, str) else secret))
        case Path():
            try:
                status = secret.stat()
            except OSError as error:
                raise _unreadable(name, secret, error.strerror) from error
            if stat.S_ISDIR(status.st_mode):
                raise _unreadable(name, secret, os.strerror(errno.EISDIR))
            _check_size(name, status.st_size)
        case EnvSecret(variable):
            if variable not in environ:
                raise InputError(f"secret {name}: variable {variable} is not set")


def without_stream(secret: Secret) -> Secret:
    """Read a pipe or open descriptor, which has its value once, but several steps may need it.

    Raises InputError.
    """
    value = read_stream(secret, MAX_SIZE) if isinstance(secret, Path) else None
    return secret if value is None else value


def read(name: str, secret: Secret, environ: Mapping[str, str] = os.environ) -> bytes:
    """Read the value of a secret. Raises InputError."""
    match secret:
        case str():
            value = secret.encode()
        case bytes():
            value = secret
        case Path():
            try:
                value = secret.read_bytes()
            except OSError as error:
                raise _unreadable(name, secret, error.strerror) from error
        case EnvSecret(variable):
            check(name, secret, environ)
            value = os.fsencode(environ[variable])
        case _:
            value = _to_bytes(name, secret())
    _check_size(name, len(value))
    return value


def parse_secret(text: str, environ: Mapping[str, str] = os.environ) -> tuple[str, Secret]:
    """Parse the id and secret of ``id=ID[,src=FILE|,env=NAME]``, as buildctl does.

    Without ``src`` and ``env``, it is the variable ID if set, or else the file ID. Raises
    InvalidValueError.

    >>> parse_secret("id=npm,env=NPM_TOKEN")
    ('npm', EnvSecret(variable='NPM_TOKEN'))
    """
    fields = parse_fields(text, ("id", "src", "source", "env", "type"), "secret")
    name = fields.get("id", "")
    if not name:
        raise InvalidValueError(
            f"invalid secret {hide_secrets(text)!r}: missing id",
            hint="for example id=npm,src=token.txt",
        )
    kind = fields.get("type", "file")
    if kind not in _TYPES:
        raise InvalidValueError(
            f"invalid type {kind!r} of the secret {name}: expected {', '.join(_TYPES)}",
            hint=did_you_mean(kind, _TYPES),
        )
    source = fields.get("src") or fields.get("source")
    variable = fields.get("env")
    if kind == "env" and not variable:
        variable, source = source or name, None
    if variable:
        return name, EnvSecret(variable)
    if source:
        return name, paths.expand_user(source)
    return name, EnvSecret(name) if name in environ else Path(name)


def _to_bytes(name: str, value: object) -> bytes:
    """Check the answer of a function; the error does not contain it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise InputError(f"secret {name}: its function returned {type(value).__name__}, expected bytes")


def _check_size(name: str, size: int) -> None:
    if size > MAX_SIZE:
        raise InputError(
            f"secret {name} is too large: {size} bytes, at most {MAX_SIZE} are allowed"
        )


def _unreadable(name: str, path: Path, reason: str | None) -> InputError:
    return InputError(f"secret {name}: cannot read {path}: {reason}")
