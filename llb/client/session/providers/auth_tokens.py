"""Bearer tokens of registries, fetched at the token server that a registry names.

With credentials they come by OAuth2 (POST), or, where a server does not have that, as without
credentials by what was there before (GET, with basic authentication). Both are specified by
the Distribution project, as "OAuth2 token authentication" and "token authentication".
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from attrs import field, frozen

from llb.errors import InputError

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from ssl import SSLContext
    from urllib.request import OpenerDirector, Request

    from llb.client.registry_auth.docker_config import Credentials

# The name that other clients of BuildKit have.
_CLIENT = "buildkit-client"
# What a server means that says nothing of it, in seconds.
_EXPIRES = 60
# A daemon waits a minute for a token, and two requests may be needed.
_SECONDS = 12.0
_CHUNK = 64 * 1024
_MAX_ANSWER = 1024 * 1024
_MAX_WORDS = 200
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@frozen
class TokenRequest:
    """What the registry ``host`` asks for: a token from ``realm`` (a URL) for its ``service``."""

    host: str
    realm: str
    service: str = ""
    scopes: tuple[str, ...] = ()


@frozen
class Token:
    """A bearer token, the seconds it is good for, and the Unix time it is from, 0 if unknown."""

    value: str = field(repr=False)
    expires_in: int = _EXPIRES
    issued_at: int = 0


def fetch(
    asked: TokenRequest, credentials: Credentials, context: SSLContext | None = None
) -> Token:
    """Return the token that a registry asks for.

    ``context`` says which token servers are trusted, by itself those that the system trusts.
    Raises InputError where there is none to have; what it says holds no secret.
    """
    opener = _opener(asked.realm, context)
    if credentials.registry_token:
        return Token(credentials.registry_token)
    if not credentials.secret:
        return _token(asked, credentials, *_answer(opener, _plain(asked, credentials), asked))
    status, body = _answer(opener, _oauth(asked, credentials), asked)
    if _lacks_oauth(status, credentials):
        status, body = _answer(opener, _plain(asked, credentials), asked)
    return _token(asked, credentials, status, body)


def _lacks_oauth(status: int, credentials: Credentials) -> bool:
    """Return whether this answer to a POST is one of servers that do not know it."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return bool(credentials.username)
    return status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED)


def _oauth(asked: TokenRequest, credentials: Credentials) -> Request:
    from urllib.request import Request  # noqa: PLC0415 - see _opener

    form = {"scope": " ".join(asked.scopes)} if asked.scopes else {}
    form |= {"service": asked.service, "client_id": _CLIENT}
    if credentials.username:
        form |= {"grant_type": "password", "username": credentials.username}
        form |= {"password": credentials.secret}
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": credentials.secret}
    return Request(asked.realm, urlencode(form).encode())  # noqa: S310 - _opener looked at it


def _plain(asked: TokenRequest, credentials: Credentials) -> Request:
    from urllib.request import Request  # noqa: PLC0415 - see _opener

    url = urlsplit(asked.realm)
    query = parse_qsl(url.query, keep_blank_values=True)
    query += [("service", asked.service)] if asked.service else []
    query += [("scope", scope) for scope in asked.scopes]
    request = Request(url._replace(query=urlencode(query)).geturl())  # noqa: S310 - likewise
    if credentials.secret:
        # It is for this server, and not for one that it names instead.
        request.add_unredirected_header("Authorization", f"Basic {_pair(credentials)}")
    return request


def _pair(credentials: Credentials) -> str:
    return base64.b64encode(f"{credentials.username}:{credentials.secret}".encode()).decode()


def _opener(realm: str, context: SSLContext | None) -> OpenerDirector:
    """Return what opens URLs of HTTP, and none of files, as a daemon may name any."""
    # It takes 5 ms to import, and most builds need no token.
    from urllib import request  # noqa: PLC0415

    try:
        url = urlsplit(realm)
        host = url.hostname
    except ValueError as error:
        raise InputError(f"the token server {realm!r} is no URL") from error
    if url.scheme not in ("http", "https") or not host:
        raise InputError(f"the token server {realm!r} is no URL of HTTP")
    opener = request.OpenerDirector()
    opener.addheaders = [("User-Agent", "pyllb")]
    for handler in (
        request.ProxyHandler({} if _is_loopback(host) else None),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(context=context),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _answer(opener: OpenerDirector, request: Request, asked: TokenRequest) -> tuple[int, bytes]:
    """Return status and body of what a server answers."""
    from http.client import HTTPException  # noqa: PLC0415 - see _opener
    from urllib.error import HTTPError  # noqa: PLC0415 - see _opener

    server = _name(asked)
    try:
        try:
            response = opener.open(request, timeout=_SECONDS)
        except HTTPError as error:
            response = error
        with response:
            return response.status, _body(response)
    except TimeoutError as error:
        raise _silent(server) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise _silent(server) from error
        raise InputError(f"{server} cannot be asked: {_one_line(str(reason))}") from error


def _body(response: HTTPResponse) -> bytes:
    """Return what follows, as far as it comes in time; raises TimeoutError and ValueError."""
    deadline = monotonic() + _SECONDS
    body = b""
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > _MAX_ANSWER:
            raise ValueError(f"its answer has more than {_MAX_ANSWER} bytes")
        if monotonic() > deadline:
            raise TimeoutError
    return body


def _token(asked: TokenRequest, credentials: Credentials, status: int, body: bytes) -> Token:
    """Return the token in an answer; raises InputError for an answer without one."""
    server = _name(asked)
    said = _json(body)
    if not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
        words = _words(said, credentials)
        if status not in _REFUSED:
            raise InputError(f"{server} answers with status {status}{words}")
        if credentials.secret:
            raise InputError(f"{server} refuses the credentials of {asked.host}{words}")
        raise InputError(f"{server} wants credentials for {asked.host}, and there are none{words}")
    # Servers of both kinds give it the one name or the other.
    value = said.get("access_token") or said.get("token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise InputError(f"{server} answers with no token")
    return Token(value, _seconds(said.get("expires_in")), _moment(said.get("issued_at")))


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    # A hostile server may nest it as deep as it likes.
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _words(said: dict[str, Any], credentials: Credentials) -> str:
    """Return what a server says of an error, where it says it as OAuth2 or registries do."""
    match said:
        case {"errors": [{"message": str(words)}, *_]}:
            pass
        case {"error_description": str(words)} | {"details": str(words)} | {"error": str(words)}:
            pass
        case _:
            return ""
    words = _one_line(words)
    for secret in (credentials.secret, quote_plus(credentials.secret), _pair(credentials)):
        words = words.replace(secret or "\0", "***")
    return f": {words[:_MAX_WORDS]}"


def _seconds(said: Any) -> int:
    return said if isinstance(said, int) and 0 < said < 2**31 else _EXPIRES


def _moment(said: Any) -> int:
    """Return a time as in RFC 3339 as seconds, 0 where it is none."""
    try:
        return max(0, int(datetime.fromisoformat(said).timestamp()))
    except (TypeError, ValueError, OverflowError):
        return 0


def _silent(server: str) -> InputError:
    return InputError(f"{server} does not answer within {_SECONDS:.0f} seconds")


def _name(asked: TokenRequest) -> str:
    """Return how errors speak of the server: without what its URL may hold that is secret."""
    url = urlsplit(asked.realm)
    host = url.netloc.rpartition("@")[2]
    return f"the token server {url.scheme}://{host}{url.path}"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine, which no proxy reaches."""
    return host == "localhost" or host.startswith("127.") or host == "::1"
