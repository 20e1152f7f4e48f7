"""The builders of a user, in the folder and the files of buildx, so that each uses the other's.

``instances/NAME`` has a builder, ``current`` the one in use and for which Docker, ``defaults/HASH``
the one of a Docker, ``activity/NAME`` the time of its last build. Writers hold ``.lock``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.builders.instance import BuilderInstance, from_json, normal_name, to_json
from llb.client.connect.docker.contexts import current_endpoint
from llb.client.registry_auth.docker_config import config_folder
from llb.errors import InputError, InvalidValueError, did_you_mean
from llb.gocompat import json as go_json
from llb.local_files import locks, paths
from llb.local_files.staging import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FOLDERS = ("instances", "defaults", "activity")
_HASH_LENGTH = 20
_DEFAULT_CONFIG = "buildkitd.default.toml"


def chosen_name(environ: Mapping[str, str] = os.environ) -> str | None:
    """Look up the name of the builder in use; None if the user has chosen none."""
    name = environ.get("BUILDX_BUILDER")
    if name:
        return name
    instance = BuilderStore(environ).current()
    return None if instance is None else instance.name


@frozen
class _Current:
    """The builder in use: of the Docker ``key``, or of every Docker if it is global."""

    key: str = ""
    name: str = ""
    is_global: bool = False


class BuilderStore:
    """The stored builders. Methods raise InputError if a file cannot be read or written.

    Whoever changes builders does so in the block of :meth:`locked`.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        configured = environ.get("BUILDX_CONFIG")
        self.folder = Path(configured) if configured else config_folder(environ) / "buildx"

    @property
    def default_config(self) -> Path | None:
        """The configuration of the daemons that are created without another, if there is one."""
        path = self.folder / _DEFAULT_CONFIG
        return path if paths.exists(path) else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the builders, buildx included."""
        try:
            for name in _FOLDERS:
                (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            # buildx creates it with this mode, and everyone may take a lock by it.
            lock = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDONLY, 0o600)
        except OSError as error:
            raise InputError(f"cannot write {self.folder}: {error.strerror}") from error
        try:
            locks.lock(lock)
            yield
        finally:
            os.close(lock)

    def instances(self) -> tuple[BuilderInstance, ...]:
        """Read all builders, by name."""
        return tuple(filter(None, map(self.find, self._names())))

    def find(self, name: str) -> BuilderInstance | None:
        """Read a builder; None if there is none of this name. Raises InvalidValueError."""
        path = self._path("instances", name)
        data = _read(path)
        return None if data is None else from_json(data, str(path))

    def load(self, name: str) -> BuilderInstance:
        """Read a builder. Raises InputError if there is none of this name."""
        instance = self.find(name)
        if instance is None:
            raise InputError(
                f"unknown builder {name!r}",
                hint=did_you_mean(name, self._names()) or "list the builders with `llb builder ls`",
            )
        return instance

    def save(self, instance: BuilderInstance) -> None:
        """Write a builder, new or changed."""
        if instance.unknown_fields:
            raise InputError(
                f"the builder {instance.name!r} is from a newer buildx: a change would lose "
                f"{', '.join(instance.unknown_fields)}",
                hint="change it with buildx",
            )
        self.record_activity(instance.name)
        self._write(self._path("instances", instance.name), to_json(instance))

    def remove(self, name: str) -> None:
        """Remove a builder, its activity, and what buildx knows of its builds."""
        for path in (self._path("activity", name), self._path("instances", name)):
            _remove(path)
        shutil.rmtree(self.folder / "refs" / normal_name(name), ignore_errors=True)

    def remove_node(self, name: str, node: str) -> None:
        """Remove what buildx knows of the builds on a node."""
        shutil.rmtree(self.folder / "refs" / normal_name(name) / node, ignore_errors=True)

    def record_activity(self, name: str) -> None:
        """Record that a builder is used now."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write(self._path("activity", name), now.encode())

    def last_activity(self, name: str) -> datetime | None:
        """Read when a builder was used; None if it never was."""
        data = _read(self._path("activity", name))
        with suppress(ValueError):
            return None if data is None else datetime.fromisoformat(data.decode())
        return None

    def current(self) -> BuilderInstance | None:
        """Find the builder in use with the current Docker; None for that Docker itself."""
        key = current_endpoint(self._environ)
        current = self._read_current()
        instance = self.find(current.name) if current.name else None
        if current.is_global and instance is not None:
            return instance
        if current.name and current.key == key:
            return instance
        default = _read(self._default(key))
        return None if default is None else self.find(default.decode(errors="replace"))

    def use(self, name: str, *, is_global: bool = False, is_default: bool = False) -> None:
        """Use a builder with the current Docker; with an empty name, use that Docker itself.

        A global one is used with every Docker, and the default of a Docker again whenever that
        Docker becomes the current one.
        """
        key = current_endpoint(self._environ)
        content = {"Key": key, "Name": name, "Global": is_global}
        self._write(self.folder / "current", go_json.dumps(content).encode())
        if is_default:
            self._write(self._default(key), name.encode())
        else:
            _remove(self._default(key))

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file atomically; it may contain the keys of certificates.

        A temporary file next to it would be an invalid builder for buildx.
        """
        try:
            staging, descriptor = make_file(self.folder, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            staging.replace(path)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def _read_current(self) -> _Current:
        data = _read(self.folder / "current")
        try:
            content = json.loads(data or b"{}")
            return _Current(
                str(content.get("Key") or ""),
                str(content.get("Name") or ""),
                bool(content.get("Global")),
            )
        except (ValueError, AttributeError) as error:
            raise InputError(
                f"{self.folder / 'current'} is not JSON of buildx",
                hint="choose a builder with `llb builder use`",
            ) from error

    def _names(self) -> list[str]:
        """List the names of all builders; files of other programs are skipped."""
        names = []
        with suppress(FileNotFoundError):
            for path in sorted((self.folder / "instances").iterdir()):
                with suppress(InvalidValueError):
                    names.append(normal_name(path.name))
        return names

    def _path(self, folder: str, name: str) -> Path:
        return self.folder / folder / normal_name(name)

    def _default(self, key: str) -> Path:
        return self.folder / "defaults" / hashlib.sha256(key.encode()).hexdigest()[:_HASH_LENGTH]


def _read(path: Path) -> bytes | None:
    """Read a file; None if it is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot remove {path}: {error.strerror}") from error
