"""HTTP/1.1 requests to registries and to their token servers.

A connection is kept for the next request to its server. Requests go through the proxies that the
environment names, except those to this machine. ``http.client`` speaks the protocol (ADR 25).
"""

from __future__ import annotations

import base64
import http.client
import selectors
import threading
import urllib.request
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urljoin, urlsplit

from attrs import evolve, field, frozen

from llb.client.registry_auth.pem import client_context
from llb.grpc import forks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ssl import SSLContext
    from urllib.parse import SplitResult

FAILURES = (OSError, http.client.HTTPException, ValueError)
"""What requests raise: no connection, a violated protocol, or an invalid URL or header."""

_CHUNK = 64 * 1024
_ENDED_EARLY = "its response ended early"
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_FOLLOWED = ("GET", "HEAD")
_SCHEMES = ("http", "https")
# A connection that breaks; http.client.RemoteDisconnected is a ConnectionResetError.
BROKEN = (ConnectionResetError, BrokenPipeError)


@frozen
class Request:
    """A request; ``body`` is sent with its length, which an iterable cannot know by itself."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | Iterable[bytes] = field(default=b"", repr=False)
    length: int | None = None

    @property
    def size(self) -> int:
        """The length of the body in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else self.length or 0

    def redirected(self, location: str) -> Request:
        """Build the request to a location, without the credentials if it is another server.

        Raises ValueError for a location that is not an HTTP URL.
        """
        url = urljoin(self.url, location)
        if urlsplit(url).scheme not in _SCHEMES:
            raise ValueError(f"it redirects to {url}, which is not an HTTP URL")
        if origin(url) == origin(self.url):
            return evolve(self, url=url)
        kept = tuple(pair for pair in self.headers if pair[0].lower() != "authorization")
        return evolve(self, url=url, headers=kept)


