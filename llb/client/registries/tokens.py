"""Fetch bearer tokens for registries from their token servers.

With credentials, OAuth2 (POST) is used first; without credentials, or if the server does not
support OAuth2, the older protocol (GET, with basic authentication). The Distribution project
specifies both, as "OAuth2 token authentication" and "token authentication".
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from http import HTTPStatus
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from attrs import field, frozen

from llb._lazy import lazy_imports
from llb.errors import InputError

with lazy_imports(__name__):
    from llb.client.registries import http  # 35 ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from llb.client.registries.http import Request, Response
    from llb.client.registry_auth.docker_config import Login

# The client id of other BuildKit clients.
_CLIENT = "buildkit-client"
# The default lifetime in seconds, if the server does not specify one.
_DEFAULT_LIFETIME = 60
# A daemon waits a minute for a token, and two requests may be needed.
_TIMEOUT_SECONDS = 12.0
# As the Go client since BuildKit v0.34.
_RETRY_SECONDS = (1.0, 2.0, 4.0)
_MAX_BODY = 1024 * 1024
_MAX_MESSAGE = 200
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@frozen
class TokenRequest:
    """A registry's request for a token from ``realm``, a URL, for the service ``service``."""

    host: str
    realm: str
    service: str = ""
    scopes: tuple[str, ...] = ()


@frozen
class Token:
    """A bearer token, its lifetime in seconds, and the Unix time of its issue, 0 if unknown."""

    value: str = field(repr=False)
    expires_in: int = _DEFAULT_LIFETIME
    issued_at: int = 0


def fetch(
    token_request: TokenRequest,
    credentials: Login,
    context: SSLContext | None = None,
    wait: Callable[[float], object] = sleep,
) -> Token:
    """Fetch the token that a registry requires.

    ``context`` selects the token servers to trust, by default those that the system trusts. A
    server that fails (5xx, or a connection that breaks) is asked up to four times; ``wait`` waits
    some seconds in between. Raises InputError if no token can be obtained; its message contains no
    secret.
    """
    _check_realm(token_request.realm)
    if credentials.registry_token:
        return Token(credentials.registry_token)

    def send(request: Request) -> tuple[int, bytes]:
        return _send_with_retries(request, context, token_request, wait)

    first_request = _oauth_request if credentials.secret else _basic_request
    status, body = send(first_request(token_request, credentials))
    if credentials.secret and _lacks_oauth(status, credentials):
        status, body = send(_basic_request(token_request, credentials))
    return _parse_token(token_request, credentials, status, body)


