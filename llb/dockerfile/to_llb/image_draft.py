"""Mutable image config of a stage during its conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.errors import InvalidValueError
from llb.state.image_config import CONFIG_FIELDS, ImageConfig, variable

if TYPE_CHECKING:
    from datetime import datetime

_ADDED = ("exposed_ports", "volumes", "labels")
_COMMENT = "buildkit.dockerfile.v0"


class ImageDraft:
    """An image config that instructions change in place; ``base`` is not modified.

    It is mutable because a new value for each of thousands of instructions would copy all settings
    each time. The ONBUILD instructions and the creation time of the base are not inherited.
    """

    def __init__(self, base: ImageConfig) -> None:
        self.author = base.author
        self.user = base.user
        self.exposed_ports = dict.fromkeys(base.exposed_ports)
        self.entrypoint = base.entrypoint
        self.cmd = base.cmd
        self.volumes = dict.fromkeys(base.volumes)
        self.workdir = base.workdir
        self.labels = dict(base.labels)
        self.stop_signal = base.stop_signal
        self.args_escaped = base.args_escaped
        self.healthcheck = base.healthcheck
        self.onbuild: list[str] = []
        self.shell = base.shell
        self._base = base
        self._history = list(base.history)
        self._env = list(base.env)
        self._positions: dict[str, int] = {}
        for position, entry in enumerate(base.env):
            self._positions.setdefault(variable(entry)[0], position)

    @property
    def is_windows(self) -> bool:
        """Whether the base names Windows as its operating system."""
        return self._base.is_windows

    def configure(self, key: str, value: object) -> None:
        """Set a field by Docker's key, or add to labels, ports and volumes.

        Raises InvalidValueError for a value of another type.
        """
        try:
            config = ImageConfig.from_dict({"config": {key: value}})
        except (TypeError, AttributeError) as error:
            raise InvalidValueError(
                f"invalid value for {key} in an image config: {value!r}"
            ) from error
        field = CONFIG_FIELDS[key]
        if value is not None and field in _ADDED:
            getattr(self, field).update(getattr(ImageDraft(config), field))
        elif field == "onbuild":
            self.onbuild = list(config.onbuild)
        else:
            setattr(self, field, getattr(ImageDraft(config), field))

    def set_variable(self, key: str, value: str) -> None:
        """Set a variable; its first entry, if any, is replaced."""
        entry = f"{key}={value}"
        position = self._position(key)
        if position is None:
            self._positions.setdefault(variable(entry)[0], len(self._env))
            self._env.append(entry)
        else:
            self._env[position] = entry

    def add_history(self, created_by: str, *, layer: bool, created: datetime | None) -> None:
        """Add an entry to the history."""
        entry: dict[str, Any] = {"created_by": created_by, "comment": _COMMENT}
        if created is not None:
            entry["created"] = created.isoformat().replace("+00:00", "Z")
        if not layer:
            entry["empty_layer"] = True
        self._history.append(entry)

    def to_config(self) -> ImageConfig:
        """Build the config from the current values."""
        base = self._base
        return ImageConfig(
            author=self.author,
            platform=base.platform,
            user=self.user,
            exposed_ports=tuple(self.exposed_ports),
            env=tuple(self._env),
            entrypoint=self.entrypoint,
            cmd=self.cmd,
            volumes=tuple(self.volumes),
            workdir=self.workdir,
            labels=tuple(self.labels.items()),
            stop_signal=self.stop_signal,
            args_escaped=self.args_escaped,
            healthcheck=self.healthcheck,
            onbuild=tuple(self.onbuild),
            shell=self.shell,
            rootfs_type=base.rootfs_type,
            diff_ids=base.diff_ids,
            history=tuple(self._history),
            other=base.other,
        )

    def _position(self, key: str) -> int | None:
        if "=" not in key:
            return self._positions.get(key)
        # An expanded name may contain "=". Docker takes the first
        # entry that begins with the name.
        start = f"{key}="
        positions = (
            position
            for position, entry in enumerate(self._env)
            if entry.startswith(start) or entry == key
        )
        return next(positions, None)
