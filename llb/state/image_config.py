"""Image configs: read them from JSON, and write them as Go does.

The JSON is that of the OCI image specification (config.md), with the fields that Docker adds:
ArgsEscaped, Healthcheck, OnBuild and Shell.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb.arguments.checked import checked, checked_raw_init
from llb.arguments.conversions import Duration, to_seconds
from llb.errors import InvalidValueError
from llb.gocompat import json as gojson
from llb.gocompat.utf8 import encode, shown
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.ops.nodes import Process

# Windows paths may start with a drive letter.
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[\\/]")
_PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?\Z")
_DURATIONS = ("interval", "timeout", "start_period", "start_interval")
_NO_PLATFORM = Platform("", "")
_WINDOWS = "windows"
_ALWAYS = ("architecture", "os", "rootfs", "config")
_HISTORY_KEYS = ("created", "created_by", "author", "comment", "empty_layer")
# The fields of the container config, by Docker's keys.
CONFIG_FIELDS = {
    "User": "user",
    "ExposedPorts": "exposed_ports",
    "Env": "env",
    "Entrypoint": "entrypoint",
    "Cmd": "cmd",
    "Volumes": "volumes",
    "WorkingDir": "workdir",
    "Labels": "labels",
    "StopSignal": "stop_signal",
    "ArgsEscaped": "args_escaped",
    "Healthcheck": "healthcheck",
    "OnBuild": "onbuild",
    "Shell": "shell",
}
_SECOND = 1_000_000_000
# What other JSON than that of a config leads to; it may be nested deeply, or have Infinity.
_MALFORMED = (
    *(AttributeError, KeyError, TypeError, ValueError),
    *(OverflowError, RecursionError),
)


@checked_raw_init
@frozen
class Healthcheck:
    """The health check of a container; times are in nanoseconds, 0 for Docker's default.

    ``test`` starts with ``CMD`` or ``CMD-SHELL``, or is ``("NONE",)`` to disable the check.
    ``interval`` is the time between checks, ``timeout`` the limit of one check, ``start_period``
    the time in which failures do not count, ``start_interval`` the time between checks during that
    period, and ``retries`` the number of consecutive failures after which the container is
    unhealthy.
    """

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@checked_raw_init
@frozen(kw_only=True)
class ImageConfig:
    """The config of an image.

    ``env`` holds entries as in JSON, ``KEY=value``. ``cmd_is_inherited`` is True if the default
    arguments are those of the base image. ``diff_ids`` are the digests of the layers, and
    ``history`` the history entries as JSON objects. ``other`` holds container entries that the
    specifications do not define; like Go, this class does not write them.

    The config of a state has no environment, working directory or platform, because the state holds
    them for its steps. There, ``user`` is the user of the base image.
    """

    author: str | None = None
    created: str | None = None
    platform: Platform = _NO_PLATFORM
    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: tuple[str, ...] = ()
    workdir: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str | None = None
    args_escaped: bool = False
    healthcheck: Healthcheck | None = None
    onbuild: tuple[str, ...] = ()
    shell: tuple[str, ...] | None = None
    rootfs_type: str = "layers"
    diff_ids: tuple[str, ...] | None = field(default=(), repr=False)
    history: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    other: Mapping[str, Any] = field(factory=dict, repr=False)
    cmd_is_inherited: bool = False

    @classmethod
    @checked
    def from_json(cls, data: bytes | str) -> ImageConfig:
        """Parse an image config. Raises InvalidValueError if it is malformed."""
        try:
            return cls.from_dict(json.loads(data))
        except _MALFORMED as error:
            raise InvalidValueError(
                "invalid image config: expected JSON of the OCI image specification"
            ) from error

    @classmethod
    def from_dict(cls, image: Mapping[str, Any]) -> ImageConfig:
        """Convert decoded JSON to an image config. Raises TypeError or AttributeError."""
        config = _object(image.get("config"))
        rootfs = _object(image.get("rootfs"))
        check, cmd, layers = config.get("Healthcheck"), config.get("Cmd"), rootfs.get("diff_ids")
        return cls(
            author=image.get("author") or None,
            created=image.get("created") or None,
            platform=_platform_from_json(image),
            user=_string(config.get("User")),
            exposed_ports=tuple(_object(config.get("ExposedPorts"))),
            env=_strings(config.get("Env")),
            entrypoint=_strings(config.get("Entrypoint")) or None,
            cmd=_strings(cmd) or None,
            volumes=tuple(_object(config.get("Volumes"))),
            workdir=_string(config.get("WorkingDir")),
            labels=tuple(_object(config.get("Labels")).items()),
            stop_signal=_string(config.get("StopSignal")) or None,
            args_escaped=bool(config.get("ArgsEscaped")),
            healthcheck=_healthcheck_from_json(check) if check else None,
            onbuild=_strings(config.get("OnBuild")),
            shell=_strings(config.get("Shell")) or None,
            rootfs_type=_string(rootfs.get("type")),
            diff_ids=None if layers is None else _strings(layers),
            history=tuple(map(_object, image.get("history") or ())),
            other={key: value for key, value in config.items() if key not in CONFIG_FIELDS},
            cmd_is_inherited=bool(cmd),
        )

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables, in order."""
        return dict(variable(entry) for entry in self.env)

    @property
    def has_platform(self) -> bool:
        """Whether the image names its platform."""
        return bool(self.platform.os and self.platform.architecture)

    @property
    def is_windows(self) -> bool:
        """Whether the image names Windows as its operating system."""
        return self.platform.os == _WINDOWS

    @property
    def is_empty(self) -> bool:
        """Whether the image has no layers."""
        return not self.diff_ids and all(entry.get("empty_layer") for entry in self.history)

    @checked
    def with_platform(self, platform: Platform) -> ImageConfig:
        """Set the platform.

        The variant, OS version and features of the config are kept if its OS and architecture are
        the same and ``platform`` does not specify them.
        """
        current = self.platform
        if (current.os, current.architecture) != (platform.os, platform.architecture):
            return evolve(self, platform=platform)
        changed = evolve(
            current,
            variant=platform.variant or current.variant,
            os_version=platform.os_version or current.os_version,
            os_features=platform.os_features or current.os_features,
        )
        return evolve(self, platform=changed)

    def for_state(self) -> ImageConfig:
        """Clear the fields that a state holds itself, and those that builds do not inherit."""
        return evolve(
            self,
            created=None,
            platform=_NO_PLATFORM,
            env=(),
            workdir="",
            args_escaped=False,
            rootfs_type="layers",
            diff_ids=(),
        )

    @checked
    def with_entrypoint(self, args: tuple[str, ...] | None) -> ImageConfig:
        """Set the entrypoint, and clear default arguments that come from the base image."""
        if self.cmd_is_inherited:
            return evolve(self, entrypoint=args, cmd=None, cmd_is_inherited=False)
        return evolve(self, entrypoint=args)

    @checked
    def with_cmd(self, args: tuple[str, ...] | None) -> ImageConfig:
        """Set the default arguments of the entrypoint."""
        return evolve(self, cmd=args, cmd_is_inherited=False)

    @checked
    def with_label(self, key: str, value: str) -> ImageConfig:
        """Set a label, replacing one with the same key."""
        if not key:
            raise InvalidValueError("invalid label '': expected a key")
        other_labels = tuple(pair for pair in self.labels if pair[0] != key)
        return evolve(self, labels=(*other_labels, (key, value)))

    @checked
    def with_port(self, port: int | str) -> ImageConfig:
        """Expose ``port``: ``80`` or ``"53/udp"``; the default protocol is tcp."""
        match = _PORT.match(str(port))
        if match is None or not 0 < int(match[1]) < 65536:
            raise InvalidValueError(
                f"invalid port {port!r}: expected 1 to 65535, optionally with /tcp, /udp or /sctp"
            )
        name = f"{int(match[1])}/{match[2] or 'tcp'}"
        return evolve(self, exposed_ports=(*dict.fromkeys((*self.exposed_ports, name)),))

    @checked
    def with_volume(self, path: str) -> ImageConfig:
        """Declare a directory for which a container gets a volume."""
        if _ABSOLUTE.match(path) is None:
            raise InvalidValueError(f"invalid volume {path!r}: expected an absolute path")
        return evolve(self, volumes=(*dict.fromkeys((*self.volumes, path)),))

    def to_dict(self) -> dict[str, Any]:
        """Convert the container config to a dict with Docker's keys, without empty entries."""
        check = self.healthcheck
        entries: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in _sorted(self.exposed_ports)},
            "Env": self.env,
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "Volumes": {path: {} for path in _sorted(self.volumes)},
            "WorkingDir": self.workdir,
            "Labels": dict(sorted(self.labels, key=_label_key)),
            "StopSignal": self.stop_signal,
            "ArgsEscaped": self.args_escaped,
            "Healthcheck": None if check is None else _healthcheck_to_json(check),
            "OnBuild": self.onbuild,
            "Shell": self.shell,
        }
        return {key: value for key, value in entries.items() if value}

    def to_json(self) -> bytes:
        """Encode the config as Go's encoder does."""
        platform = self.platform
        image: dict[str, Any] = {
            "created": self.created,
            "author": self.author,
            "architecture": platform.architecture,
            "os": platform.os,
            "os.version": platform.os_version,
            "os.features": platform.os_features,
            "variant": platform.variant,
            "rootfs": {"type": self.rootfs_type, "diff_ids": self.diff_ids},
            "history": [_history_to_json(entry) for entry in self.history],
            "config": self.to_dict(),
        }
        written = {key: value for key, value in image.items() if value or key in _ALWAYS}
        return shown(gojson.dumps(written), r"\\ufffd").encode()


