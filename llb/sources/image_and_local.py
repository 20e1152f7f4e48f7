"""Image and local sources, and the empty tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from attrs import evolve

from llb.arguments.checked import checked
from llb.buildkit_names import DOCKER_IMAGE_SCHEME, LOCAL_SCHEME, OCI_SCHEME, ResolveMode
from llb.errors import InvalidValueError
from llb.gocompat import json as gojson
from llb.ops import nodes as ops
from llb.ops.base_images import BasePath
from llb.platforms import Platform, to_platform
from llb.reference import Reference, check_digest
from llb.state.settings import Settings
from llb.state.state import State
from llb.state.step_options import StepOptions, step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.arguments.conversions import RawText
    from llb.sources.image_resolver import ImageResolver

Differ: TypeAlias = Literal["none", "metadata"]
"""How changes of a local directory are detected: not at all, or by metadata."""


@checked(options=StepOptions)
def Image(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    platform: Platform | str | None = None,
    resolve_mode: ResolveMode = "default",
    record_type: str | None = None,
    layer_limit: int | None = None,
    checksum: str | None = None,
    resolver: ImageResolver | None = None,
    resolve_digest: bool = False,
    inherit_config: bool = True,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state from an image in a registry.

    ``ref`` is a reference such as ``alpine``, ``alpine:3.20`` or ``ghcr.io/o/app:1@sha256:…``; the
    default domain is docker.io and the default tag ``latest``.

    - ``platform``: the platform to select, for example ``linux/arm64``; it also applies to the
      steps that follow. The default is the platform passed to :meth:`State.marshal`.
    - ``resolve_mode``: ``default``, ``pull`` (ask the registry even if the daemon has the image) or
      ``local`` (use the daemon's image if it has one).
    - ``record_type``: the record type of the cache entry, for example ``internal``.
    - ``layer_limit``: use only the first layers, at least 1.
    - ``checksum``: the digest that the image must have, ``sha256:…``.
    - ``resolver``: resolve the image now and apply its config (:meth:`State.with_image_config`):
      the environment, working directory and platform for the steps that follow, and the other
      fields for an image made from the state. As with Go's ``WithMetaResolver``, steps do not run
      as the user of the image.
    - ``resolve_digest``: pin the source to the digest that the resolver found.
    - ``inherit_config``: without a resolver, inherit the config when the state is built by
      ``llb build`` or a client, or passed to :func:`llb.resolve_images`: as with FROM in a
      Dockerfile, steps get the environment, working directory, user and shell of the image, and an
      image made from the state inherits its config. :meth:`State.marshal` itself resolves nothing
      and warns. False uses the files of the image only, as Go's ``llb.Image`` does.

    Raises InvalidValueError for an invalid argument.

    >>> from llb import Image
    >>> Image("alpine:3.20", platform="linux/arm64").run("uname -m")
    <State after ExecOp>
    """
    attrs: list[tuple[str, str]] = []
    caps = ["source.image"]
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
        state = source_state(f"{DOCKER_IMAGE_SCHEME}{reference}", attrs, caps, platform, options)
        return _inheriting(state) if inherit_config else state
    resolved = resolver.resolve_image_config(
        str(reference),
        platform=None if platform is None else to_platform(platform),
        resolve_mode=resolve_mode,
    )
    if resolve_digest and reference.digest is None and resolved.digest:
        reference = reference.pinned(resolved.digest)
    state = source_state(f"{DOCKER_IMAGE_SCHEME}{reference}", attrs, caps, platform, options)
    return state.with_image_config(resolved.config)


@checked(options=StepOptions)
def Local(  # noqa: N802 - it reads as the type of what it returns
    name: str,
    /,
    *,
    include: Iterable[RawText] = (),
    exclude: Iterable[RawText] = (),
    follow_paths: Iterable[RawText] = (),
    shared_key: str | None = None,
    session_id: str | None = None,
    unique_id: str | None = None,
    differ: Differ | None = None,
    differ_required: bool = False,
    metadata_only: bool | Iterable[str] = False,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state from a directory of the client.

    ``name`` is a label, not a path: the client assigns a directory to it when it builds (``llb
    build --local NAME=DIR``).

    - ``include``, ``exclude``: patterns of the files to send or skip, as in .dockerignore.
    - ``follow_paths``: send only these paths, and the targets of symbolic links in them.
    - ``shared_key``: reuse an earlier upload with the same key, to send only changes.
    - ``session_id``: read from this session of the client only.
    - ``unique_id``: an id of this build, to keep its upload apart from those of other builds;
      ignored with ``session_id``.
    - ``differ``: how changes are detected, ``none`` (send everything) or ``metadata``. A daemon
      without support ignores it, unless ``differ_required``.
    - ``metadata_only``: True sends no file contents; patterns send the contents of matching files.

    Raises InvalidValueError for an empty name or an unknown ``differ``.

    >>> from llb import Image, Local
    >>> source = Local("context", exclude=["**/__pycache__", ".git"])
    >>> Image("python").copy(source, "/app")
    <State after FileOp>
    """
    if not name:
        raise InvalidValueError("invalid local name '': expected a name, for example context")
    content_patterns = () if isinstance(metadata_only, bool) else tuple(metadata_only)
    # Attribute, value, and the capability that it requires if the value is set.
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
        ("local.metadatatransferexclude", _json(content_patterns), None),
    ]
    attrs = [(key, value) for key, value, _ in rows if value is not None]
    caps = ["source.local", *(cap for _, value, cap in rows if value is not None and cap)]
    return source_state(f"{LOCAL_SCHEME}{name}", attrs, caps, None, options)


@checked(options=StepOptions)
def OCILayout(  # noqa: N802 - it reads as the type of what it returns
    ref: str,
    *,
    store_id: str | None = None,
    session_id: str | None = None,
    layer_limit: int | None = None,
    platform: Platform | str | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Create a state from an image in an OCI layout on the client.

    ``ref`` is ``name@sha256:…``. ``store_id`` names the layout, if it is not the name in ``ref``,
    and ``session_id`` the session that provides it. ``layer_limit`` uses only the first layers.
    ``platform`` is that of the image and of the steps that follow. Raises InvalidValueError for an
    invalid argument.
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
    """Create the empty tree.

    >>> from llb import Image, Scratch
    >>> Scratch().copy(Image("alpine"), "/etc/", src="/etc/os-release")
    <State after FileOp>
    """
    return State()


def source_state(
    identifier: str,
    attrs: list[tuple[str, str]],
    caps: list[str],
    platform: Platform | str | None,
    options: StepOptions,
) -> State:
    """Create the state of a source; every kind of source uses it."""
    normalized = None if platform is None else to_platform(platform)
    op = ops.SourceOp(identifier, tuple(sorted(attrs)), tuple(caps), *step(normalized, options))
    return State(ops.Output(op), Settings(platform=normalized))


def _inheriting(state: State) -> State:
    """Inherit the config of an image that is not resolved yet."""
    assert state.output is not None
    base = state.output.op
    assert isinstance(base, ops.SourceOp)
    process = ops.Process(cwd=BasePath(base), base=base)
    return evolve(state, settings=evolve(state.settings, process=process))


def _layers(limit: int) -> str:
    if limit < 1:
        raise InvalidValueError(f"invalid layer limit {limit}: expected 1 or more")
    return str(limit)


def _json(items: Iterable[str]) -> str | None:
    """Encode values as a JSON array, as Go's encoder does; None if there are none."""
    values = tuple(items)
    return gojson.dumps(values) if values else None
