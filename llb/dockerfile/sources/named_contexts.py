"""Named contexts: what ``docker build --build-context NAME=VALUE`` puts in the place of a name.

A name is that of a stage, which is then not built, or of an image. The forms of a value are
those of the Dockerfile reference: ``docker-image://``, ``oci-layout://``, repositories, URLs,
local directories of the client (``local:``) and trees that the client built (``input:``).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from llb import HTTP, Local, OCILayout, Platform, Reference, Scratch, State
from llb import Image as LLBImage
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.sources.git_refs import parse_git_ref
from llb.dockerfile.sources.remote import repository
from llb.errors import InvalidValueError
from llb.reference import check_digest
from llb.state.image_config import ImageConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import Span

# The name of the file that a context at a URL is.
WEB_FILE = "context"

_NEVER = ("scratch", "context")
_LATEST = ":latest"
_KINDS = "docker-image, oci-layout, git, http, https, local, input"


@frozen
class ContextRequest:
    """A named context that a conversion needs.

    ``name`` is what it stands for, ``key`` how the client named it, with or without a
    platform, and ``value`` what it is. ``is_stage`` is whether it replaces a stage and not
    just the image of one.
    """

    name: str
    key: str
    value: str
    platform: Platform | None
    is_stage: bool
    span: Span | None = field(eq=False, repr=False)


@frozen
class LocalTree:
    """A local directory of the client, of which a build sends what it uses.

    ``label`` is what progress shows, ``shared_key`` finds an earlier upload.
    """

    name: str
    label: str
    shared_key: str
    exclude: tuple[str, ...] = ()
    session_id: str | None = None
    unique_id: str | None = None

    def to_state(self, follow_paths: tuple[str, ...] = (), include: tuple[str, ...] = ()) -> State:
        """Take the directory, or the part of it that matches the patterns."""
        return Local(
            self.name,
            include=include,
            exclude=self.exclude,
            follow_paths=follow_paths,
            session_id=self.session_id,
            unique_id=self.unique_id,
            shared_key=self.shared_key,
            name=self.label,
            locations=(),
        )


@frozen
class ResolvedContext:
    """What a named context comes to: a tree, and the config in JSON where it is an image."""

    tree: State | LocalTree
    config: bytes | None = field(default=None, repr=False)

    @cached_property
    def image(self) -> ImageConfig | None:
        """The config as a value. Raises InvalidValueError."""
        return None if self.config is None else ImageConfig.from_json(self.config)

    @property
    def triggers(self) -> tuple[str, ...]:
        """The ONBUILD instructions of the image."""
        return () if self.image is None else self.image.onbuild


class ContextSource(Protocol):
    """What knows of images, and of what the client has."""

    @property
    def session_id(self) -> str | None:
        """The session with the client, None where there is none."""

    def image(self, ref: str, platform: Platform | None, log_name: str) -> tuple[str, bytes]:
        """Return the reference of an image, which a policy may change, and its config."""

    def layout_image(self, ref: str, store: str, platform: Platform | None, log_name: str) -> bytes:
        """Return the config of an image in an OCI layout of the client."""

    def local(self, request: ContextRequest, name: str) -> LocalTree:
        """Return a local directory."""

    def given(self, name: str) -> tuple[State, bytes | None] | None:
        """Return a tree that the client built, with its image config; None for no such one."""


def find_context(
    contexts: Mapping[str, str],
    name: str,
    platform: Platform | None,
    *,
    is_stage: bool = False,
    span: Span | None = None,
) -> ContextRequest | None:
    """Return the named context that stands for a stage or an image, if there is one.

    One that is given for ``platform``, or for that of this machine, comes before one for all.
    Raises DockerfileError for a name that is no reference.
    """
    if not contexts or name.lower() in _NEVER:
        return None
    try:
        name = Reference.parse(name).familiar.removesuffix(_LATEST)
    except InvalidValueError as error:
        raise errors.bad_context_name(span, name, error.message) from error
    for key in (f"{name}::{(platform or Platform.host()).normalize()}", name):
        if key in contexts:
            return ContextRequest(name, key, contexts[key], platform, is_stage, span)
    return None


def load_context(request: ContextRequest, source: ContextSource) -> ResolvedContext:
    """Return what a named context comes to. Raises DockerfileError, and what ``source`` raises."""
    kind, colon, rest = request.value.partition(":")
    if not colon:
        reason = f"invalid context specifier {request.value} for {request.key}"
        raise errors.bad_context(request.span, reason)
    match "git" if kind.startswith("git@") else kind:
        case "docker-image":
            return _image(request, rest.removeprefix("//"), source)
        case "oci-layout":
            return _layout(request, rest.removeprefix("//"), source)
        case "git":
            return ResolvedContext(_repository(request, request.value))
        case "http" | "https":
            return ResolvedContext(_web(request))
        case "local":
            return ResolvedContext(source.local(request, rest))
        case "input":
            return _input(request, rest, source)
        case _:
            reason = f"unsupported context source {kind} for {request.key}"
            raise errors.bad_context(request.span, reason, hint=f"expected one of {_KINDS}")


def _image(request: ContextRequest, text: str, source: ContextSource) -> ResolvedContext:
    if text == "scratch":
        return ResolvedContext(Scratch())
    ref = str(_reference(request, text).tagged())
    log_name = f"[context {request.key}] load metadata for {text}"
    ref, config = source.image(ref, request.platform, log_name)
    state = LLBImage(
        ref, platform=request.platform, name=f"[context {request.key}] {text}", locations=()
    )
    return ResolvedContext(state.with_image_config(config), config)


def _layout(request: ContextRequest, text: str, source: ContextSource) -> ResolvedContext:
    store, at, digest = text.partition("@")
    # The name is that of a store, which may have a tag that says nothing.
    store = store[: store.rindex(":")] if ":" in store.rpartition("/")[2] else store
    if not store:
        reason = f'oci-layout reference "{text}" has no name'
        raise errors.bad_context(request.span, reason)
    if not at:
        reason = f'oci-layout reference "{text}" has no digest'
        raise errors.bad_context(request.span, reason, hint="oci-layout://NAME@sha256:…")
    try:
        ref = str(_reference(request, request.name).pinned(check_digest(digest)))
    except InvalidValueError as error:
        reason = f'could not parse oci-layout reference "{text}": {error.message}'
        raise errors.bad_context(request.span, reason) from error
    log_name = f"[context {request.key}] load metadata for {ref}"
    config = source.layout_image(ref, store, request.platform, log_name)
    state = OCILayout(
        ref,
        session_id=source.session_id,
        store_id=store,
        platform=request.platform,
        name=f"[context {request.key}] OCI load from client",
        locations=(),
    )
    return ResolvedContext(state.with_image_config(config), config)


def _reference(request: ContextRequest, text: str) -> Reference:
    try:
        return Reference.parse(text)
    except InvalidValueError as error:
        raise errors.bad_context(request.span, error.message, hint=error.hint) from error


def _repository(request: ContextRequest, text: str) -> State:
    try:
        state = git_context(text)
    except ValueError as error:
        raise errors.bad_context(request.span, str(error)) from error
    if state is None:
        raise errors.bad_context(request.span, f"invalid git context {text}")
    return state


def _web(request: ContextRequest) -> State:
    try:
        found = git_context(request.value)
    except ValueError as error:
        raise errors.bad_context(request.span, str(error)) from error
    name = f"[context {request.key}] {request.value}"
    return found or HTTP(request.value, filename=WEB_FILE, name=name, locations=())


def _input(request: ContextRequest, name: str, source: ContextSource) -> ResolvedContext:
    found = source.given(name)
    if found is None:
        reason = f"invalid input {name} for {request.key}"
        raise errors.bad_context(request.span, reason)
    state, config = found
    return ResolvedContext(state if config is None else state.with_image_config(config), config)


def git_context(text: str, *, keep_git_dir: bool = False, mtime: str = "") -> State | None:
    """Return the repository that a context is, or None where ``text`` names none.

    Raises ValueError where its query says nothing that is known.
    """
    git = parse_git_ref(text)
    if git is None:
        return None
    return repository(
        git,
        keep_git_dir=keep_git_dir or bool(git.keep_git_dir),
        checksum=git.checksum,
        mtime=git.mtime or mtime,
        name=f"[internal] load git source {text}",
        locations=(),
    )
