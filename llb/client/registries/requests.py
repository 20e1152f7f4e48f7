"""Requests to registries: where these are, the credentials that they ask for, and their errors.

The paths and error codes are those of the OCI distribution specification.
"""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from time import sleep
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.registries import http
from llb.client.registries.authorization import Authorizer
from llb.client.registry_auth.docker_config import registry_host
from llb.errors import Hint, InvalidValueError, RegistryError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.reference import Reference

_SECONDS = 30.0
_HUB, _HUB_SERVER = "docker.io", "registry-1.docker.io"
_MAX_ERROR = 64 * 1024
_MAX_MESSAGE = 300
_RETRIED = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_RETRY_SECONDS = (1.0, 2.0, 4.0)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@frozen
class Call:
    """A request to a registry about a ``subject`` of a repository, with the scopes that it needs.

    ``path`` is a path of the registry or a URL. ``reference`` is a tag or a digest.
    """

    method: str
    repository: Reference
    path: str
    subject: str
    reference: str | None = None
    scopes: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[bytes] = b""
    length: int | None = None

    @property
    def host(self) -> str:
        """The host of the registry."""
        return registry_host(self.repository.domain)

    @property
    def where(self) -> str:
        """The repository with the tag or digest, as people write it."""
        name = self.repository.familiar_name
        if self.reference is None:
            return name
        return f"{name}{'@' if ':' in self.reference else ':'}{self.reference}"


def invalid(call: Call, reason: str) -> RegistryError:
    """Build the error for an answer that is not what it should be."""
    return RegistryError(
        f"{call.where}: invalid {call.subject}: {reason}",
        registry=call.host,
        repository=call.repository.path,
        reference=call.reference,
    )


@contextmanager
def valid(call: Call) -> Iterator[None]:
    """Raise RegistryError for an InvalidValueError in the block, which reads an answer."""
    try:
        yield
    except InvalidValueError as error:
        raise invalid(call, error.message) from error


class Requests:
    """Sends the requests of a client; several threads may share it.

    ``tls`` has certificates for registries and their token servers, ``plain_http`` the hosts that are
    reached without TLS, in addition to this machine. Raises InputError for unusable certificates.
    """

    def __init__(
        self,
        credentials: BuildCredentials,
        tls: Iterable[AuthTLS],
        plain_http: Iterable[str],
        wait: Callable[[float], object] = sleep,
    ) -> None:
        self._contexts = {registry_host(options.host): options.context() for options in tls}
        self._plain = frozenset(map(registry_host, plain_http))
        self._http = http.HTTP(_SECONDS)
        self._authorizer = Authorizer(credentials, self._contexts)
        self._wait = wait

    def send(self, call: Call) -> http.Response:
        """Send a request with the credentials that the registry asks for, and return the answer.

        A registry that fails for a moment is asked again. Raises TransportError and InputError, but
        no error for a status.
        """
        for delay in _RETRY_SECONDS:
            response = self._authorized(call)
            if response.status not in _RETRIED or not isinstance(call.body, bytes):
                return response
            response.close()
            self._wait(delay)
        return self._authorized(call)

    def refuse(self, call: Call, response: http.Response) -> RegistryError:
        """Build the error for an answer with a status that is an error; closes the answer."""
        code, message = _read_error(response)
        where = call.where
        status = response.status
        hint = None
        if status in _REFUSED:
            login = self._authorizer.login(call.host)
            has_login = bool(login.secret or login.registry_token)
            what = f"{call.host} refuses the credentials"
            if not has_login:
                what = f"{call.host} requires credentials, and there are none"
                hint = f"docker login {call.host}"
        elif status == HTTPStatus.NOT_FOUND:
            what = f"{call.host} has no such {call.subject}"
        else:
            what = f"{call.host} answers {call.method} of the {call.subject} with status {status}"
        details = ": ".join(part for part in (code, message) if part)
        return RegistryError(
            f"{where}: {what}{f' ({details})' if details else ''}",
            registry=call.host,
            repository=call.repository.path,
            reference=call.reference,
            status=status,
            code=code,
            hint=hint,
        )

    def close(self) -> None:
        """Close the connections; the next request opens another one."""
        self._http.close()

    def url(self, host: str, path: str) -> str:
        """Build the URL of a path of a registry."""
        return f"{self._scheme(host)}://{_HUB_SERVER if host == _HUB else host}{path}"

    def _authorized(self, call: Call) -> http.Response:
        header = self._authorizer.header(call.host, call.scopes)
        response = self._request(call, header)
        # Only the registry itself may ask for its credentials, and not a server of its storage.
        is_challenge = http.origin(response.url) == http.origin(self.url(call.host, "/"))
        is_refused = response.status == HTTPStatus.UNAUTHORIZED
        if not (is_refused and is_challenge and isinstance(call.body, bytes)):
            return response
        try:
            header = self._authorizer.answer(
                call.host, response.headers("WWW-Authenticate"), call.scopes
            )
        except BaseException:
            response.close()
            raise
        if header is None:
            return response
        response.close()
        return self._request(call, header)

    def _request(self, call: Call, authorization: str | None) -> http.Response:
        url = self.url(call.host, call.path) if call.path.startswith("/") else call.path
        headers = call.headers
        # The credentials are those of the registry, which may keep its uploads elsewhere.
        if authorization is not None and http.origin(url) == http.origin(self.url(call.host, "/")):
            headers = (*headers, ("Authorization", authorization))
        request = http.Request(call.method, url, headers, call.body, call.length)
        try:
            return self._http.send(request, self._contexts.get(call.host))
        except TimeoutError as error:
            raise TransportError(
                f"{call.where}: {call.host} does not answer within {_SECONDS:.0f} seconds"
            ) from error
        except http.FAILURES as error:
            raise self._transport_error(call, error) from error

    def _transport_error(self, call: Call, error: Exception) -> TransportError:
        hint = None
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"invalid certificate: {error.verify_message.rstrip('.')}"
        elif isinstance(error, ssl.SSLError):
            reason = "it does not speak TLS"
            hint = Hint(
                f"pass plain_http=[{call.host!r}] if it has no TLS",
                command=f"pass --plain-http {call.host} if it has no TLS",
            )
        else:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return TransportError(f"{call.where}: cannot reach {call.host}: {reason}", hint=hint)

    def _scheme(self, host: str) -> str:
        if host in self._plain:
            return "http"
        if host in self._contexts:
            return "https"
        name, _, port = (
            host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
        )
        return "http" if http.is_loopback(name.strip("[]")) and port != "443" else "https"


def _read_error(response: http.Response) -> tuple[str, str]:
    """Read the code and the message of an error, as far as the registry tells them."""
    try:
        with response:
            body = response.read(_MAX_ERROR)
    except http.FAILURES:
        return "", ""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        # A server that is no registry may answer with a line of text.
        text = body.decode("utf-8", "replace")
        return "", "" if "<" in text else _one_line(text)
    match content:
        case {"errors": [{"code": str(code), **others}, *_]}:
            return _one_line(code), _one_line(str(others.get("message") or ""))
        case {"message": str(message)} | {"detail": str(message)} | {"error": str(message)}:
            return "", _one_line(message)
        case _:
            return "", ""


def _one_line(text: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown[:_MAX_MESSAGE]
