"""The configuration of an image: what a container started from it does by itself.

The names and the JSON are those of the OCI image specification (config.md) and of the
fields that Docker adds to it: Healthcheck, OnBuild, Shell.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb.errors import InvalidValueError
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

# With or without a drive, as Windows has it.
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[\\/]")
_PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?\Z")
_DURATIONS = ("interval", "timeout", "start_period", "start_interval")
_SECOND = 1_000_000_000


@frozen
class Healthcheck:
    """How a container is asked whether it is well; times are in nanoseconds, 0 for Docker's own.

    ``test`` begins with ``CMD``, ``CMD-SHELL``, or is ``("NONE",)``.
    """

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@frozen
class ImageConfig:
    """What is in an image's config besides environment, directory and platform.

    Those belong to the state that carries this value, because steps use them too.
    ``user`` is that of the image below, where the state names none;
    ``cmd_is_inherited`` that the default arguments are those of the image below.
    ``history`` are the entries of the image below, as JSON has them.
    """

    user: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None
    onbuild: tuple[str, ...] = ()
    shell: tuple[str, ...] | None = None
    author: str | None = None
    cmd_is_inherited: bool = False
    history: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    def with_entrypoint(self, args: tuple[str, ...] | None) -> ImageConfig:
        """Return the config with a program; arguments meant for the one below are dropped."""
        if self.cmd_is_inherited:
            return evolve(self, entrypoint=args, cmd=None, cmd_is_inherited=False)
        return evolve(self, entrypoint=args)

    def with_cmd(self, args: tuple[str, ...] | None) -> ImageConfig:
        """Return the config with default arguments."""
        return evolve(self, cmd=args, cmd_is_inherited=False)

    def with_label(self, key: str, value: str) -> ImageConfig:
        """Return the config with the label set, in the place of one with the same key."""
        if not key:
            raise InvalidValueError("invalid label '': expected a key")
        rest = tuple(pair for pair in self.labels if pair[0] != key)
        return evolve(self, labels=(*rest, (key, value)))

    def with_port(self, port: int | str) -> ImageConfig:
        """Return the config with ``port`` (``80`` or ``"53/udp"``; tcp is the default) exposed."""
        match = _PORT.match(str(port))
        if match is None or not 0 < int(match[1]) < 65536:
            raise InvalidValueError(
                f"invalid port {port!r}: expected 1 to 65535, optionally with /tcp, /udp or /sctp"
            )
        name = f"{int(match[1])}/{match[2] or 'tcp'}"
        return evolve(self, exposed_ports=(*dict.fromkeys((*self.exposed_ports, name)),))

    def with_volume(self, path: str) -> ImageConfig:
        """Return the config with a directory that a container gets a volume for."""
        if _ABSOLUTE.match(path) is None:
            raise InvalidValueError(f"invalid volume {path!r}: expected an absolute path")
        return evolve(self, volumes=(*dict.fromkeys((*self.volumes, path)),))

    def to_json(
        self, *, platform: Platform, env: tuple[tuple[str, str], ...], workdir: str, user: str
    ) -> bytes:
        """Return the config as JSON without layers, which the exporter adds."""
        check = self.healthcheck
        config: dict[str, Any] = {
            "User": user or self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": [f"{key}={value}" for key, value in env],
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "Volumes": {volume: {} for volume in self.volumes},
            "WorkingDir": workdir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Healthcheck": None if check is None else _healthcheck_to_json(check),
            "OnBuild": self.onbuild,
            "Shell": self.shell,
        }
        image: dict[str, Any] = {
            "author": self.author,
            "architecture": platform.architecture,
            "os": platform.os,
            "variant": platform.variant,
            "os.version": platform.os_version,
            "os.features": platform.os_features,
            "config": {key: value for key, value in config.items() if value},
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": self.history,
        }
        kept = {key: value for key, value in image.items() if value or key == "config"}
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()


@frozen
class BaseImage:
    """The config of an image that a state builds upon, and what of it steps use."""

    config: ImageConfig
    env: tuple[tuple[str, str], ...]
    workdir: str
    platform: Platform | None

    @classmethod
    def from_json(cls, data: bytes | str) -> BaseImage:
        """Return what an image config in JSON says. Raises InvalidValueError."""
        try:
            image = json.loads(data)
            found = _object(image.get("config"))
            return cls(
                config=_config_from_json(image, found),
                env=tuple(_pair(entry) for entry in _texts(found.get("Env"))),
                workdir=found.get("WorkingDir") or "",
                platform=_platform_from_json(image),
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise InvalidValueError(
                "invalid image config: expected JSON of the OCI image specification"
            ) from error


def _config_from_json(image: Mapping[str, Any], found: Mapping[str, Any]) -> ImageConfig:
    check = found.get("Healthcheck")
    cmd = _words(found.get("Cmd"))
    return ImageConfig(
        user=found.get("User") or "",
        entrypoint=_words(found.get("Entrypoint")),
        cmd=cmd,
        labels=tuple(_object(found.get("Labels")).items()),
        exposed_ports=tuple(_object(found.get("ExposedPorts"))),
        volumes=tuple(_object(found.get("Volumes"))),
        stop_signal=found.get("StopSignal") or None,
        healthcheck=None if not check else _healthcheck_from_json(check),
        onbuild=_texts(found.get("OnBuild")),
        shell=_words(found.get("Shell")),
        author=image.get("author") or None,
        cmd_is_inherited=cmd is not None,
        history=tuple(image.get("history") or ()),
    )


def _platform_from_json(image: Mapping[str, Any]) -> Platform | None:
    if not image.get("os") or not image.get("architecture"):
        return None
    return Platform(
        os=image["os"],
        architecture=image["architecture"],
        variant=image.get("variant") or None,
        os_version=image.get("os.version") or None,
        os_features=tuple(image.get("os.features") or ()),
    ).normalize()


def to_healthcheck(test: tuple[str, ...], *, retries: int, **seconds: float) -> Healthcheck:
    """Return a health check of times in seconds. Raises InvalidValueError.

    Docker takes no time between 0 and a millisecond.
    """
    if retries < 0:
        raise InvalidValueError(f"invalid retries {retries}: expected 0 or more")
    nanoseconds = {name: round(value * _SECOND) for name, value in seconds.items()}
    for name, value in nanoseconds.items():
        if value != 0 and value < _SECOND // 1000:
            raise InvalidValueError(
                f"invalid {name} {seconds[name]}: expected seconds, 0 or at least 0.001"
            )
    return Healthcheck(test, retries=retries, **nanoseconds)


def _healthcheck_to_json(check: Healthcheck) -> dict[str, Any]:
    fields = {"Test": check.test}
    fields |= {_camel(name): getattr(check, name) for name in (*_DURATIONS, "retries")}
    return {key: value for key, value in fields.items() if value}


def _healthcheck_from_json(fields: Mapping[str, Any]) -> Healthcheck:
    numbers = {name: int(fields.get(_camel(name)) or 0) for name in (*_DURATIONS, "retries")}
    return Healthcheck(tuple(fields.get("Test") or ()), **numbers)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _object(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise TypeError(value)
    return value or {}


def _texts(value: Any) -> tuple[str, ...]:
    if value is not None and not isinstance(value, list):
        raise TypeError(value)
    return tuple("" + each for each in value or ())


def _words(value: Any) -> tuple[str, ...] | None:
    return _texts(value) or None


def _pair(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition("=")
    return key, value