def encode_image(config: ImageConfig, process: Process, platform: Platform) -> bytes:
    """Encode the config of an image with the environment, directory and user of ``process``."""
    image = evolve(
        config,
        platform=platform,
        env=tuple(f"{key}={value}" for key, value in process.env.image_items()),
        workdir=str(process.cwd),
        user=process.user or config.user,
    )
    return image.to_json()


def _sorted(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=encode)


def _label_key(label: tuple[str, str]) -> bytes:
    return encode(label[0])


def _history_to_json(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in _HISTORY_KEYS if entry.get(key)}


def _platform_from_json(image: Mapping[str, Any]) -> Platform:
    return Platform(
        os=_string(image.get("os")),
        architecture=_string(image.get("architecture")),
        variant=image.get("variant") or None,
        os_version=image.get("os.version") or None,
        os_features=_strings(image.get("os.features")),
    )


def to_healthcheck(test: tuple[str, ...], *, retries: int, **times: Duration) -> Healthcheck:
    """Create a health check from times.

    Raises InvalidValueError for negative ``retries``, and for a time between 0 and a millisecond,
    which Docker refuses.
    """
    if retries < 0:
        raise InvalidValueError(f"invalid retries {retries}: expected 0 or more")
    nanoseconds = {name: round(to_seconds(time) * _SECOND) for name, time in times.items()}
    for name, value in nanoseconds.items():
        if value != 0 and value < _SECOND // 1000:
            raise InvalidValueError(
                f"invalid {name} {times[name]}: expected seconds, 0 or at least 0.001"
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


def _string(value: Any) -> str:
    return "" + (value or "")


def _strings(value: Any) -> tuple[str, ...]:
    if value is not None and not isinstance(value, (list, tuple)):
        raise TypeError(value)
    return tuple("" + item for item in value or ())


def variable(entry: str) -> tuple[str, str]:
    """Split an entry of ``env`` into name and value."""
    key, _, value = entry.partition("=")
    return key, value
