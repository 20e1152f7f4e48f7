"""The configuration of an image: what a container started from it does by itself.

The names and the JSON are those of the OCI image specification (config.md).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from llb.platforms import Platform

_PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?\Z")


@frozen
class ImageConfig:
    """What is in an image's config besides environment, directory and user.

    Those three belong to the state that carries this value, because steps use
    them too.
    """

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None

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

    def to_json(
        self, *, platform: Platform, env: tuple[tuple[str, str], ...], workdir: str, user: str
    ) -> bytes:
        """Return the config as JSON without layers and history, which the exporter adds."""
        config: dict[str, Any] = {
            "User": user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": [f"{key}={value}" for key, value in env],
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "Volumes": {volume: {} for volume in self.volumes},
            "WorkingDir": workdir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
        }
        image: dict[str, Any] = {
            "architecture": platform.architecture,
            "os": platform.os,
            "variant": platform.variant,
            "os.version": platform.os_version,
            "os.features": platform.os_features,
            "config": {key: value for key, value in config.items() if value},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        kept = {key: value for key, value in image.items() if value or key == "config"}
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()
