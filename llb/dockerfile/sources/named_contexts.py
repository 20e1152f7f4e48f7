"""Named contexts: ``docker build --build-context NAME=VALUE``.

A named context replaces the stage of that name, which is then not built, or the image. The forms
of a value are those of the Dockerfile reference: ``docker-image://``, ``oci-layout://``, Git
repositories, URLs, local directories of the client (``local:``) and trees that the client built
(``input:``).
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
    from llb.sources.image_and_local import Differ

# The file name of a context that is downloaded from a URL.
WEB_FILE = "context"

_NEVER = ("scratch", "context")
_LATEST = ":latest"
_KINDS = "docker-image, oci-layout, git, http, https, local, input"


@frozen
class ContextRequest:
    """A named context that a conversion needs.

    ``name`` is the stage or image that it replaces, ``key`` the client's name for it, with or
    without a platform, and ``value`` its specifier. ``is_stage`` is whether it replaces a whole
    stage and not only its base image.
    """

    name: str
    key: str
    value: str
    platform: Platform | None
    is_stage: bool
    span: Span | None = field(eq=False, repr=False)


@frozen
class LocalTree:
    """A local directory of the client; a build transfers only the paths that it uses.

    ``label`` is shown by progress displays, ``shared_key`` identifies earlier uploads.
    """

    name: str
    label: str
    shared_key: str
    exclude: tuple[str, ...] = ()
    session_id: str | None = None
    unique_id: str | None = None

    def to_state(
        self,
        follow_paths: tuple[str, ...] = (),
        include: tuple[str, ...] = (),
        differ: Differ | None = None,
    ) -> State:
        """Create the source of the directory, or of the part of it that matches the patterns.

        With the ``differ`` ``none``, the client sends the files even if they look unchanged.
        """
        return Local(
            self.name,
            include=include,
            exclude=self.exclude,
            follow_paths=follow_paths,
            session_id=self.session_id,
            unique_id=self.unique_id,
            shared_key=self.shared_key,
            differ=differ,
            name=self.label,
            locations=(),
        )


@frozen
class ResolvedContext:
    """A resolved named context: a tree, and the config as JSON if it is an image."""

    tree: State | LocalTree
    config: bytes | None = field(default=None, repr=False)

    @cached_property
    def image(self) -> ImageConfig | None:
        """The parsed config. Raises InvalidValueError."""
        return None if self.config is None else ImageConfig.from_json(self.config)

    @property
    def triggers(self) -> tuple[str, ...]:
        """The ONBUILD instructions of the image."""
        return () if self.image is None else self.image.onbuild


class ContextSource(Protocol):
    """Resolves images, and the directories and trees of the client."""

    @property
    def session_id(self) -> str | None:
        """The id of the session with the client, or None."""

    @property
    def git_advice(self) -> bool:
        """Whether git prints its advice."""

    def image(self, ref: str, platform: Platform | None, log_name: str) -> tuple[str, bytes]:
        """Resolve an image to its reference, which a policy may change, and its config."""

    def layout_image(self, ref: str, store: str, platform: Platform | None, log_name: str) -> bytes:
        """Resolve the config of an image in an OCI layout of the client."""

    def local(self, request: ContextRequest, name: str) -> LocalTree:
        """Open a local directory of the client."""

    def given(self, name: str) -> tuple[State, bytes | None] | None:
        """Look up a tree that the client built, with its image config; None if it is unknown."""


def find_context(
    contexts: Mapping[str, str],
    name: str,
    platform: Platform | None,
    *,
    is_stage: bool = False,
    span: Span | None = None,
) -> ContextRequest | None:
    """Find the named context that replaces a stage or an image, if any.

    One for ``platform``, by default the host's, takes precedence over one for all platforms.
    Raises DockerfileError if the name is not a valid reference.
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
    """Resolve a named context. Raises DockerfileError, and the exceptions of ``source``."""
    kind, colon, location = request.value.partition(":")
    if not colon:
        reason = f"invalid context specifier {request.value} for {request.key}"
        raise errors.bad_context(request.span, reason)
    match "git" if kind.startswith("git@") else kind:
        case "docker-image":
            return _load_image(request, location.removeprefix("//"), source)
        case "oci-layout":
            return _load_layout(request, location.removeprefix("//"), source)
        case "git":
            return ResolvedContext(_load_repository(request, request.value, source))
        case "http" | "https":
            return ResolvedContext(_load_url(request, source))
        case "local":
            return ResolvedContext(source.local(request, location))
        case "input":
            return _load_input(request, location, source)
        case _:
            reason = f"unsupported context source {kind} for {request.key}"
            raise errors.bad_context(request.span, reason, hint=f"expected one of {_KINDS}")


