"""Git sources: a tree from a repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from attrs import frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.buildkit_names import GIT_SCHEME
from llb.errors import InvalidValueError
from llb.gocompat.path import join
from llb.sources.image_and_local import source_state
from llb.state.step_options import StepOptions

with lazy_imports(__name__):
    from urllib import parse  # 2 ms

if TYPE_CHECKING:
    from llb.state.state import State


_PROTOCOLS = ("http", "https", "ssh", "git")
_WITH_PROTOCOL = re.compile(r"([a-zA-Z0-9]+)://([^/?#\s]*)([^?#]*)\Z")
# The scp-like syntax of git, user@host:path, whose protocol is ssh.
_SCP = re.compile(r"[a-zA-Z0-9_-]+@([a-zA-Z0-9.-]+):([^?#]*)\Z")
_PROPER_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]]|%[0-9A-Fa-f]{2})*\Z")
ModificationTime: TypeAlias = Literal["checkout", "commit"]
"""Whose time the files get: that of the checkout, or of the commit."""

# BuildKit looks for secrets with these ids if a server requires authentication.
_TOKEN_SECRET = "GIT_AUTH_TOKEN"  # noqa: S105 - an id, not a secret
_HEADER_SECRET = "GIT_AUTH_HEADER"  # noqa: S105 - an id, not a secret


@checked(options=StepOptions)
def Git(  # noqa: N802 - it reads as the type of what it returns
    url: str,
    *,
    ref: str | None = None,
    subdir: str | None = None,
    checksum: str | None = None,
    keep_git_dir: bool = False,
    skip_submodules: bool = False,
    mtime: ModificationTime | None = None,
    advice: bool = False,
    fetch_by_commit: bool = False,
    auth_token_secret: str | None = None,
    auth_header_secret: str | None = None,
    known_hosts: str | None = None,
    ssh: str | None = None,
    bundle: str | None = None,
    bundle_session_id: str | None = None,
    bundle_store_id: str | None = None,
    checkout_bundle: bool = False,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state from a git repository.

    ``url`` is ``https://host/path``, ``ssh://…``, ``git://…``, ``user@host:path``, or ``host/path``
    for https.

    - ``ref``: a branch, tag or commit; the default is the repository's default branch.
    - ``subdir``: use only this directory of the repository.
    - ``checksum``: the commit hash that ``ref`` must resolve to.
    - ``keep_git_dir``: keep the ``.git`` directory.
    - ``skip_submodules``: do not check out submodules.
    - ``mtime``: the modification time of the files: that of the ``checkout`` or of the ``commit``.
    - ``advice``: print the advice of git, which BuildKit v0.33 and later hide by default; earlier
      ones ignore this option.
    - ``fetch_by_commit``: fetch the commit ``checksum`` directly.
    - ``auth_token_secret``, ``auth_header_secret``: ids of the client's secrets that hold a token
      or an Authorization header; by default ``GIT_AUTH_TOKEN`` and ``GIT_AUTH_HEADER``.
    - ``known_hosts``: lines of a known_hosts file, for ssh.
    - ``ssh``: the id of the client's ssh agent, by default ``default``.
    - ``bundle``: import the history from this blob: ``docker-image+blob://…``, or
      ``oci-layout+blob://…`` in the store ``bundle_store_id`` of the session ``bundle_session_id``.
    - ``checkout_bundle``: produce a git bundle instead of a tree.

    Raises InvalidValueError for an invalid URL or ``mtime``.

    >>> from llb import Git
    >>> Git("https://github.com/moby/buildkit", ref="v0.12.0", subdir="client")
    <State after SourceOp>
    """
    remote = _parse(url)
    subpath = join("/", subdir or "").lstrip("/")
    identifier = f"{GIT_SCHEME}{remote.host}{join('/', remote.path)}"
    if ref or subpath:
        identifier += f"#{ref or ''}" + f":{subpath}" * bool(subpath)
    # Attribute, value, and the capability that it requires if the value is set.
    rows: list[tuple[str, str | None, str | None]] = [
        ("git.fullurl", remote.url, "source.git.fullurl"),
        ("git.keepgitdir", _flag(keep_git_dir), "source.git.keepgitdir"),
        ("git.checksum", checksum, "source.git.checksum"),
        ("git.skipsubmodules", _flag(skip_submodules), "source.git.skipsubmodules"),
        ("git.mtime", mtime, "source.git.mtime"),
        ("git.advice", _flag(advice), None),
        ("git.fetchbycommit", _flag(fetch_by_commit), "source.git.fetchbycommit"),
        ("git.bundle", bundle, "source.git.bundle"),
        ("git.checkoutbundle", _flag(checkout_bundle), "source.git.checkoutbundle"),
        ("oci.session", bundle_session_id, None),
        ("oci.store", bundle_store_id, None),
    ]
    attrs = [(key, value) for key, value, _ in rows if value]
    caps = ["source.git", *(cap for _, value, cap in rows if value and cap)]
    attrs.append(("git.authtokensecret", auth_token_secret or _TOKEN_SECRET))
    attrs.append(("git.authheadersecret", auth_header_secret or _HEADER_SECRET))
    if auth_token_secret or auth_header_secret:
        caps.append("source.git.httpauth")
    if remote.is_ssh:
        caps += ["source.git.knownsshhosts", "source.git.mountsshsock"]
        attrs.append(("git.mountsshsock", ssh or "default"))
        if known_hosts:
            attrs.append(("git.knownsshhosts", known_hosts.removesuffix("\n") + "\n"))
    return source_state(identifier, attrs, caps, None, options)


@frozen
class _Remote:
    url: str
    host: str
    path: str
    is_ssh: bool


def _parse(url: str) -> _Remote:
    if "#" in url or "?" in url:
        raise InvalidValueError(
            f"invalid repository {url!r}: it has a fragment or a query",
            hint="pass the branch, tag or commit as ref=, and the directory as subdir=",
        )
    match = _WITH_PROTOCOL.match(url)
    if match is None and (scp := _SCP.match(url)) is not None:
        return _Remote(url, scp[1], scp[2], is_ssh=True)
    if match is None and "://" not in url:
        url = f"https://{url}"
        match = _WITH_PROTOCOL.match(url)
    if match is None or match[1].lower() not in _PROTOCOLS:
        raise InvalidValueError(
            f"invalid repository {url!r}: expected {', '.join(_PROTOCOLS)} or user@host:path"
        )
    host = match[2].rpartition("@")[2]
    if not host or not match[3].strip("/"):
        raise InvalidValueError(f"invalid repository {url!r}: expected a host and a path")
    scheme, path = match[1].lower(), _unquote(match[3])
    clean = f"{scheme}://{match[2]}{_quote(match[3])}"
    return _Remote(clean, host, path, is_ssh=scheme == "ssh")


def _quote(path: str) -> str:
    """Quote a path as Go does: unchanged if it is valid, otherwise unquoted and quoted again."""
    if _PROPER_PATH.match(path):
        return path

    return parse.quote(_unquote(path), safe="$&+,/:;=@-_.~")


def _unquote(path: str) -> str:
    if "%" not in path:
        return path

    return parse.unquote(path)


def _flag(value: bool) -> str | None:  # noqa: FBT001 - a conversion of one
    return "true" if value else None
