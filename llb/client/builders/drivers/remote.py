"""The driver ``remote``: a BuildKit at an address, which others start and stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llb.client.connect.control import Control
from llb.client.connect.routes import to_route
from llb.client.connect.tls import TLS
from llb.client.key_values import check_names, parse_flag
from llb.errors import ConnectError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.client.builders.instance import BuilderNode, NodeStatus
    from llb.client.connect.routes import Route
    from llb.client.progress.events import Event

_FILES = ("cacert", "cert", "key")
_OPTIONS = (*_FILES, "servername", "default-load")
# The schemes of buildx, of which `podman-container` and others are not.
_SCHEMES = ("docker-container", "kube-pod", "npipe", "ssh", "tcp", "unix")
_PING_SECONDS = 10.0


class RemoteDriver:
    """A BuildKit at an address, with the files of TLS in the options of the driver."""

    def __init__(self, node: BuilderNode) -> None:
        scheme = node.endpoint.partition("://")[0]
        if "://" not in node.endpoint or scheme not in _SCHEMES:
            raise InvalidValueError(
                f"invalid endpoint {node.endpoint!r} for the driver remote: expected an address such "
                "as tcp://HOST:PORT or unix:///PATH"
            )
        if node.files or node.buildkitd_flags:
            raise InvalidValueError(
                "the driver remote takes no configuration and no flags for buildkitd",
                hint="configure the daemon where it is started",
            )
        check_names(node.driver_opts, _OPTIONS, "the driver remote")
        self.has_default_load = parse_flag(
            node.driver_opts.get("default-load", "false"), "default-load"
        )
        self._address = node.endpoint
        self._tls = _to_tls(node.endpoint, node.driver_opts)

    def route(self) -> Route:
        """Choose the route to the address."""
        return to_route(self._address, self._tls)

    def status(self) -> NodeStatus:
        """Look whether a daemon answers."""
        control = None
        try:
            control = Control(self.route())
            control.ping(_PING_SECONDS)
        except ConnectError:
            return "inactive"
        finally:
            if control is not None:
                control.close()
        return "running"

    def start(self, on_event: Callable[[Event], None] | None) -> None:
        """Do nothing: the daemon is started by others."""

    def stop(self) -> None:
        """Do nothing."""

    def remove(self, *, keep_state: bool) -> None:
        """Do nothing."""


def _to_tls(endpoint: str, options: Mapping[str, str]) -> TLS | None:
    files = {name: Path(options[name]) for name in _FILES if name in options}
    server_name = options.get("servername")
    if not files and server_name is None:
        return None
    for name, path in files.items():
        # Builds start in other directories than the one in which the builder was created.
        if not path.is_absolute():
            raise InvalidValueError(f"invalid {name}={path}: expected an absolute path")
    needed = {"cacert", *(("cert", "key") if "cert" in files or "key" in files else ())}
    if missing := sorted(needed - files.keys()):
        raise InvalidValueError(f"TLS to {endpoint} needs the options {', '.join(missing)}, too")
    ca, cert, key = (files.get(name) for name in _FILES)
    return TLS(ca, cert, key, server_name or urlsplit(endpoint).hostname)
