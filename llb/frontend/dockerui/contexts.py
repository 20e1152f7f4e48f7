"""Build contexts, as a daemon and the client behind it have them."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from llb import HTTP, Scratch, State, copy, dockerfile, from_definition
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.dockerfile.sources.named_contexts import (
    WEB_FILE,
    ContextRequest,
    LocalTree,
    ResolvedContext,
    git_context,
    load_context,
)
from llb.dockerfile_rules.copy import is_remote
from llb.errors import InputError, InvalidValueError, RemoteError, ReplacedError
from llb.frontend.dockerui.local_sources import (
    CONTEXT,
    DOCKERFILE,
    IGNORE,
    dockerfile_folder,
    ignore_folder,
    local_folder,
    other_name,
)
from llb.gateway import Ref, is_not_found
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Platform, ResolvedImage
    from llb.frontend.dockerui.options import Options
    from llb.gateway import Gateway, Request

# How the archives begin that a context at a URL may be: bzip2, gzip, xz.
_COMPRESSED = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00")
_HEAD = 1024
# How often policies may put another source in the place of a context.
_REPLACED = 11
_COMMITTER = re.compile(rb"^committer .*> (-?[0-9]+) [+-][0-9]{4}$", re.MULTILINE)


@frozen
class BuildContext:
    """Where the build context and the Dockerfile are.

    ``tree`` is the context, and ``dockerfile`` the tree with ``filename`` in it, where they are
    no local directories. ``source`` is the repository or the URL that the context comes from,
    and ``archive`` the file that was fetched from there, if it is one of many files.
    """

    tree: State | None
    dockerfile: State | None
    filename: str
    source: State | None = None
    archive: Ref | None = None


@define
class Contexts:
    """The contexts of one build; safe for use by several threads at once."""

    options: Options
    request: Request
    gateway: Gateway
    _images: dict[tuple[object, ...], ResolvedImage] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    @property
    def session_id(self) -> str:
        """The session with the client."""
        return self.request.session_id

    @cached_property
    def inputs(self) -> dict[str, State]:
        """The trees that the client built."""
        return {name: from_definition(each) for name, each in self.gateway.inputs().items()}

    @cached_property
    def main(self) -> BuildContext:
        """The build context and the Dockerfile. Raises LLBError."""
        found = self._remote() or self._given()
        folder = self.options.context_folder
        if found.tree is None or folder is None:
            return found
        inside = copy(found.tree, "/", src=folder, create_dest_path=False, wildcard=False)
        tree = Scratch().file(inside, locations=())
        return evolve(found, tree=tree)

    @property
    def dockerfile(self) -> State:
        """The tree of the Dockerfile; of a directory that file and its ignore file alone."""
        name = self._dockerfile_name
        return self.main.dockerfile or dockerfile_folder(
            self.options.filename, name, self.session_of(name)
        )

    def beside(self, patterns: Iterable[str], label: str) -> State:
        """Return the tree of the Dockerfile; of a directory what ``patterns`` name."""
        name = self._dockerfile_name
        return self.main.dockerfile or local_folder(
            name, label, session_id=self.session_of(name), shared_key=name, include=patterns
        )

    @property
    def _dockerfile_name(self) -> str:
        return self.options.dockerfile_name or DOCKERFILE

    def ignore(self, folder: Ref) -> tuple[str, ...]:
        """Return the patterns of files that a local context does not send.

        They are in the ignore file beside the Dockerfile, in ``folder``, else in that of
        the context.
        """
        if self.main.tree is not None:
            return ()
        name = f"{self.main.filename}{IGNORE}"
        own = read(self.gateway, folder, name)
        if own is not None:
            return dockerfile.parse_ignore(own, name)
        try:
            found = self._read(ignore_folder(self.session_of(CONTEXT)), IGNORE)
        except RemoteError:
            # A build that has no context may do without; one that needs it says so itself.
            found = None
        return dockerfile.parse_ignore(found or b"")

    def named(self, request: ContextRequest) -> ResolvedContext:
        """Return a named context. Raises LLBError."""
        for _ in range(_REPLACED):
            try:
                return load_context(request, self)
            except ReplacedError as error:
                kind, _, rest = error.source.partition("://")
                request = evolve(request, value=f"{kind}:{rest}")
            except RemoteError as error:
                error.span = error.span or request.span
                raise
        raise InputError(
            f"context recursion limit exceeded: {request.value}",
            hint="the policies of the daemon may replace sources in a circle",
        )

    def resolve_image(
        self,
        ref: str,
        platform: Platform | None,
        log_name: str,
        layout: tuple[str, str] | None = None,
    ) -> ResolvedImage:
        """Return digest and config of an image, which is asked for once."""
        key = (ref, platform, layout)
        with self._lock:
            if key in self._images:
                return self._images[key]
        found = self.gateway.resolve_image_config(
            ref,
            platform=platform,
            resolve_mode=self.options.resolve_mode,
            log_name=log_name,
            layout=layout,
        )
        with self._lock:
            return self._images.setdefault(key, found)

    def image(self, ref: str, platform: Platform | None, log_name: str) -> tuple[str, bytes]:
        """Return the reference of an image, which a policy may change, and its config."""
        found = self.resolve_image(ref, platform, log_name)
        return found.ref or ref, found.config

    def layout_image(self, ref: str, store: str, platform: Platform | None, log_name: str) -> bytes:
        """Return the config of an image in an OCI layout of the client."""
        return self.resolve_image(ref, platform, log_name, (self.session_id, store)).config

    def local(self, request: ContextRequest, name: str) -> LocalTree:
        """Return a local directory of the client, without what its ignore file names."""
        ignore = local_folder(
            name,
            f"[context {request.key}] load {IGNORE}",
            session_id=self.session_of(name),
            shared_key=f"context:{request.key}-{IGNORE}",
            follow_paths=[IGNORE],
        )
        text = self._read(ignore, IGNORE)
        return LocalTree(
            name,
            f"[context {request.key}] load from client",
            f"context:{request.key}-{self.options.shared_keys.get(request.key, '')}",
            dockerfile.parse_ignore(text or b""),
            self.session_of(name),
        )

    def given(self, name: str) -> tuple[State, bytes | None] | None:
        """Return a tree that the client built, with its image config; None for no such one."""
        if name not in self.inputs:
            return None
        metadata = self.options.input_metadata.get(name)
        if metadata is None:
            return self.inputs[name], None
        try:
            config = json.loads(metadata).get(EXPORTER_IMAGE_CONFIG_KEY)
            return self.inputs[name], None if config is None else b64decode(config)
        except (ValueError, AttributeError, TypeError, Base64Error) as error:
            raise InvalidValueError(f"failed to parse input metadata {metadata}") from error

    def session_of(self, local: str) -> str:
        """Return the session that has a local directory."""
        return self.options.sessions.get(local, self.session_id)

    def epoch(self, source: State | ContextRequest, log_name: str) -> datetime | None:
        """Return when a source was changed last, None where nobody knows."""
        archive, name = None, WEB_FILE
        if isinstance(source, ContextRequest):
            tree = self.named(source).tree
            if isinstance(tree, LocalTree):
                return None
            source = tree
        elif source is self.main.tree:
            source, archive = self.main.source or source, self.main.archive
        definition = source.marshal()
        found = self.gateway.resolve_source(definition, log_name=log_name)
        if found.commit:
            committed = _COMMITTER.search(found.commit)
            return None if committed is None else datetime.fromtimestamp(int(committed[1]), UTC)
        if found.modified is not None or found.filename is None:
            return found.modified
        if archive is None:
            archive, name = self.gateway.solve(definition), found.filename
        return _newest(self.gateway.read_file(archive, name))

    def _remote(self) -> BuildContext | None:
        """Return a context in a repository or at a URL, if that is what was asked for."""
        options = self.options
        keep = False
        with suppress(ValueError):
            keep = parse_switch(options.build_args.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR", ""))
        mtime = "commit" if options.build_args.get("SOURCE_DATE_EPOCH") else ""
        try:
            tree = git_context(options.context, keep_git_dir=keep, mtime=mtime)
        except ValueError as error:
            raise InvalidValueError(str(error)) from error
        if tree is not None:
            return BuildContext(tree, self._dockerfile_in(tree), options.filename, tree)
        if not is_remote(options.context):
            return None
        name = "[internal] load remote build context"
        source = HTTP(options.context, filename=WEB_FILE, name=name, locations=())
        fetched = self.gateway.solve(source.marshal())
        if not _is_archive(self.gateway.read_file(fetched, WEB_FILE, length=_HEAD)):
            return BuildContext(source, self._dockerfile_in(source), WEB_FILE, source, fetched)
        archive = copy(
            source,
            "/",
            src=f"/{WEB_FILE}",
            unpack=True,
            contents_only=False,
            create_dest_path=False,
            wildcard=False,
        )
        tree = Scratch().file(archive, locations=())
        folder = self._dockerfile_in(tree)
        return BuildContext(tree, folder, options.filename, source, fetched)

    def _given(self) -> BuildContext:
        """Return a context that the client built, or has in a directory."""
        folder = self._dockerfile_in(self.inputs.get(DOCKERFILE))
        return BuildContext(self.inputs.get(CONTEXT), folder, self.options.filename)

    def _dockerfile_in(self, tree: State | None) -> State | None:
        return tree if self.options.dockerfile_name is None else None

    def _read(self, tree: State, path: str) -> bytes | None:
        """Return a file of a tree, None where there is none."""
        return read(self.gateway, self.gateway.solve(tree.marshal()), path)


def read_dockerfile(folder: Ref, context: BuildContext, gateway: Gateway) -> bytes:
    """Return the bytes of the Dockerfile. Raises InputError where there is none."""
    for path in filter(None, (context.filename, other_name(context.filename))):
        text = read(gateway, folder, path)
        if text is not None:
            return text
    raise InputError(
        f"failed to read dockerfile: open {context.filename}: no such file or directory",
        hint="name the file with --opt filename=PATH, relative to its directory",
    )


def read(gateway: Gateway, ref: Ref, path: str) -> bytes | None:
    """Return a file of a tree, or None where there is none."""
    try:
        return gateway.read_file(ref, path)
    except RemoteError as error:
        if is_not_found(error):
            return None
        raise


def _is_archive(head: bytes) -> bool:
    import tarfile  # noqa: PLC0415 - few contexts are archives

    if head.startswith(_COMPRESSED):
        return True
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _newest(data: bytes) -> datetime | None:
    """Return when the last file in an archive was changed; None for what is no archive."""
    import tarfile  # noqa: PLC0415 - few times are those of archives

    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            times = [entry.mtime for entry in archive if entry.isfile()]
    except (tarfile.TarError, OSError, EOFError):
        return None
    return datetime.fromtimestamp(int(max(times)), UTC) if times else None
