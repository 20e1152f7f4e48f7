"""File sources: HTTP downloads, and blobs of registries and OCI layouts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

from llb.arguments.checked import checked
from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode
from llb.reference import Reference, check_digest
from llb.sources.image_and_local import source_state
from llb.state.step_options import StepOptions

if TYPE_CHECKING:
    from llb.state.state import State


_URL = re.compile(r"https?://[^/?#\s]")
_MAX_ID = 2**31 - 1


@checked(options=StepOptions)
def HTTP(  # noqa: N802 - it reads as the type of what it returns
    url: str,
    *,
    checksum: str | None = None,
    filename: str | None = None,
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    auth_header_secret: str | None = None,
    accept: str | None = None,
    user_agent: str | None = None,
    pgp_public_key: bytes | None = None,
    pgp_signature: bytes | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state that contains the file at an HTTP or HTTPS URL.

    - ``checksum``: the digest that the file must have, ``sha256:…``.
    - ``filename``: the name of the file; by default the server's choice, or the end of the URL.
    - ``mode``: the permission bits of the file, for example ``0o755``.
    - ``uid``, ``gid``: the numeric ids of its owner.
    - ``auth_header_secret``: the id of the client's secret that holds the Authorization header.
    - ``accept``, ``user_agent``: values of these request headers.
    - ``pgp_public_key``, ``pgp_signature``: an armored key and a detached signature to verify.

    Raises InvalidValueError for an invalid URL, digest, mode or owner.

    >>> from llb import HTTP
    >>> HTTP("https://example.com/tool.tar.gz", filename="tool.tgz", mode=0o644)
    <State after SourceOp>
    """
    if _URL.match(url) is None:
        raise InvalidValueError(f"invalid URL {url!r}: expected http:// or https:// and a host")
    attrs = _file_attrs(filename, mode, uid, gid)
    caps = ["source.http"]
    if checksum is not None:
        attrs["http.checksum"] = check_digest(checksum)
        caps.append("source.http.checksum")
    if "http.perm" in attrs:
        caps.append("source.http.perm")
    if uid or gid:
        # The capability is misspelt in BuildKit itself.
        caps.append("soruce.http.uidgid")
    if auth_header_secret is not None:
        attrs["http.authheadersecret"] = auth_header_secret
        caps.append("source.http.auth")
    headers = {"http.header.accept": accept, "http.header.user-agent": user_agent}
    if any(headers.values()):
        attrs |= {key: value for key, value in headers.items() if value}
        caps.append("source.http.header")
    if pgp_public_key or pgp_signature:
        signature = {"http.sig.pubkey": pgp_public_key, "http.sig.signature": pgp_signature}
        attrs |= {key: value.decode() for key, value in signature.items() if value}
        caps.append("source.http.signatureverify")
    return source_state(url, list(attrs.items()), caps, None, options)


@checked(options=StepOptions)
def ImageBlob(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    filename: str | None = None,
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state that contains one blob of a registry as a file.

    ``ref`` is ``name@sha256:…``, without a tag. ``filename``, ``mode``, ``uid`` and ``gid`` are
    those of the file. Raises InvalidValueError for an invalid reference, mode or owner.
    """
    attrs = _file_attrs(filename, mode, uid, gid)
    return _blob("docker-image+blob", ref, attrs, options)


@checked(options=StepOptions)
def OCILayoutBlob(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    store_id: str | None = None,
    session_id: str | None = None,
    filename: str | None = None,
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state that contains one blob of an OCI layout on the client as a file.

    ``ref`` is ``name@sha256:…``, without a tag. ``store_id`` names the layout, if it is not the
    name in ``ref``, and ``session_id`` the session that provides it. ``filename``, ``mode``,
    ``uid`` and ``gid`` are those of the file. Raises InvalidValueError for an invalid reference,
    mode or owner.
    """
    attrs = _file_attrs(filename, mode, uid, gid)
    store = {"oci.session": session_id, "oci.store": store_id}
    attrs |= {key: value for key, value in store.items() if value}
    return _blob("oci-layout+blob", ref, attrs, options)


def _blob(scheme: str, ref: str, attrs: dict[str, str], options: StepOptions) -> State:
    reference = Reference.parse(ref)
    if reference.digest is None or reference.tag is not None:
        raise InvalidValueError(
            f"invalid blob reference {ref!r}: expected a digest and no tag",
            hint=f"for example {reference.familiar_name}@sha256:…",
        )
    identifier = f"{scheme}://{reference}"
    return source_state(identifier, list(attrs.items()), ["source.imageblob"], None, options)


def _file_attrs(filename: str | None, mode: int | None, uid: int, gid: int) -> dict[str, str]:
    """Build the attributes for name, mode and owner of the file; 0 is the default owner."""
    if not 0 <= uid <= _MAX_ID or not 0 <= gid <= _MAX_ID:
        raise InvalidValueError(f"invalid owner {uid}:{gid}: expected ids of 0 and more")
    attrs = {}
    if filename:
        attrs["http.filename"] = filename
    if mode is not None and check_mode(mode) & 0o777:
        attrs["http.perm"] = f"0{mode & 0o777:o}"
    if uid:
        attrs["http.uid"] = str(uid)
    if gid:
        attrs["http.gid"] = str(gid)
    return attrs
