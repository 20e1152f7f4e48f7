"""Where trees come from: images, local directories, nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from llb.buildkit_names import DOCKER_IMAGE_SCHEME, LOCAL_SCHEME, OCI_SCHEME
from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat import json as gojson
from llb.ops import nodes as ops
from llb.platforms import Platform, to_platform
from llb.reference import Reference, check_digest
from llb.state.settings import Settings
from llb.state.state import State
from llb.state.step_options import StepOptions, step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.sources.image_resolver import ImageResolver

_DIFFERS = ("none", "metadata")
_RESOLVE_MODES = ("default", "pull", "local")


def Image(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    platform: Platform | str | None = None,
    resolve_mode: str = "default",
    record_type: str | None = None,
    layer_limit: int | None = None,
    checksum: str | None = None,
    resolver: ImageResolver | None = None,
    resolve_digest: bool = False,
    **options: Unpack[StepOptions],
) -> State:
    """Return the tree of an image in a registry, ``alpine`` or ``ghcr.io/o/app:1@sha256:…``.

    ``resolve_mode`` is ``default``, ``pull`` (ask the registry even when the
    image is there) or ``local`` (take what is there). ``layer_limit`` takes the
    first layers alone, ``checksum`` is the digest that the image must have.

    With a ``resolver`` the state has the config of the image: environment, directory
    and platform for the steps that come next, and the rest for an image that is made of
    it (:meth:`State.with_image_config`). With ``resolve_digest`` the source names the
    digest that was found as well.
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
    reference = Reference.parse(ref).tagged()
    if resolver is None:
        if resolve_digest:
            raise InvalidValueError("resolve_digest needs a resolver")
        return source_state(f"{DOCKER_IMAGE_SCHEME}{reference}", attrs, caps, platform, options)
    found = resolver.resolve_image_config(
        str(reference),
        platform=None if platform is None else to_platform(platform),
        resolve_mode=resolve_mode,
    )
    if resolve_digest and reference.digest is None and found.digest:
        reference = reference.pinned(found.digest)
    state = source_state(f"{DOCKER_IMAGE_SCHEME}{reference}", attrs, caps, platform, options)
    return state.with_image_config(found.config)


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
    differ_required: bool = False,
    metadata_only: bool | Iterable[str] = False,
    **options: Unpack[StepOptions],
) -> State:
    """Return a directory of the client, known there as ``name``.

    Which directory it is, the client says when it builds (``--local NAME=DIR``).
    ``include``, ``exclude`` and ``follow_paths`` choose what is sent, with the
    patterns of .dockerignore. ``shared_key`` finds an earlier upload to send only
    changes. ``session_id`` ties the source to one session, ``unique_id`` to one
    build. ``differ`` is ``none`` or ``metadata``, how changes are found; a daemon that
    cannot is asked all the same unless ``differ_required``. With ``metadata_only`` no
    content is sent, or just that of files that its patterns choose.
    """
    if not name:
        raise InvalidValueError("invalid local name '': expected a name, for example context")
    if differ is not None and differ not in _DIFFERS:
        raise InvalidValueError(
            f"invalid differ {differ!r}: expected {', '.join(_DIFFERS)}",
            hint=did_you_mean(differ, _DIFFERS),
        )
    kept = () if isinstance(metadata_only, bool) else tuple(metadata_only)
    # Attribute, value, and the capability that goes with it when the value is given.
    rows: list[tuple[str, str | None, str | None]] = [
        ("local.includepattern", _json(include), "source.local.includepatterns"),
        ("local.followpaths", _json(follow_paths), "source.local.followpaths"),
        ("local.excludepatterns", _json(exclude), "source.local.excludepatterns"),
        ("local.session", session_id, "source.local.sessionid"),
        ("local.unique", unique_id if session_id is None else None, None),
        ("local.sharedkeyhint", shared_key, "source.local.sharedkeyhint"),
        ("local.differ", differ, "source.local.differ" if differ_required else None),
        (
            "local.metadatatransfer",
            "true" if metadata_only is not False else None,
            "source.local.metadatatransfer",
        ),
        ("local.metadatatransferexclude", _json(kept), None),
    ]
    attrs = [(key, value) for key, value, _ in rows if value is not None]
    caps = ["source.local", *(cap for _, value, cap in rows if value is not None and cap)]
    return source_state(f"{LOCAL_SCHEME}{name}", attrs, caps, None, options)


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
    return source_state(f"{OCI_SCHEME}{ref}", attrs, ["source.ocilayout"], platform, options)


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
    op = ops.SourceOp(identifier, tuple(sorted(attrs)), tuple(caps), *step(known, options))
    return State(ops.Output(op), Settings(platform=known))


def _layers(limit: int) -> str:
    if limit < 1:
        raise InvalidValueError(f"invalid layer limit {limit}: expected 1 or more")
    return str(limit)


def _json(given: Iterable[str]) -> str | None:
    """Return a JSON array as Go's encoder writes it; without values there is none."""
    values = tuple(given)
    return gojson.dumps(values) if values else None
