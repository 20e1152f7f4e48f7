"""Build contexts: main and named contexts, ignore files, and SOURCE_DATE_EPOCH of a context."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from contextlib import suppress
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
from llb.frontend.dockerui.archives import is_archive, newest_time, to_time, unpacked
from llb.frontend.dockerui.local_sources import (
    CONTEXT,
    DOCKERFILE,
    IGNORE,
    dockerfile_folder,
    fallback_name,
    ignore_folder,
    local_folder,
)
from llb.frontend.dockerui.tree_files import find
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from llb import Platform, ResolvedImage
    from llb.frontend.dockerui.options import Options
    from llb.gateway import Gateway, Ref, Request

_HEAD = 1024
# How many times policies may replace the source of a context.
_REPLACED = 11
_COMMITTER = re.compile(rb"^committer .*> (-?[0-9]+) [+-][0-9]{4}$", re.MULTILINE)


@frozen
class BuildContext:
    """The sources of the build context and the Dockerfile.

    ``tree`` is the context, and ``dockerfile`` the tree that contains ``filename``; both are None
    for local directories. ``source`` is the repository or the URL that the context comes from,
    and ``archive`` the fetched file, if the context is an archive at a URL.
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
        """The session ID of the client."""
        return self.request.session_id

    @property
    def git_advice(self) -> bool:
        """Whether git prints its advice."""
        return self.options.git_advice

    @cached_property
    def inputs(self) -> dict[str, State]:
        """The trees that the client built."""
        definitions = self.gateway.inputs()
        return {name: from_definition(definition) for name, definition in definitions.items()}

    @cached_property
    def main(self) -> BuildContext:
        """The build context and the Dockerfile. Raises LLBError."""
        context = self._from_remote() or self._from_client()
        folder = self.options.context_folder
        if context.tree is None or folder is None:
            return context
        inside = copy(context.tree, "/", src=folder, create_dest_path=False, wildcard=False)
        tree = Scratch().file(inside, locations=())
        return evolve(context, tree=tree)

    @property
    def dockerfile(self) -> State:
        """The tree of the Dockerfile; from a local directory only the file and its ignore file."""
        name = self._dockerfile_name
        return self.main.dockerfile or dockerfile_folder(
            self.options.filename, name, self.session_of(name)
        )

    def dockerfile_neighbours(self, patterns: Iterable[str], label: str) -> State:
        """Load the tree of the Dockerfile; from a local directory only ``patterns``."""
        name = self._dockerfile_name
        return self.main.dockerfile or local_folder(
            name, label, session_id=self.session_of(name), shared_key=name, include=patterns
        )

    @property
    def _dockerfile_name(self) -> str:
        return self.options.dockerfile_name or DOCKERFILE

    def ignore(self, folder: Ref) -> tuple[str, ...]:
        """Read the patterns of files that a local context does not send.

        They are in the ignore file next to the Dockerfile, in ``folder``, or else in that of
        the context.
        """
        if self.main.tree is not None:
            return ()
        name = f"{self.main.filename}{IGNORE}"
        specific = find(self.gateway, folder, name)
        if specific is not None:
            return dockerfile.parse_ignore(specific, name)
        try:
            patterns = self._read(ignore_folder(self.session_of(CONTEXT)), IGNORE)
        except RemoteError:
            # A build may have no context; a build that uses a missing context fails later.
            patterns = None
        return dockerfile.parse_ignore(patterns or b"")

    def named(self, request: ContextRequest) -> ResolvedContext:
        """Resolve a named context. Raises LLBError."""
        for _ in range(_REPLACED):
            try:
                return load_context(request, self)
            except ReplacedError as error:
                kind, _, ref = error.source.partition("://")
                request = evolve(request, value=f"{kind}:{ref}")
            except (InputError, RemoteError) as error:
                error.span = error.span or request.span
                raise
        raise InputError(
            f"context recursion limit exceeded: {request.value}",
            hint="policies of the daemon may replace sources in a cycle",
        )

    def resolve_image(
        self,
        ref: str,
        platform: Platform | None,
        log_name: str,
        layout: tuple[str, str] | None = None,
    ) -> ResolvedImage:
        """Resolve the digest and config of an image, once per build."""
        key = (ref, platform, layout)
        with self._lock:
            if key in self._images:
                return self._images[key]
        resolved = self.gateway.resolve_image_config(
            ref,
            platform=platform,
            resolve_mode=self.options.resolve_mode,
            log_name=log_name,
            layout=layout,
        )
        with self._lock:
            return self._images.setdefault(key, resolved)

    def image(self, ref: str, platform: Platform | None, log_name: str) -> tuple[str, bytes]:
        """Resolve the reference of an image, which a policy may change, and its config."""
        resolved = self.resolve_image(ref, platform, log_name)
        return resolved.ref or ref, resolved.config

    def layout_image(self, ref: str, store: str, platform: Platform | None, log_name: str) -> bytes:
        """Resolve the config of an image in an OCI layout of the client."""
        return self.resolve_image(ref, platform, log_name, (self.session_id, store)).config

    def local(self, request: ContextRequest, name: str) -> LocalTree:
        """Describe a local directory of the client, without the files that its ignore file excludes."""
        ignore = local_folder(
            name,
            f"[context {request.key}] load {IGNORE}",
            session_id=self.session_of(name),
            shared_key=f"context:{request.key}-{IGNORE}",
            follow_paths=[IGNORE],
        )
        patterns = self._read(ignore, IGNORE)
        return LocalTree(
            name,
            f"[context {request.key}] load from client",
            f"context:{request.key}-{self.options.shared_keys.get(request.key, '')}",
            dockerfile.parse_ignore(patterns or b""),
            self.session_of(name),
        )

    def given(self, name: str) -> tuple[State, bytes | None] | None:
        """Look up a tree that the client built, with its image config; None if there is none."""
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
        """Look up the session ID for a local directory."""
        return self.options.sessions.get(local, self.session_id)

    def epoch(self, source: State | ContextRequest, log_name: str) -> datetime | None:
        """Get the time of the last change of a source; None if it is unknown."""
        archive, name = None, WEB_FILE
        if isinstance(source, ContextRequest):
            tree = self.named(source).tree
            if isinstance(tree, LocalTree):
                return None
            source = tree
        elif source is self.main.tree:
            source, archive = self.main.source or source, self.main.archive
        definition = source.marshal()
        metadata = self.gateway.resolve_source(definition, log_name=log_name)
        if metadata.commit:
            committed = _COMMITTER.search(metadata.commit)
            return None if committed is None else to_time(committed[1])
        if metadata.modified is not None or metadata.filename is None:
            return metadata.modified
        if archive is None:
            archive, name = self.gateway.solve(definition), metadata.filename
        return newest_time(self.gateway, source, archive, name)

    def _from_remote(self) -> BuildContext | None:
        """Load a context in a repository or at a URL, if the build has one."""
        options = self.options
        keep = False
        with suppress(ValueError):
            keep = parse_switch(options.build_args.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR", ""))
        mtime = "commit" if options.build_args.get("SOURCE_DATE_EPOCH") else ""
        try:
            tree = git_context(
                options.context, keep_git_dir=keep, mtime=mtime, advice=options.git_advice
            )
        except ValueError as error:
            raise InvalidValueError(str(error)) from error
        if tree is not None:
            return BuildContext(tree, self._dockerfile_in(tree), options.filename, tree)
        if not is_remote(options.context):
            return None
        name = "[internal] load remote build context"
        source = HTTP(options.context, filename=WEB_FILE, name=name, locations=())
        fetched = self.gateway.solve(source.marshal())
        if not is_archive(self.gateway.read_file(fetched, WEB_FILE, length=_HEAD)):
            return BuildContext(source, self._dockerfile_in(source), WEB_FILE, source, fetched)
        tree = unpacked(source, WEB_FILE)
        folder = self._dockerfile_in(tree)
        return BuildContext(tree, folder, options.filename, source, fetched)

    def _from_client(self) -> BuildContext:
        """Load a context that the client built or has in a directory."""
        folder = self._dockerfile_in(self.inputs.get(DOCKERFILE))
        return BuildContext(self.inputs.get(CONTEXT), folder, self.options.filename)

    def _dockerfile_in(self, tree: State | None) -> State | None:
        return tree if self.options.dockerfile_name is None else None

    def _read(self, tree: State, path: str) -> bytes | None:
        """Read a file of a tree; None if it is missing."""
        return find(self.gateway, self.gateway.solve(tree.marshal()), path)


def read_dockerfile(folder: Ref, context: BuildContext, gateway: Gateway) -> bytes:
    """Read the Dockerfile. Raises InputError if it is missing or too large."""
    for path in filter(None, (context.filename, fallback_name(context.filename))):
        try:
            content = find(gateway, folder, path)
        except InputError as error:
            raise InputError(f"failed to read dockerfile: {error.message}") from error
        if content is not None:
            return content
    raise InputError(
        f"failed to read dockerfile: open {context.filename}: no such file or directory",
        hint="name the file in the option filename, relative to its directory",
    )
