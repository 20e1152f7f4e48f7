"""Check before a build that the daemon is new enough for its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import caps
from llb.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Collection

    from llb.client.connect.control import Control

_NO_VERSION = "v0.10.0"


class DaemonCapabilities:
    """What a daemon offers, by its version, which is queried once."""

    def __init__(self) -> None:
        self._version: str | None = None

    def check(
        self, control: Control, required: Collection[str], timeout: float | None = None
    ) -> None:
        """Raise CapabilityError if the daemon is too old for a required capability.

        ``timeout`` is for the question about its version, in seconds.
        """
        if not required:
            return
        offered = self._offered(control, timeout)
        if offered is not None:
            daemon = f"BuildKit {self._version}" if self._version else "a BuildKit before v0.11"
            caps.require(required, offered, daemon)

    def offers(self, control: Control, capability: str, timeout: float | None = None) -> bool:
        """Check whether the daemon has a capability; a daemon that is no release has all."""
        offered = self._offered(control, timeout)
        return offered is None or capability in offered

    def _offered(self, control: Control, timeout: float | None) -> frozenset[str] | None:
        """Look up the capabilities of the daemon's version; None if it is no release."""
        if self._version is None:
            try:
                self._version = control.info(timeout).version
            except RemoteError:
                self._version = ""
        # A daemon that does not report its version is older than the first release that does.
        return caps.of_version(self._version or _NO_VERSION)
