"""Parse URLs as BuildKit does with Go's ``net/url``: stricter or more lenient than the standard.

The grammar is that of RFC 3986. Comments mark intentional deviations, because the string of a URL
is part of a step's digest.
"""

from __future__ import annotations

import re

from attrs import frozen

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    import ipaddress  # 1 ms

_UNRESERVED = "A-Za-z0-9\\-_.~"
# Non-ASCII characters are a separate alternative: a set with their range takes 1.4 ms to compile.
_IN_HOST = re.compile(rf"(?:[{_UNRESERVED}!$&'()*+,;=:\[\]<>\"]|[^\x00-\x7f])*\Z")
_IN_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*\Z")
_IN_PATH = re.compile(rf"[{_UNRESERVED}!$&'()*+,;=:@\[\]%/]*\Z")
_PORT = re.compile(r"(?::[0-9]*)?\Z", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")
_ASCII_ESCAPE = re.compile("%(?!25)[0-7]")
_KEPT_IN_PATH = "-_.~$&+,/:;=@"
_KEPT_IN_USER = "-_.~$&+,;="
_KEPT_IN_HOST = "-_.~!$&'()*+,;=:[]<>\""
_WEB = ("http", "https")


@frozen
class URL:
    """A parsed URL.

    ``host``, ``path`` and ``fragment`` are unescaped. ``base`` is the URL without query and
    fragment, with escapes where they are required.
    """

    scheme: str
    host: str
    path: str
    query: str
    fragment: str
    base: str


def parse_url(text: str) -> URL:
    """Parse a URL, or a path without a scheme. Raises ValueError if it is malformed."""
    before, _, fragment = text.partition("#")
    if _CONTROL.search(before):
        raise ValueError("invalid control character in URL")
    scheme, remainder = _scheme(before)
    # A single question mark at the end is kept, although the query is empty.
    mark = "?" if remainder.endswith("?") and remainder.count("?") == 1 else ""
    remainder, _, query = remainder.partition("?")
    authority, user, host = "", "", ""
    if remainder.startswith("//") and (scheme or not remainder.startswith("///")):
        user_and_host, slash, path = remainder[2:].partition("/")
        remainder = slash + path
        user, host = _authority(scheme, user_and_host)
        authority = f"//{user}{_quote(host, _KEPT_IN_HOST)}" if user or host or remainder else ""
    path = unquote(remainder)
    escaped = remainder if _IN_PATH.match(remainder) else _quote(path, _KEPT_IN_PATH)
    base = f"{scheme}:" * bool(scheme) + authority + escaped + mark
    return URL(scheme, host, path, query, unquote(fragment), base)


def parse_query(text: str) -> dict[str, list[str]]:
    """Collect the values of a query by name, skipping malformed pairs."""
    return {key: values for key, values in _pairs(text).items() if key is not None}


def is_query(text: str) -> bool:
    """Check whether every pair of a query is well-formed."""
    return None not in _pairs(text)


def unquote(text: str) -> str:
    """Decode the percent escapes of ``text``. Raises ValueError for a malformed escape.

    Bytes that are not valid UTF-8 become surrogates, as in Python's paths.
    """
    if _BAD_ESCAPE.search(text):
        raise ValueError(f"invalid URL escape in {text!r}")
    return _ESCAPES.sub(lambda match: _decode(match[0]), text)


def _decode(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("%", "")).decode("utf-8", errors="surrogateescape")


def _quote(text: str, kept: str) -> str:
    return "".join(
        character
        if (character.isascii() and character.isalnum()) or character in kept
        else "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogateescape"))
        for character in text
    )


def _scheme(text: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", text)
    return (match[1].lower(), text[match.end() :]) if match else ("", text)


def _authority(scheme: str, text: str) -> tuple[str, str]:
    """Parse an authority into the quoted user with ``@``, and the host."""
    user, at, host = text.rpartition("@")
    host = _host(scheme, host)
    if not at:
        return "", host
    if not _IN_USER.match(user):
        raise ValueError("invalid userinfo")
    name, colon, password = user.partition(":")
    name, password = (_quote(unquote(part), _KEPT_IN_USER) for part in (name, password))
    return f"{name}{colon}{password}@", host


def _host(scheme: str, text: str) -> str:
    if text.startswith("["):
        return _literal(text)
    if "[" in text:
        raise ValueError("invalid IP-literal")
    # HTTP hosts have one colon at most; the URLs of some databases have several.
    colon = text.find(":") if scheme in _WEB else text.rfind(":")
    if colon >= 0 and not _PORT.match(text[colon:]):
        raise ValueError(f"invalid port {text[colon:]!r} after host")
    return _unquote_host(text)


def _literal(text: str) -> str:
    """Validate an IPv6 address in brackets, and unescape it with its zone and port."""
    address, bracket, port = text[1:].rpartition("]")
    if not bracket or not _PORT.match(port):
        raise ValueError("invalid IP-literal")
    address, escape, zone = address.partition("%25")
    plain = _unquote_host(address) + unquote(escape + zone)

    ipaddress.IPv6Address(plain)
    return f"[{plain}]{port}"


def _unquote_host(text: str) -> str:
    # In hosts, Go accepts only escapes of non-ASCII characters.
    if _ASCII_ESCAPE.search(text) or not _IN_HOST.match(_ESCAPES.sub("", text)):
        raise ValueError(f"invalid host name {text!r}")
    return unquote(text)


def _pairs(text: str) -> dict[str | None, list[str]]:
    """Parse the pairs of a query; the malformed ones are listed under None."""
    pairs: dict[str | None, list[str]] = {}
    for pair in text.split("&"):
        key, _, value = pair.replace("+", " ").partition("=")
        try:
            name: str | None = None if ";" in pair else unquote(key)
            value = unquote(value)
        except ValueError:
            name = None
        if pair:
            pairs.setdefault(name, []).append(value)
    return pairs