class Response:
    """The answer to a request, whose body is read from the connection. Use it in a ``with`` block.

    A connection whose body was read to its end is kept for other requests.
    """

    def __init__(
        self,
        response: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        url: str,
        keeper: HTTP | None,
    ) -> None:
        self.status = response.status
        self.url = url
        self._response = response
        self._connection = connection
        self._keeper = keeper
        self._is_complete = response.length == 0
        self._is_closed = False

    def __enter__(self) -> Self:
        """Enter a block that ends with :meth:`close`."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the answer."""
        self.close()

    def header(self, name: str) -> str | None:
        """Look up a header, whose name has any case."""
        return self._response.headers.get(name)

    def headers(self, name: str) -> list[str]:
        """List all headers of a name."""
        return self._response.headers.get_all(name, [])

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives. Raises one of :data:`FAILURES` if it ends early."""
        try:
            while piece := self._response.read1(_CHUNK):
                yield piece
        except http.client.IncompleteRead as error:
            raise http.client.HTTPException(_ENDED_EARLY) from error
        # Python reports only bodies in chunks that end early.
        if self._response.length:
            raise http.client.HTTPException(_ENDED_EARLY)
        self._is_complete = True

    def read(self, limit: int) -> bytes:
        """Read the whole body. Raises ValueError if it has more bytes than the limit."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > limit:
                raise ValueError(f"its response exceeds {limit} bytes")
        return bytes(body)

    def close(self) -> None:
        """Keep the connection for another request, or close it; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._response.close()
        if self._keeper is not None and self._is_complete and not self._response.will_close:
            self._keeper.put_back(self._connection, self.url)
        else:
            self._connection.close()


class HTTP:
    """A client that keeps its connections; several threads may use it.

    ``seconds`` limits each wait for a server. Requests raise one of :data:`FAILURES`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}
        self._default_context: SSLContext | None = None
        forks.register(self)

    def __enter__(self) -> Self:
        """Enter a block that ends with :meth:`close`."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    def send(self, request: Request, context: SSLContext | None = None) -> Response:
        """Send a request and return the answer, whose body has not been read.

        The redirects of a request without a body are followed. ``context`` selects the servers to
        trust, by default those that the system trusts.
        """
        for _ in range(_MAX_REDIRECTS):
            response = self._send_once(request, context)
            location = response.header("Location")
            if response.status not in _REDIRECTS or request.method not in _FOLLOWED or not location:
                return response
            response.close()
            redirected = request.redirected(location)
            # The certificates of a registry are not those of a server that it redirects to.
            context = context if origin(redirected.url) == origin(request.url) else None
            request = redirected
        raise ValueError(f"it redirects more than {_MAX_REDIRECTS} times")

    def put_back(self, connection: http.client.HTTPConnection, url: str) -> None:
        """Keep a connection for the next request to the server of a URL."""
        with self._lock:
            self._idle.setdefault(origin(url), []).append(connection)

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for connections in idle.values() for one in connections):
            connection.close()

    def after_fork(self) -> None:
        """Let go of the connections, which belong to the parent."""
        self._lock = threading.Lock()
        self.close()

    def _send_once(self, request: Request, context: SSLContext | None) -> Response:
        kept = self._take(request)
        if kept is not None:
            try:
                return self._exchange(kept, request)
            except BROKEN:
                # The server has closed the connection in the meantime.
                kept.close()
        return self._exchange(self._connect(urlsplit(request.url), context), request)

    def _take(self, request: Request) -> http.client.HTTPConnection | None:
        """Take a connection that is kept; a body that cannot be sent twice gets a new one."""
        if not isinstance(request.body, bytes):
            return None
        with self._lock:
            idle = self._idle.get(origin(request.url), [])
            while idle:
                connection = idle.pop()
                if not _has_input(connection):
                    return connection
                connection.close()
        return None

    def _exchange(self, connection: http.client.HTTPConnection, request: Request) -> Response:
        try:
            refusal = _send(connection, request)
            try:
                answer = connection.getresponse()
            except FAILURES as error:
                raise refusal or error from error
        except BaseException:
            connection.close()
            raise
        return Response(answer, connection, request.url, self if refusal is None else None)

    def _connect(self, url: SplitResult, context: SSLContext | None) -> http.client.HTTPConnection:
        proxy = _proxy(url)
        server = proxy or url
        host, port = server.hostname or "", server.port
        if url.scheme != "https":
            return http.client.HTTPConnection(host, port or 80, timeout=self._seconds)
        connection = http.client.HTTPSConnection(
            host,
            port or (443 if proxy is None else 80),
            timeout=self._seconds,
            context=context or self._system_context(),
        )
        if proxy is not None:
            connection.set_tunnel(
                url.hostname or "", url.port or 443, dict(_proxy_authorization(proxy))
            )
        return connection

    def _system_context(self) -> SSLContext:
        if self._default_context is None:
            self._default_context = client_context()
        return self._default_context


def origin(url: str) -> str:
    """Return the part of a URL that names the server: ``https://host:port``, in lower case."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine, which is never reached through a proxy."""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _has_input(connection: http.client.HTTPConnection) -> bool:
    """Check whether a server that was not asked has something to say: that it has hung up."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _send(connection: http.client.HTTPConnection, request: Request) -> OSError | None:
    """Send a request; a server that stops reading may have answered, which is not an error yet."""
    _put_head(connection, request)
    pieces = (request.body,) if isinstance(request.body, bytes) else request.body
    try:
        connection.endheaders()
        for piece in pieces:
            connection.send(piece)
    except BROKEN as error:
        return error
    return None


def _put_head(connection: http.client.HTTPConnection, request: Request) -> None:
    url = urlsplit(request.url)
    target = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
    proxy = _proxy(url) if url.scheme == "http" else None
    target = url._replace(fragment="").geturl() if proxy is not None else target
    connection.putrequest(request.method, target, skip_accept_encoding=True)
    connection.putheader("User-Agent", "pyllb")
    for name, value in (*request.headers, *_proxy_authorization(proxy)):
        connection.putheader(name, value)
    if request.size or request.method not in _FOLLOWED:
        connection.putheader("Content-Length", str(request.size))


def _proxy(url: SplitResult) -> SplitResult | None:
    """Look up the proxy for a URL in the environment. Raises ValueError for an unusable one."""
    host = url.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    proxies = urllib.request.getproxies()
    text = proxies.get(url.scheme) or proxies.get("all")
    if not text:
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise ValueError(f"the proxy of the environment for {url.scheme} is not an http:// URL")
    return proxy


def _proxy_authorization(proxy: SplitResult | None) -> tuple[tuple[str, str], ...]:
    if proxy is None or proxy.username is None:
        return ()
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return (("Proxy-Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
