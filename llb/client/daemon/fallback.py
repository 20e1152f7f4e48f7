"""The last places where a daemon is looked for: the private daemon, then the BuildKit of Docker."""

from __future__ import annotations

from llb._logs import logger
from llb.client.connect.address import DOCKER
from llb.client.connect.docker.contexts import find_endpoint
from llb.client.connect.docker.engine import Docker
from llb.client.daemon import private
from llb.errors import ConnectError, LLBError

_log = logger(__name__)


def address() -> str:
    """Start the private daemon, or find Docker if its programs are not installed.

    Docker is found as its CLI finds it. Raises ConnectError if there is neither, and if the private
    daemon is installed but does not start.
    """
    try:
        return private.start()
    except private.MissingProgramError as error:
        reason = _why_not_docker()
        if reason is None:
            _log.info("using the BuildKit of Docker, because there is no other")
            return DOCKER
        raise ConnectError(
            f"{error.message}; Docker offers none either: {reason}", hint=error.hint
        ) from error


def _why_not_docker() -> str | None:
    """Check whether Docker offers a BuildKit; the reason if not."""
    try:
        Docker(find_endpoint(DOCKER)).connect().close()
    except LLBError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)
    return None
