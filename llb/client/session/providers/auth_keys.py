"""Token authority keys, which prove to a daemon that clients share registry credentials.

A daemon keeps the tokens that a client fetched. Before it uses them for another build, that build's
client must sign a challenge. The signing key is derived from a secret of the client (a seed per
registry in Docker's configuration folder, shared with other BuildKit clients) and a salt of the
daemon. So tokens are only used for clients with the same secret, and no password is sent.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hmac
import json
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llb._lazy import lazy_imports
from llb.local_files import locks

with lazy_imports(__name__):
    from nacl import signing  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client.registry_auth.docker_config import Login


# Keeps the seeds of credentials from being guessed outside of this process.
_PROCESS_KEY = secrets.token_bytes(32)
_FILE, _LOCK = ".token_seed", ".token_seed.lock"
_SIZE = 16


def signing_key(seed: bytes, salt: bytes) -> signing.SigningKey:
    """Derive the key from a seed; clients without credentials share the empty seed."""
    return signing.SigningKey(hmac.digest(salt, seed, "sha256"))


def seed_of(host: str, login: Login) -> bytes:
    """Derive the seed of credentials that a program passes to its builds.

    Builds of this process with the same credentials share tokens, others do not. The process's own
    random key is part of it: from a public key alone, nobody can try passwords.
    """
    parts = (host, login.username, login.secret, login.registry_token)
    return hmac.digest(_PROCESS_KEY, json.dumps(parts).encode(), "sha256")


def read_or_create_seed(folder: Path, host: str) -> bytes:
    """Read the seed of a registry, or create one.

    If the folder cannot be written, the seed is not saved: tokens are not shared with other clients.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / _LOCK):
            path = folder / _FILE
            seeds = _read(path)
            seed = _decode_seed(seeds.get(host))
            if seed is None:
                seed = secrets.token_bytes(_SIZE)
                seeds[host] = {"Seed": base64.b64encode(seed).decode()}
                _write(path, json.dumps(seeds, indent=2))
            return seed
    except OSError:
        return secrets.token_bytes(_SIZE)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that BuildKit clients share for writing; skip it in a read-only folder."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    except OSError as error:
        if not _is_read_only(error):
            raise
        yield
        return
    try:
        locks.lock(lock)
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> dict[str, Any]:
    """Read the seeds of a file; an incomplete file counts as empty."""
    try:
        seeds = json.loads(path.read_bytes())
    except (FileNotFoundError, PermissionError, ValueError):
        return {}
    return seeds if isinstance(seeds, dict) else {}


def _write(path: Path, content: str) -> None:
    """Write a file readable only by its owner, if the folder is writable."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - with a mode
            file.write(content)
    except OSError as error:
        if not _is_read_only(error):
            raise


def _decode_seed(entry: object) -> bytes | None:
    match entry:
        case {"Seed": str(encoded)}:
            try:
                return base64.b64decode(encoded, validate=True) or None
            except binascii.Error:
                return None
        case _:
            return None


def _is_read_only(error: OSError) -> bool:
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