def _lacks_oauth(status: int, credentials: Login) -> bool:
    """Check whether this response to a POST means that the server does not support OAuth2."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return bool(credentials.username)
    return status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED)


def _oauth_request(token_request: TokenRequest, credentials: Login) -> Request:
    form = {"scope": " ".join(token_request.scopes)} if token_request.scopes else {}
    form |= {"service": token_request.service, "client_id": _CLIENT}
    if credentials.username:
        form |= {"grant_type": "password", "username": credentials.username}
        form |= {"password": credentials.secret}
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": credentials.secret}
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    return http.Request("POST", token_request.realm, headers, urlencode(form).encode())


def _basic_request(token_request: TokenRequest, credentials: Login) -> Request:
    url = urlsplit(token_request.realm)
    query = parse_qsl(url.query, keep_blank_values=True)
    query += [("service", token_request.service)] if token_request.service else []
    query += [("scope", scope) for scope in token_request.scopes]
    basic = (("Authorization", f"Basic {_encode_basic(credentials)}"),)
    return http.Request(
        "GET", url._replace(query=urlencode(query)).geturl(), basic if credentials.secret else ()
    )


def _encode_basic(credentials: Login) -> str:
    return base64.b64encode(f"{credentials.username}:{credentials.secret}".encode()).decode()


def _check_realm(realm: str) -> None:
    """Refuse everything but HTTP URLs, because a daemon could name local files."""
    try:
        url = urlsplit(realm)
        host = url.hostname
    except ValueError as error:
        raise InputError(f"the token server {realm!r} is not a URL") from error
    if url.scheme not in ("http", "https") or not host:
        raise InputError(f"the token server {realm!r} is not an HTTP URL")


def _send_with_retries(
    request: Request,
    context: SSLContext | None,
    token_request: TokenRequest,
    wait: Callable[[float], object],
) -> tuple[int, bytes]:
    """Send a request, again if the server fails; return status and body of the last response."""
    for delay in _RETRY_SECONDS:
        try:
            status, body = _send(request, context, token_request)
        except InputError as error:
            if not isinstance(error.__cause__, http.BROKEN):
                raise
        else:
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, body
        wait(delay)
    return _send(request, context, token_request)


def _send(
    request: Request, context: SSLContext | None, token_request: TokenRequest
) -> tuple[int, bytes]:
    """Send a request, and return status and body of the response."""
    server = _server_name(token_request)
    try:
        with http.HTTP(_TIMEOUT_SECONDS) as client, client.send(request, context) as response:
            return response.status, _read_body(response)
    except TimeoutError as error:
        raise InputError(
            f"{server} does not answer within {_TIMEOUT_SECONDS:.0f} seconds"
        ) from error
    except http.FAILURES as error:
        raise InputError(f"{server} failed to answer: {_one_line(str(error))}") from error


def _read_body(response: Response) -> bytes:
    """Read the body within the time limit; raises TimeoutError and ValueError."""
    deadline = monotonic() + _TIMEOUT_SECONDS
    body = b""
    for piece in response.pieces():
        body += piece
        if len(body) > _MAX_BODY:
            raise ValueError(f"its response exceeds {_MAX_BODY} bytes")
        if monotonic() > deadline:
            raise TimeoutError
    return body


def _parse_token(
    token_request: TokenRequest, credentials: Login, status: int, body: bytes
) -> Token:
    """Parse the token in a response; raises InputError for a response without one."""
    server = _server_name(token_request)
    content = _parse_json(body)
    if not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
        message = _error_message(content, credentials)
        if status not in _REFUSED:
            raise InputError(f"{server} answers with status {status}{message}")
        if credentials.secret:
            raise InputError(f"{server} refuses the credentials of {token_request.host}{message}")
        raise InputError(
            f"{server} requires credentials for {token_request.host}, and there are none{message}"
        )
    # Both protocols use either name.
    value = content.get("access_token") or content.get("token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise InputError(f"{server} answered without a token")
    return Token(
        value,
        _parse_lifetime(content.get("expires_in")),
        _parse_issued_at(content.get("issued_at")),
    )


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    # A hostile server may nest the JSON deeply.
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _error_message(content: dict[str, Any], credentials: Login) -> str:
    """Extract the message of an error in the format of OAuth2 or of registries."""
    match content:
        case {"errors": [{"message": str(message)}, *_]}:
            pass
        case (
            {"error_description": str(message)}
            | {"details": str(message)}
            | {"error": str(message)}
        ):
            pass
        case _:
            return ""
    message = _one_line(message)
    for secret in (credentials.secret, quote_plus(credentials.secret), _encode_basic(credentials)):
        message = message.replace(secret or "\0", "***")
    return f": {message[:_MAX_MESSAGE]}"


def _parse_lifetime(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 2**31 else _DEFAULT_LIFETIME


def _parse_issued_at(value: Any) -> int:
    """Parse an RFC 3339 time as Unix seconds, 0 if invalid."""
    try:
        return max(0, int(datetime.fromisoformat(value).timestamp()))
    except (TypeError, ValueError, OverflowError):
        return 0


def _server_name(token_request: TokenRequest) -> str:
    """Describe the server in errors, without the secrets that its URL may contain."""
    url = urlsplit(token_request.realm)
    host = url.netloc.rpartition("@")[2]
    return f"the token server {url.scheme}://{host}{url.path}"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
