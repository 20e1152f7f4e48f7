"""The config of an image, read from JSON and written as Go writes it.

The fields and their order are those of Docker's image specification, which adds
``Healthcheck``, ``OnBuild`` and ``Shell`` to OCI's.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from llb import Platform
from llb.errors import InputError
from llb.gocompat import json as gojson
from llb.gocompat.utf8 import encode, shown
from llb.ops.defaults import DEFAULT_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS = "windows"
_PLATFORM_KEYS = ("architecture", "os", "os.version", "os.features", "variant")
CONFIG_KEYS = (
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "ArgsEscaped",
    "Healthcheck",
    "OnBuild",
    "Shell",
)
_HEALTH_KEYS = ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
SETS = ("ExposedPorts", "Volumes", "Labels")


@frozen
class Image:
    """An image's config: ``config`` is the part for containers, by Docker's own keys.

    ``created`` is when it was made, which what is built upon it does not take over.
    """

    author: str | None
    platform: Mapping[str, Any]
    config: Mapping[str, Any]
    rootfs: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    created: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Image:
        """Return the config that ``data`` holds in JSON. Raises InputError."""
        try:
            image = json.loads(data)
            return cls(
                author=image.get("author"),
                platform={key: image[key] for key in _PLATFORM_KEYS if image.get(key)},
                config={key: value for key, value in (image.get("config") or {}).items() if value},
                rootfs=image.get("rootfs") or {},
                history=tuple(image.get("history") or ()),
                created=image.get("created"),
            )
        except (ValueError, AttributeError) as error:
            raise InputError(f"failed to parse image config: {error}") from error

    @classmethod
    def empty(cls, platform: Platform) -> Image:
        """Return the config of an image of nothing, for ``FROM scratch``."""
        config: dict[str, Any] = {"WorkingDir": "/"}
        if platform.os != WINDOWS:
            config["Env"] = [f"PATH={DEFAULT_PATH}"]
        return cls(
            author=None,
            platform={},
            config=config,
            rootfs={"type": "layers", "diff_ids": None},
        ).with_platform(platform)

    @classmethod
    def blank(cls) -> Image:
        """Return the config of a tree that is no image."""
        return cls(author=None, platform={}, config={}, rootfs={})

    @property
    def names_platform(self) -> bool:
        """Whether the image says what it is for."""
        return bool(self.platform.get("os") and self.platform.get("architecture"))

    @property
    def is_windows(self) -> bool:
        """Whether it is for Windows, as it says itself."""
        return bool(self.platform.get("os") == WINDOWS)

    @property
    def is_empty(self) -> bool:
        """Whether the image has no layers, so that it is the empty tree."""
        if self.rootfs.get("diff_ids"):
            return False
        return all(entry.get("empty_layer") for entry in self.history)

    @property
    def for_platform(self) -> Platform:
        """The platform that the image is for, as it says itself."""
        return Platform(
            self.platform.get("os", ""),
            self.platform.get("architecture", ""),
            self.platform.get("variant"),
        )

    @property
    def env(self) -> dict[str, str]:
        """The variables of the config, in order."""
        pairs = [entry.partition("=") for entry in self.config.get("Env") or ()]
        return {key: value for key, _, value in pairs}

    def get(self, key: str) -> Any:
        """Return an entry of the config, or None."""
        return self.config.get(key)

    def with_config(self, key: str, value: Any) -> Image:
        """Return the config with another entry."""
        config = {**self.config, key: value}
        return Image(self.author, self.platform, config, self.rootfs, self.history, self.created)

    def with_platform(self, platform: Platform) -> Image:
        """Return the config for a platform."""
        same = (platform.os, platform.architecture) == (
            self.platform.get("os"),
            self.platform.get("architecture"),
        )
        fields = dict(self.platform) if same else {}
        fields |= {"architecture": platform.architecture, "os": platform.os}
        for key, value in (
            ("os.version", platform.os_version),
            ("os.features", list(platform.os_features)),
            ("variant", platform.variant),
        ):
            if value:
                fields[key] = value
        return evolve(self, platform=fields)

    def normalized(self) -> Image:
        """Return the config with its platform in normal form."""
        platform = self.for_platform.normalize()
        fields = {
            **self.platform,
            "architecture": platform.architecture,
            "os": platform.os,
            "variant": platform.variant,
        }
        return evolve(self, platform=fields)

    def to_json(self) -> bytes:
        """Return the config as Go's encoder writes it."""
        config = {
            key: _ordered(key, self.config[key]) for key in CONFIG_KEYS if self.config.get(key)
        }
        named = {"created": self.created, "author": self.author}
        image: dict[str, Any] = {key: value for key, value in named.items() if value}
        image["architecture"] = self.platform.get("architecture", "")
        image["os"] = self.platform.get("os", "")
        for key in ("os.version", "os.features", "variant"):
            if self.platform.get(key):
                image[key] = self.platform[key]
        image["rootfs"] = {
            "type": self.rootfs.get("type", ""),
            "diff_ids": self.rootfs.get("diff_ids"),
        }
        if self.history:
            image["history"] = [_history(entry) for entry in self.history]
        image["config"] = config
        return _encode(image)


@frozen
class ResolvedImage:
    """An image as a registry has it: its digest and its config in JSON.

    ``ref`` is that of another image which a policy puts in its place.
    """

    digest: str
    config: bytes = field(repr=False)
    ref: str | None = None

    @cached_property
    def image(self) -> Image:
        """The config as a value. Raises InputError."""
        return Image.parse(self.config)

    @property
    def triggers(self) -> tuple[str, ...]:
        """The instructions that ONBUILD left in it."""
        return tuple(self.image.get("OnBuild") or ())


def _history(entry: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("created", "created_by", "author", "comment", "empty_layer")
    return {key: entry[key] for key in keys if entry.get(key)}


def _ordered(key: str, value: Any) -> Any:
    """Return an entry of the config with its own entries in the order of Go's encoder."""
    if key in SETS:
        return {name: value[name] for name in sorted(value, key=encode)}
    if key == "Healthcheck":
        return {name: value[name] for name in _HEALTH_KEYS if value.get(name)}
    return value


def _encode(value: Mapping[str, Any]) -> bytes:
    return shown(gojson.dumps(value), r"\\ufffd").encode()
