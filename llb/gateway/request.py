"""What a daemon tells a frontend when it starts it: options, session and workers.

It comes in environment variables (BuildKit ``frontend/gateway``): options as
``BUILDKIT_FRONTEND_OPT_<n>=key=value`` in no particular order, the session in
``BUILDKIT_SESSION_ID``, the workers as JSON in ``BUILDKIT_WORKERS``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb.errors import InvalidValueError, TransportError
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTION = "BUILDKIT_FRONTEND_OPT_"


@frozen
class Request:
    """A build that a frontend is asked for.

    ``options`` are the frontend attributes of the client, ``platforms`` those of
    the first worker, the daemon's own platform first.
    """

    options: Mapping[str, str] = field(factory=dict)
    session_id: str = ""
    platforms: tuple[Platform, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Request:
        """Return the request that the environment describes.

        Raises TransportError where a daemon did not start this process.
        """
        if "BUILDKIT_SESSION_ID" not in environ:
            raise TransportError(
                "this is a BuildKit frontend, which a daemon starts",
                hint="name its image in a '# syntax=' line, or build with --frontend gateway.v0",
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

    def prefixed(self, prefix: str) -> dict[str, str]:
        """Return the options whose names begin with ``prefix``, by the rest of their names."""
        return {
            key.removeprefix(prefix): value
            for key, value in self.options.items()
            if key.startswith(prefix)
        }

    def flag(self, name: str) -> bool | None:
        """Return a boolean option as Go's ParseBool reads it, or None where it is absent.

        Raises InvalidValueError.
        """
        text = self.options.get(name)
        if text is None:
            return None
        if text in ("1", "t", "T", "true", "TRUE", "True"):
            return True
        if text in ("0", "f", "F", "false", "FALSE", "False"):
            return False
        raise InvalidValueError(f"invalid value {text!r} of option {name}: expected true or false")


def _platforms(text: str) -> tuple[Platform, ...]:
    workers = json.loads(text)
    found = _get(workers[0], "platforms") if workers else None
    return tuple(
        Platform(
            os=_get(each, "os") or "",
            architecture=_get(each, "architecture") or "",
            variant=_get(each, "variant") or None,
            os_version=_get(each, "osversion") or _get(each, "os.version") or None,
            os_features=tuple(_get(each, "osfeatures") or _get(each, "os.features") or ()),
        ).normalize()
        for each in found or ()
    )


def _get(record: Mapping[str, Any], name: str) -> Any:
    """Return a field whatever its case, because versions of BuildKit differ in it."""
    return next((value for key, value in record.items() if key.lower() == name), None)
