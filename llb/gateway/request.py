"""The request that a daemon passes to a frontend: options, session ID and worker platforms.

It arrives in environment variables (BuildKit ``frontend/gateway``): options as
``BUILDKIT_FRONTEND_OPT_<n>=key=value`` in any order, the session ID in
``BUILDKIT_SESSION_ID``, the workers as JSON in ``BUILDKIT_WORKERS``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb.arguments.checked import checked, checked_raw_init
from llb.errors import InvalidValueError, TransportError
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTION = "BUILDKIT_FRONTEND_OPT_"


@checked_raw_init
@frozen
class Request:
    """A build that a client requests of a frontend.

    ``options`` are the frontend attributes of the client. ``platforms`` are those of the first
    worker, the daemon's own platform first.
    """

    options: Mapping[str, str] = field(factory=dict)
    session_id: str = ""
    platforms: tuple[Platform, ...] = ()

    @classmethod
    @checked
    def from_environ(cls, environ: Mapping[str, str]) -> Request:
        """Parse the request in environment variables.

        Raises TransportError if the process was not started by a daemon.
        """
        if "BUILDKIT_SESSION_ID" not in environ:
            raise TransportError(
                "this is a BuildKit frontend, which a daemon starts",
                hint="name its image in a '# syntax=' line, or build with the frontend gateway.v0",
            )
        options = {}
        for key in sorted(environ):
            if key.startswith(_OPTION):
                name, _, value = environ[key].partition("=")
                options[name] = value
        return cls(
            options=options,
            session_id=environ["BUILDKIT_SESSION_ID"],
            platforms=_platforms(environ.get("BUILDKIT_WORKERS", "[]")),
        )

    @checked
    def prefixed(self, prefix: str) -> dict[str, str]:
        """Select the options whose names start with ``prefix``, and strip it from the names."""
        return {
            key.removeprefix(prefix): value
            for key, value in self.options.items()
            if key.startswith(prefix)
        }

    @checked
    def flag(self, name: str) -> bool | None:
        """Parse a boolean option like Go's ParseBool; None if it is absent.

        Raises InvalidValueError.
        """
        value = self.options.get(name)
        if value is None:
            return None
        if value in ("1", "t", "T", "true", "TRUE", "True"):
            return True
        if value in ("0", "f", "F", "false", "FALSE", "False"):
            return False
        raise InvalidValueError(f"invalid value {value!r} of option {name}: expected true or false")


def _platforms(encoded_workers: str) -> tuple[Platform, ...]:
    workers = json.loads(encoded_workers)
    platforms = _get(workers[0], "platforms") if workers else None
    return tuple(
        Platform(
            os=_get(platform, "os") or "",
            architecture=_get(platform, "architecture") or "",
            variant=_get(platform, "variant") or None,
            os_version=_get(platform, "osversion") or _get(platform, "os.version") or None,
            os_features=tuple(_get(platform, "osfeatures") or _get(platform, "os.features") or ()),
        ).normalize()
        for platform in platforms or ()
    )


def _get(record: Mapping[str, Any], name: str) -> Any:
    """Look up a field in any case: versions of BuildKit differ in it."""
    return next((value for key, value in record.items() if key.lower() == name), None)
