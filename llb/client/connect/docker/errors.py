"""Errors of Docker's API: one short line for each, with a hint."""

from __future__ import annotations

import json
from errno import EACCES, ECONNREFUSED, ENOENT, EPERM
from typing import TYPE_CHECKING

from llb.errors import Hint, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.connect.docker.http import Head

_NOT_FOUND = 404
_LIBPOD = "libpod-api-version"
_PLAIN_HTTP = "Client sent an HTTP request to an HTTPS server"
_START = "start Docker, or name its address with DOCKER_HOST or a Docker context"
_GROUP = "add this user to the group docker and log in again, or use rootless Docker"
_CERTIFICATES = (
    "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem, or "
    "use a Docker context with certificates"
)
PODMAN = Hint(
    "connect to a container with BuildKit by podman-container://NAME, or start one with `llb daemon "
    "start`",
    command="connect to a container with BuildKit by --addr podman-container://NAME, or start one "
    "with `llb daemon start`",
)


class AnswerError(TransportError):
    """Docker answered a call with an error; ``status`` is that of HTTP."""

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status

    @property
    def is_missing(self) -> bool:
        """Whether a container, an image or a volume does not exist."""
        return self.status == _NOT_FOUND


class VersionError(TransportError):
    """Docker's API is too old."""


def dial_error(host: str, error: TransportError) -> TransportError:
    """Build the error of a connection to Docker that fails."""
    hint = error.hint
    if error.message.startswith("TLS: "):
        hint = hint or _CERTIFICATES
    match error.__cause__:
        case OSError(errno=code) if code in (ENOENT, ECONNREFUSED):
            hint = hint or _START
        case OSError(errno=code) if code in (EACCES, EPERM):
            hint = hint or _GROUP
    return TransportError(f"{host}: {error.message}", hint=hint)


def version_error(host: str, known: tuple[int, int], oldest: tuple[int, int]) -> VersionError:
    """Build the error for a Docker whose API is too old."""
    return VersionError(
        f"{host}: Docker's API {known[0]}.{known[1]} is too old: expected {oldest[0]}.{oldest[1]} "
        "or later",
        hint="Docker 18.09 is the first that has it",
    )


def answer_error(host: str, head: Head, body: bytes) -> AnswerError:
    """Build the error for an answer that refuses a call."""
    text = _message(body) or f"{head.status} {head.reason}"
    if _PLAIN_HTTP in text:
        return AnswerError(f"{host}: Docker expects TLS", status=head.status, hint=_CERTIFICATES)
    return AnswerError(text, status=head.status)


def no_buildkit(host: str, head: Head, body: bytes, ping: Callable[[], Head]) -> TransportError:
    """Build the error for an API that refuses connections to a BuildKit.

    ``ping`` asks what it is.
    """
    if _PLAIN_HTTP in _message(body):
        return answer_error(host, head, body)
    try:
        is_podman = _LIBPOD in ping().headers
    except VersionError as error:
        return error
    except TransportError:
        is_podman = False
    if is_podman:
        return TransportError(f"{host}: podman has no BuildKit", hint=PODMAN)
    return TransportError(f"{host}: it offers no BuildKit: {head.status} {head.reason}")


def _message(body: bytes) -> str:
    """Find the message in the body of an error, which is JSON or text."""
    text = body.decode(errors="replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = text
    if isinstance(content, dict):
        content = content.get("message") or content.get("cause") or ""
    # A page of a proxy says less than its status.
    return "" if str(content).lstrip().startswith("<") else " ".join(str(content).split())
