"""The token authority of a client: a key by which a daemon knows it again.

A daemon keeps the tokens that a client fetched for it. Before it uses them for another build it
has that build's client sign something, with a key that is made of a secret of this client
(the seed of a registry, in Docker's folder, as other clients of BuildKit keep it) and of a
salt of the daemon. So tokens stay with those who may have them, and no password is sent.
"""

from __future__ import annotations

import base64
import binascii
import errno
import fcntl
import hmac
import json
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nacl.signing import SigningKey

_FILE, _LOCK = ".token_seed", ".token_seed.lock"
_SIZE = 16


def signing_key(seed: bytes, salt: bytes) -> SigningKey:
    """Return the key of a seed; all who have no credentials share that of an empty one."""
    # It takes 27 ms to import, and most builds need no key.
    from nacl.signing import SigningKey  # noqa: PLC0415

    return SigningKey(hmac.digest(salt, seed, "sha256"))


def seed_of(folder: Path, host: str) -> bytes:
    """Return the seed of a registry, a new one where there is none yet.

    Where nothing can be written it is for once. Raises InputError for a folder that is none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / _LOCK):
            path = folder / _FILE
            seeds = _read(path)
            found = _decoded(seeds.get(host))
            if found is None:
                found = secrets.token_bytes(_SIZE)
                seeds[host] = {"Seed": base64.b64encode(found).decode()}
                _write(path, json.dumps(seeds, indent=2))
            return found
    except OSError as error:
        if _is_read_only(error):
            return secrets.token_bytes(_SIZE)
        raise InputError(f"cannot keep a seed in {folder}: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that other clients hold while they write; a folder may be read-only."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if not _is_read_only(error):
            raise
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> dict[str, Any]:
    """Return the seeds of a file; one that was not written to its end has none."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, PermissionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Write a file that nobody else may read, where files can be written."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - with a mode
            file.write(text)
    except OSError as error:
        if not _is_read_only(error):
            raise


def _decoded(entry: object) -> bytes | None:
    match entry:
        case {"Seed": str(text)}:
            try:
                return base64.b64decode(text, validate=True) or None
            except binascii.Error:
                return None
        case _:
            return None


def _is_read_only(error: OSError) -> bool:
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
