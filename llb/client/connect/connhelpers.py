"""Programs that reach a BuildKit elsewhere: in a container, in a pod, on another machine.

Each is asked to run ``buildctl dial-stdio`` there, whose standard input and output are a
connection to the daemon. The addresses and the arguments are those of BuildKit's own helpers
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
_MEANINGLESS = re.compile(r"[\s#]")
# No program can be given the first of them, and nothing has a name with any other.
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
# Of containers and contexts: what a program could not take for an option of its own.
_NAME = re.compile(r"[A-Za-z0-9][^\s/]*\Z")
# Of pods, namespaces and containers in Kubernetes; BuildKit checks no more than this.
_KUBE_NAME = re.compile(r"[-a-z0-9.]+\Z")
_USER = re.compile(r"[^\s:@]+\Z")
_HOST = re.compile(r"[^\s:@/]+\Z|\[[0-9A-Fa-f:.]+(?:%[^\s\]]+)?\]\Z")


@frozen
class Place:
    """What an address says of where the daemon is; what it does not say is empty."""

    name: str
    options: Mapping[str, str] = field(factory=dict)
    user: str = ""
    port: str = ""
    path: str = ""

    def option(self, name: str) -> str:
        """Return an option of the address's query."""
        return self.options.get(name, "")


@frozen
class Program:
    """A way to a daemon: the command for a place, and which options an address may have."""

    form: str
    command: Callable[[Place], tuple[str, ...]]
    options: Mapping[str, re.Pattern[str]] = field(factory=dict)
    name: re.Pattern[str] = _NAME
    is_remote: bool = False


def command(address: str) -> tuple[str, ...]:
    """Return the command whose input and output reach a daemon, by an address of PROGRAMS.

    Raises InvalidValueError for one that is not as its kind is written.

    >>> command("docker-container://builder")
    ('docker', 'exec', '-i', 'builder', 'buildctl', 'dial-stdio')
    """
    scheme, _, rest = address.partition("://")
    program = PROGRAMS[scheme]
    try:
        return program.command(_place(program, rest))
    except ValueError as error:
        hint = error.hint if isinstance(error, InvalidValueError) else None
        shown = _PASSWORD.sub(r"\1…\2", address)
        raise InvalidValueError(
            f"invalid address {shown!r}: {error}, expected {program.form}", hint=hint
        ) from error


def ssh_command(place: Place, *remote: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the command that runs another one on another machine."""
    user = ("-l", place.user) if place.user else ()
    port = ("-p", place.port) if place.port else ()
    return ("ssh", *user, *port, *flags, "--", place.name, *remote)


def ssh_place(rest: str) -> Place:
    """Return what follows ``ssh://`` as a place; raises ValueError."""
    return _place(PROGRAMS["ssh"], rest)


def _place(program: Program, rest: str) -> Place:
    """Return the place that an address names after its scheme; raises ValueError."""
    if wrong := _MEANINGLESS.search(rest) or _CONTROL.search(unquote(rest)):
        raise ValueError(f"{wrong[0]!r} has no meaning here")
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError as error:
        # Python's words for it differ from release to release.
        raise ValueError("it has no valid host") from error
    options = _options(program, parts.query)
    if program.is_remote:
        return _remote_place(program, parts.netloc, unquote(parts.path))
    if parts.path not in ("", "/"):
        raise ValueError(f"there is a path, {parts.path!r}")
    name = unquote(parts.netloc)
    _check("name", name, program.name)
    return Place(name, options)


def _remote_place(program: Program, netloc: str, path: str) -> Place:
    before, at, host = netloc.rpartition("@")
    user, colon, _ = before.partition(":")
    if colon:
        raise ValueError("there is a password in it")
    name, port_colon, port = host, "", ""
    if not host.endswith("]"):
        left, port_colon, right = host.rpartition(":")
        name, port = (left, right) if port_colon else (host, "")
    _check("host", name, program.name)
    if at:
        _check("user", unquote(user), _USER)
    if port_colon and not (port.isdecimal() and 0 < int(port) <= _LAST_PORT):
        raise ValueError(f"invalid port {port!r}")
    return Place(name.strip("[]"), user=unquote(user), port=port, path=path)


def _options(program: Program, query: str) -> dict[str, str]:
    options = {}
    for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if key not in program.options:
            hint = did_you_mean(key, program.options)
            raise InvalidValueError(f"unknown option {key!r}", hint=hint)
        # What is empty is as if it were not there.
        if value:
            _check(key, value, program.options[key])
            options[key] = value
    return options


def _check(what: str, value: str, form: re.Pattern[str]) -> None:
    if not form.match(value):
        raise ValueError(f"invalid {what} {value!r}" if value else f"it has no {what}")


def _docker(place: Place) -> tuple[str, ...]:
    context = place.option("context")
    flags = (f"--context={context}",) if context else ()
    return ("docker", *flags, "exec", "-i", place.name, *_DIAL)


def _podman(place: Place) -> tuple[str, ...]:
    return ("podman", "exec", "-i", place.name, *_DIAL)


def _nerdctl(place: Place) -> tuple[str, ...]:
    namespace = place.option("namespace")
    flags = ("--namespace", namespace) if namespace else ()
    return ("nerdctl", "exec", *flags, "-i", place.name, *_DIAL)


def _kubectl(place: Place) -> tuple[str, ...]:
    where = (f"--{each}={place.option(each)}" for each in ("context", "namespace"))
    container = f"--container={place.option('container')}"
    return ("kubectl", *where, "exec", container, "-i", place.name, "--", *_DIAL)


def _ssh(place: Place) -> tuple[str, ...]:
    # A shell on the other machine reads the words again.
    socket = ("--addr", shlex.quote(f"unix://{place.path}")) if place.path.strip("/") else ()
    return ssh_command(place, _DIAL[0], *socket, *_DIAL[1:])


PROGRAMS: Mapping[str, Program] = {
    "docker-container": Program(
        "docker-container://CONTAINER[?context=CONTEXT]", _docker, {"context": _NAME}
    ),
    "podman-container": Program("podman-container://CONTAINER", _podman),
    "nerdctl-container": Program(
        "nerdctl-container://CONTAINER[?namespace=NAMESPACE]", _nerdctl, {"namespace": _NAME}
    ),
    "kube-pod": Program(
        "kube-pod://POD[?context=CONTEXT&namespace=NAMESPACE&container=CONTAINER]",
        _kubectl,
        {"context": re.compile(r".+\Z"), "namespace": _KUBE_NAME, "container": _KUBE_NAME},
        name=_KUBE_NAME,
    ),
    "ssh": Program("ssh://[USER@]HOST[:PORT][/SOCKET]", _ssh, name=_HOST, is_remote=True),
}