def _load_image(request: ContextRequest, name: str, source: ContextSource) -> ResolvedContext:
    if name == "scratch":
        return ResolvedContext(Scratch())
    ref = str(_parse_reference(request, name).tagged())
    log_name = f"[context {request.key}] load metadata for {name}"
    ref, config = source.image(ref, request.platform, log_name)
    state = LLBImage(
        ref, platform=request.platform, name=f"[context {request.key}] {name}", locations=()
    )
    return ResolvedContext(state.with_image_config(config), config)


def _load_layout(request: ContextRequest, reference: str, source: ContextSource) -> ResolvedContext:
    store, at, digest = reference.partition("@")
    # The name is that of a store; Docker ignores its tag.
    store = store[: store.rindex(":")] if ":" in store.rpartition("/")[2] else store
    if not store:
        reason = f'oci-layout reference "{reference}" has no name'
        raise errors.bad_context(request.span, reason)
    if not at:
        reason = f'oci-layout reference "{reference}" has no digest'
        raise errors.bad_context(request.span, reason, hint="oci-layout://NAME@sha256:…")
    try:
        ref = str(_parse_reference(request, request.name).pinned(check_digest(digest)))
    except InvalidValueError as error:
        reason = f'could not parse oci-layout reference "{reference}": {error.message}'
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


def _parse_reference(request: ContextRequest, ref: str) -> Reference:
    try:
        return Reference.parse(ref)
    except InvalidValueError as error:
        raise errors.bad_context(request.span, error.message, hint=error.hint) from error


def _load_repository(request: ContextRequest, url: str, source: ContextSource) -> State:
    try:
        state = git_context(url, advice=source.git_advice)
    except ValueError as error:
        raise errors.bad_context(request.span, str(error)) from error
    if state is None:
        raise errors.bad_context(request.span, f"invalid git context {url}")
    return state


def _load_url(request: ContextRequest, source: ContextSource) -> State:
    try:
        repository_state = git_context(request.value, advice=source.git_advice)
    except ValueError as error:
        raise errors.bad_context(request.span, str(error)) from error
    name = f"[context {request.key}] {request.value}"
    return repository_state or HTTP(request.value, filename=WEB_FILE, name=name, locations=())


def _load_input(request: ContextRequest, name: str, source: ContextSource) -> ResolvedContext:
    client_input = source.given(name)
    if client_input is None:
        reason = f"invalid input {name} for {request.key}"
        raise errors.bad_context(request.span, reason)
    state, config = client_input
    return ResolvedContext(state if config is None else state.with_image_config(config), config)


def git_context(
    url: str, *, keep_git_dir: bool = False, mtime: str = "", advice: bool = False
) -> State | None:
    """Create the source of a context that is a Git repository; None if ``url`` is not one.

    Raises ValueError for an invalid query.
    """
    git = parse_git_ref(url)
    if git is None:
        return None
    return repository(
        git,
        keep_git_dir=keep_git_dir or bool(git.keep_git_dir),
        checksum=git.checksum,
        mtime=git.mtime or mtime,
        advice=advice,
        name=f"[internal] load git source {url}",
        locations=(),
    )
