"""Addresses of a BuildKit in a container, in a pod, or on another machine, and their commands.

Each command runs ``buildctl dial-stdio`` there, whose standard input and output are a connection to
the daemon. Addresses and arguments are those of BuildKit's connection helpers
(client/connhelper).
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DIAL = ("buildctl", "dial-stdio")
_LAST_PORT = 65535
_PASSWORD = re.compile(r"(://[^/:]*:)[^/]*(@)")
_UNSUPPORTED = re.compile(r"[\s#]")
# NUL cannot be part of an argument, and no name contains the other control characters.
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
# Containers and contexts: a name that a program cannot mistake for an option.
_NAME = re.compile(r"[A-Za-z0-9][^\s/]*\Z")
# Pods, namespaces and containers in Kubernetes; BuildKit checks no more than this.
_KUBE_NAME = re.compile(r"[-a-z0-9.]+\Z")
# The account of a domain may be that of an email address.
_USER = re.compile(r"[^\s:]+\Z")
_HOST = re.compile(r"[^\s:@/]+\Z|\[[0-9A-Fa-f:.]+(?:%[^\s\]]+)?\]\Z")


@frozen
class Target:
    """The parts of an address; missing parts are empty."""

    name: str
    options: Mapping[str, str] = field(factory=dict)
    user: str = ""
    port: str = ""
    path: str = ""

    def option(self, name: str) -> str:
        """Look up an option in the query of the address, empty if missing."""
        return self.options.get(name, "")


@frozen
class Form:
    """The form of a kind of address, with its options."""

    text: str
    options: Mapping[str, re.Pattern[str]] = field(factory=dict)
    name: re.Pattern[str] = _NAME
    is_remote: bool = False


def command(address: str) -> tuple[str, ...]:
    """Build the command whose input and output connect to the daemon at an address of PROGRAMS.

    Raises InvalidValueError for a malformed address.

    >>> command("podman-container://builder")
    ('podman', 'exec', '-i', 'builder', 'buildctl', 'dial-stdio')
    """
    return PROGRAMS[address.partition("://")[0]](parse_target(address))


def parse_target(address: str) -> Target:
    """Parse an address of one of the FORMS. Raises InvalidValueError for a malformed one."""
    scheme, _, location = address.partition("://")
    form = FORMS[scheme]
    try:
        return _parse_target(form, location)
    except ValueError as error:
        hint = error.hint if isinstance(error, InvalidValueError) else None
        reason = error.message if isinstance(error, InvalidValueError) else error
        shown = _PASSWORD.sub(r"\1…\2", address)
        raise InvalidValueError(
            f"invalid address {shown!r}: {reason}, expected {form.text}", hint=hint
        ) from error


def ssh_command(target: Target, *remote: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Build the command that runs ``remote`` on another machine."""
    user = ("-l", target.user) if target.user else ()
    port = ("-p", target.port) if target.port else ()
    return ("ssh", *user, *port, *flags, "--", target.name, *remote)


def parse_ssh_target(location: str) -> Target:
    """Parse what follows ``ssh://``; raises ValueError."""
    return _parse_target(FORMS["ssh"], location)


def _parse_target(form: Form, location: str) -> Target:
    """Parse an address after its scheme; raises ValueError."""
    if match := _UNSUPPORTED.search(location) or _CONTROL.search(unquote(location)):
        raise ValueError(f"unexpected {match[0]!r}")
    try:
        parts = urlsplit(f"//{location}")
    except ValueError as error:
        # Python's own message differs between releases.
        raise ValueError("invalid host") from error
    options = _parse_options(form, parts.query)
    if form.is_remote:
        return _parse_remote_target(form, parts.netloc, unquote(parts.path))
    if parts.path not in ("", "/"):
        raise ValueError(f"unexpected path {parts.path!r}")
    name = unquote(parts.netloc)
    _check("name", name, form.name)
    return Target(name, options)


def _parse_remote_target(form: Form, netloc: str, path: str) -> Target:
    userinfo, at, host = netloc.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    if colon:
        raise ValueError("a password is not supported")
    name, port_colon, port = host, "", ""
    if not host.endswith("]"):
        left, port_colon, right = host.rpartition(":")
        name, port = (left, right) if port_colon else (host, "")
    _check("host", name, form.name)
    if at:
        _check("user", unquote(user), _USER)
    if port_colon and not (port.isdecimal() and 0 < int(port) <= _LAST_PORT):
        raise ValueError(f"invalid port {port!r}")
    # The zone of an interface is written with %25 in a URL.
    return Target(unquote(name).strip("[]"), user=unquote(user), port=port, path=path)


def _parse_options(form: Form, query: str) -> dict[str, str]:
    options = {}
    for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if key not in form.options:
            hint = did_you_mean(key, form.options)
            raise InvalidValueError(f"unknown option {key!r}", hint=hint)
        # An empty value counts as missing.
        if value:
            _check(key, value, form.options[key])
            options[key] = value
    return options


def _check(what: str, value: str, form: re.Pattern[str]) -> None:
    if not form.match(value):
        raise ValueError(f"invalid {what} {value!r}" if value else f"missing {what}")


def _podman(target: Target) -> tuple[str, ...]:
    return ("podman", "exec", "-i", target.name, *_DIAL)


def _nerdctl(target: Target) -> tuple[str, ...]:
    namespace = target.option("namespace")
    flags = ("--namespace", namespace) if namespace else ()
    return ("nerdctl", "exec", *flags, "-i", target.name, *_DIAL)


def _kubectl(target: Target) -> tuple[str, ...]:
    flags = (f"--{option}={target.option(option)}" for option in ("context", "namespace"))
    container = f"--container={target.option('container')}"
    return ("kubectl", *flags, "exec", container, "-i", target.name, "--", *_DIAL)


def _ssh(target: Target) -> tuple[str, ...]:
    # A shell on the other machine splits the command again.
    socket = ("--addr", shlex.quote(f"unix://{target.path}")) if target.path.strip("/") else ()
    return ssh_command(target, _DIAL[0], *socket, *_DIAL[1:])


FORMS: Mapping[str, Form] = {
    "docker-container": Form("docker-container://CONTAINER[?context=CONTEXT]", {"context": _NAME}),
    "podman-container": Form("podman-container://CONTAINER"),
    "nerdctl-container": Form(
        "nerdctl-container://CONTAINER[?namespace=NAMESPACE]", {"namespace": _NAME}
    ),
    "kube-pod": Form(
        "kube-pod://POD[?context=CONTEXT&namespace=NAMESPACE&container=CONTAINER]",
        {"context": re.compile(r".+\Z"), "namespace": _KUBE_NAME, "container": _KUBE_NAME},
        name=_KUBE_NAME,
    ),
    "ssh": Form("ssh://[USER@]HOST[:PORT][/SOCKET]", name=_HOST, is_remote=True),
}

# Docker needs none: llb.client.connect.docker talks to its API.
PROGRAMS: Mapping[str, Callable[[Target], tuple[str, ...]]] = {
    "podman-container": _podman,
    "nerdctl-container": _nerdctl,
    "kube-pod": _kubectl,
    "ssh": _ssh,
}
