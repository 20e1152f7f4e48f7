"""The config of an image while instructions change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.dockerfile.sources.image import SETS, Image

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_COMMENT = "buildkit.dockerfile.v0"


class Draft:
    """An image config that is changed in place; the one that it began with stays as it was.

    A value that is made anew would cost each of thousands of instructions a copy of all that
    those before it have set.
    """

    def __init__(self, image: Image) -> None:
        self.author = image.author
        self.is_windows = image.is_windows
        self._begin = image
        self._history = list(image.history)
        self._config = dict(image.config)
        for key in SETS:
            if key in self._config:
                self._config[key] = dict(self._config[key] or {})
        self._env: list[str] = list(image.get("Env") or ())
        self._places: dict[str, int] = {}
        for place, entry in enumerate(self._env):
            self._places.setdefault(entry.partition("=")[0], place)

    def get(self, key: str) -> Any:
        """Return an entry of the config other than its variables, or None."""
        return self._config.get(key)

    def set(self, key: str, value: object) -> None:
        """Set an entry of the config."""
        self._config[key] = value

    def add(self, key: str, entries: Mapping[str, object]) -> None:
        """Add to an entry that has entries of its own."""
        known = self._config.get(key)
        if known is None:
            known = self._config[key] = {}
        known.update(entries)

    def set_variable(self, key: str, value: str) -> None:
        """Set a variable, in the place where it was."""
        entry = f"{key}={value}"
        place = self._place(key)
        if place is None:
            self._places.setdefault(entry.partition("=")[0], len(self._env))
            self._env.append(entry)
        else:
            self._env[place] = entry

    def add_history(self, created_by: str, *, layer: bool, created: datetime | None) -> None:
        """Add a step to the history."""
        entry: dict[str, Any] = {"created_by": created_by, "comment": _COMMENT}
        if created is not None:
            entry["created"] = created.isoformat().replace("+00:00", "Z")
        if not layer:
            entry["empty_layer"] = True
        self._history.append(entry)

    def finish(self) -> Image:
        """Return the config; nothing is added to the draft afterwards."""
        begin, config = self._begin, self._config
        if self._env:
            config["Env"] = self._env
        return Image(self.author, begin.platform, config, begin.rootfs, tuple(self._history))

    def _place(self, key: str) -> int | None:
        if "=" not in key:
            return self._places.get(key)
        # What expansion makes a name of may have the sign in it, and then stands for the
        # beginning of any entry.
        begin = f"{key}="
        places = (n for n, each in enumerate(self._env) if each.startswith(begin) or each == key)
        return next(places, None)
