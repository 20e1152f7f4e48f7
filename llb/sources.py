"""Where trees come from: images, local directories, nothing at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

from llb import ops
from llb.errors import InvalidValueError, did_you_mean
from llb.platforms import Platform, to_platform
from llb.reference import Reference, check_digest
from llb.state import Settings, State, StepOptions, constraints

if TYPE_CHECKING:
    from collections.abc import Iterable

_RESOLVE_MODES = ("default", "pull", "local")


def Image(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    platform: Platform | str | None = None,
    resolve_mode: str = "default",
    record_type: str | None = None,
    layer_limit: int | None = None,
    checksum: str | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Return the tree of an image in a registry, ``alpine`` or ``ghcr.io/o/app:1@sha256:…``.

    ``resolve_mode`` is ``default``, ``pull`` (ask the registry even when the
    image is there) or ``local`` (take what is there). ``layer_limit`` takes the
    first layers alone, ``checksum`` is the digest that the image must have.
    """
    attrs: list[tuple[str, str]] = []
    caps = ["source.image"]
    if resolve_mode not in _RESOLVE_MODES:
        raise InvalidValueError(
            f"invalid resolve mode {resolve_mode!r}: expected {', '.join(_RESOLVE_MODES)}",
            hint=did_you_mean(resolve_mode, _RESOLVE_MODES),
        )
    if resolve_mode != "default":
        attrs.append(("image.resolvemode", resolve_mode))
    if resolve_mode == "pull":
        caps.append("source.image.resolvemode")
    if record_type is not None:
        attrs.append(("image.recordtype", record_type))
    if layer_limit is not None:
        attrs.append(("image.layerlimit", _layers(layer_limit)))
        caps.append("source.image.layerlimit")
    if checksum is not None:
        attrs.append(("image.checksum", check_digest(checksum)))
        caps.append("source.image.checksum")
    identifier = f"docker-image://{Reference.parse(ref).tagged()}"
    return source_state(identifier, attrs, caps, platform, options)


def Local(  # noqa: N802 - it reads as the type of what it returns
    name: str,
    /,
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    follow_paths: Iterable[str] = (),
    shared_key: str | None = None,
    session_id: str | None = None,
    unique_id: str | None = None,
    differ: str | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Return a directory of the client, known there as ``name``.

    Which directory it is, the client says when it builds (``--local NAME=DIR``).
    ``include``, ``exclude`` and ``follow_paths`` choose what is sent, with the
    patterns of .dockerignore. ``shared_key`` finds an earlier upload to send only
    changes. ``session_id`` ties the source to one session, ``unique_id`` to one
    build. ``differ`` is ``none`` or ``metadata``, how changes are found.
    """
    if not name:
        raise InvalidValueError("invalid local name '': expected a name, for example context")
    attrs: list[tuple[str, str]] = []
    caps = ["source.local"]
    for key, cap, patterns in (
        ("local.includepattern", "source.local.includepatterns", tuple(include)),
        ("local.followpaths", "source.local.followpaths", tuple(follow_paths)),
        ("local.excludepatterns", "source.local.excludepatterns", tuple(exclude)),
    ):
        if patterns:
            attrs.append((key, _json(patterns)))
            caps.append(cap)
    if session_id is not None:
        attrs.append(("local.session", session_id))
        caps.append("source.local.sessionid")
    if unique_id is not None and session_id is None:
        attrs.append(("local.unique", unique_id))
    if shared_key is not None:
        attrs.append(("local.sharedkeyhint", shared_key))
        caps.append("source.local.sharedkeyhint")
    if differ is not None:
        attrs.append(("local.differ", differ))
    return source_state(f"local://{name}", attrs, caps, None, options)


def OCILayout(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    store_id: str | None = None,
    session_id: str | None = None,
    layer_limit: int | None = None,
    platform: Platform | str | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Return the tree of an image in an OCI layout of the client, ``name@sha256:…``.

    ``store_id`` names the layout, where it is not the name in ``ref``, and
    ``session_id`` the session that has it. ``layer_limit`` takes the first layers
    alone.
    """
    if Reference.parse(ref).digest is None:
        raise InvalidValueError(
            f"invalid OCI layout reference {ref!r}: it has no digest",
            hint="for example name@sha256:…",
        )
    attrs = []
    if session_id is not None:
        attrs.append(("oci.session", session_id))
    if store_id is not None:
        attrs.append(("oci.store", store_id))
    if layer_limit is not None:
        attrs.append(("oci.layerlimit", _layers(layer_limit)))
    return source_state(f"oci-layout://{ref}", attrs, ["source.ocilayout"], platform, options)


def Scratch() -> State:  # noqa: N802 - it reads as the type of what it returns
    """Return the empty tree."""
    return State()


def source_state(
    identifier: str,
    attrs: list[tuple[str, str]],
    caps: list[str],
    platform: Platform | str | None,
    options: StepOptions,
) -> State:
    """Return the state of a source; what every kind of source is made of."""
    known = None if platform is None else to_platform(platform)
    op = ops.SourceOp(
        identifier=identifier,
        attrs=tuple(sorted(attrs)),
        caps=tuple(caps),
        constraints=constraints(known, (), options),
    )
    return State(ops.Output(op), Settings(platform=known))


def _layers(limit: int) -> str:
    if limit < 1:
        raise InvalidValueError(f"invalid layer limit {limit}: expected 1 or more")
    return str(limit)


def _json(values: tuple[str, ...]) -> str:
    """Return a JSON array as Go's encoder writes it, with HTML's characters escaped."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
