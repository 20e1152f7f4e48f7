"""Build contexts and the Dockerfile: paths, URLs, archives, files in memory, and states."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from attrs import define, field

from llb._lazy import lazy_imports
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY, OCI_SCHEME
from llb.client.base_images.pending_state import PendingState
from llb.client.image_build import memory_tree
from llb.client.image_build.values import invalid, to_string
from llb.errors import Hint, InputError, InvalidValueError
from llb.gocompat.path import clean
from llb.local_files import paths
from llb.local_files.streams import read_stream
from llb.sources.http_and_blobs import HTTP
from llb.sources.inline_files import Directory, files
from llb.state.state import State

with lazy_imports(__name__):
    from llb.client.export import oci_layout  # 2 ms
    from llb.client.session import local_inputs, uploads  # 2 ms
    from llb.dockerfile.sources import named_contexts  # 92 ms

if TYPE_CHECKING:
    from llb.client.session.uploads import Upload

CONTEXT = "context"
DOCKERFILE_DIRECTORY = "dockerfile"
DOCKERFILE = "Dockerfile"

_EXPECTED = (
    "a directory, a URL, an archive as bytes or as an open binary file, a mapping of paths to "
    "contents, or a state"
)
_EXPECTED_NAMED = "a directory, an image, a URL, a mapping of paths to contents, or a state"
_URL = re.compile(r"(https?|git|ssh)://|[\w.-]+@[\w.-]+:|github\.com/")
_HTTP = re.compile(r"https?://")
_REMOTE = re.compile(r"(docker-image|https?|git)://|git@|target:|input:")
# The frontend reads the Dockerfile from this directory, whatever the context is.
_DOCKERFILE_KEY = "dockerfilekey"
_PYTHON = ".py"
# The attribute of a named context, and its value for a directory.
_NAMED, _LOCAL = "context:", "local:"
# That of BuildKit's frontend.
_MAX_DOCKERFILE = 16 * 2**20


def is_url(context: object) -> bool:
    """Check whether a context is a repository or a file on the web, and no directory."""
    if not isinstance(context, str) or not _URL.match(context):
        return False
    try:
        return not paths.is_dir(context)
    except InputError:
        # It is too long for a path.
        return True


def is_web_file(file: str) -> bool:
    """Check whether a Dockerfile is on the web."""
    return _HTTP.match(file) is not None


@define
class Contexts:
    """What a build reads: attributes of the frontend, and all that they name."""

    attrs: dict[str, str] = field(factory=dict)
    local_dirs: dict[str, str] = field(factory=dict)
    layouts: dict[str, str] = field(factory=dict)
    inputs: dict[str, State] = field(factory=dict)
    uploads: list[Upload] = field(factory=list)

    def add_main(self, context: object, file: str | None, inline: bytes | None) -> None:
        """Add the build context, and its Dockerfile: a file, a URL, or a text of its own.

        Raises InvalidValueError, and InputError for a missing directory.
        """
        is_directory = isinstance(context, str | os.PathLike) and not is_url(context)
        outer = _outer_definition(file, inline, is_directory=is_directory)
        match context:
            case State():
                self.inputs[CONTEXT] = context
                self._add_inner_file(context, file, outer)
            case Mapping():
                self._add_tree(context, file, outer)
            case bytes() | bytearray() | memoryview():
                self._add_archive(bytes(context), file, outer)
            case str() if is_url(context):
                self._add_url(context, file, outer)
            case str() | os.PathLike():
                self._add_directory(os.fspath(context), file, outer)
            case _ if callable(getattr(context, "read", None)):
                if isinstance(context, io.TextIOBase):
                    raise invalid("context", context, 'a file that is open as binary ("rb")')
                self._add_archive(cast("BinaryIO", context), file, outer)
            case _:
                raise invalid("context", context, _EXPECTED)

    def add_named(self, name: str, value: object) -> None:
        """Add a named context. Raises InvalidValueError and InputError."""
        label = f"contexts[{name!r}]"
        match value:
            case State():
                self._add_input(name, value)
            case Mapping():
                tree = memory_tree.to_tree(value, label)
                kept = memory_tree.without_ignored(tree, "")
                self._add_input(name, self._upload_tree(kept, f"context {name}"))
            case str() if is_url(value) and not _REMOTE.match(value):
                # The frontend knows these as the main context only.
                self._add_input(name, _fetched(value))
            case str() | os.PathLike():
                text = to_string(os.fspath(value), label)
                self.attrs[_NAMED + name] = self._context_attr(name, text)
            case _:
                raise invalid(label, value, _EXPECTED_NAMED)

    def directories(self) -> dict[str, str]:
        """List the directories by the names of their contexts, with the directory of the Dockerfile."""
        named = {
            _unreserved(key.removeprefix(_NAMED)): self.local_dirs[value.removeprefix(_LOCAL)]
            for key, value in self.attrs.items()
            if key.startswith(_NAMED) and value.startswith(_LOCAL)
        }
        own = (CONTEXT, DOCKERFILE_DIRECTORY)
        return {name: self.local_dirs[name] for name in own if name in self.local_dirs} | named

    def _add_directory(self, folder: str, file: str | None, outer: State | None) -> None:
        if not paths.is_dir(to_string(folder, "context")):
            is_file = paths.is_file(folder)
            raise InputError(
                f"build context: {'not a directory' if is_file else 'no such directory'}: {folder}",
                hint=_hint_for_file(folder) if is_file else None,
            )
        self.local_dirs[CONTEXT] = folder
        if outer is not None:
            self._add_definition(outer)
            return
        path = Path(file) if file is not None else Path(folder) / _name_in(folder)
        self._add_local_file(path)

    def _add_local_file(self, path: Path) -> None:
        self.local_dirs[DOCKERFILE_DIRECTORY] = str(path.parent)
        self.attrs["filename"] = path.name

    def _add_definition(self, tree: State) -> None:
        """Add a Dockerfile that is not in a directory."""
        self.inputs[DOCKERFILE_DIRECTORY] = tree
        self.attrs["filename"] = DOCKERFILE

    def _add_inner_file(self, tree: State, file: str | None, outer: State | None) -> None:
        """Add the Dockerfile of a context that is a tree on the daemon."""
        if outer is not None:
            self._add_definition(outer)
        elif file is not None and Path(file).is_absolute():
            self._add_outer_file(file)
        else:
            self.inputs[DOCKERFILE_DIRECTORY] = tree
            self.attrs["filename"] = file or DOCKERFILE

    def _add_outer_file(self, file: str) -> None:
        """Add a Dockerfile of this machine for a context that comes from elsewhere."""
        self._add_local_file(Path(file))
        self.attrs[_DOCKERFILE_KEY] = DOCKERFILE_DIRECTORY

    def _add_url(self, url: str, file: str | None, outer: State | None) -> None:
        if outer is not None:
            self.inputs[CONTEXT] = _fetched(url)
            self._add_definition(outer)
            return
        self.attrs[CONTEXT] = url
        self._name_inner_file(file)

    def _name_inner_file(self, file: str | None) -> None:
        """Name the Dockerfile in a context that the frontend fetches."""
        if file is not None and Path(file).is_absolute():
            self._add_outer_file(file)
        elif file is not None:
            self.attrs["filename"] = file

    def _add_archive(
        self, archive: bytes | BinaryIO, file: str | None, outer: State | None
    ) -> None:
        upload = uploads.Upload(archive)
        self.uploads.append(upload)
        if outer is not None:
            self.inputs[CONTEXT] = memory_tree.unpacked(upload.url, "build context")
            self._add_definition(outer)
            return
        self.attrs[CONTEXT] = upload.url
        self._name_inner_file(file)

    def _add_tree(self, context: Mapping[Any, Any], file: str | None, outer: State | None) -> None:
        tree = memory_tree.to_tree(context, "context")
        default = DOCKERFILE if DOCKERFILE in tree else DOCKERFILE.lower()
        name = default if file is None else clean(file)
        is_inside = outer is None and not Path(name).is_absolute()
        if is_inside and name not in tree:
            raise InputError(
                f"no such Dockerfile in the context: {file or DOCKERFILE}",
                hint=f"the context has {_listing(tree)}",
            )
        kept = memory_tree.without_ignored(tree, name)
        state = self.inputs[CONTEXT] = self._upload_tree(kept, "build context")
        if is_inside and name not in kept:
            # The Dockerfile is read even if it is ignored, as from a directory.
            state = self._upload_tree(kept | {name: tree[name]}, "build definition")
        self._add_inner_file(state, name, outer)

    def _upload_tree(self, tree: Mapping[str, Any], name: str) -> State:
        # The daemon refuses an empty tree as an input.
        upload = uploads.Upload(memory_tree.to_archive(tree or {".": Directory()}))
        self.uploads.append(upload)
        return memory_tree.unpacked(upload.url, name)

    def _add_input(self, name: str, state: State) -> None:
        key = _unreserved(name)
        self.inputs[key] = state
        self.attrs[_NAMED + name] = f"input:{key}"
        if PendingState(state).images:
            # The client adds the config, when the daemon has resolved the base image.
            return
        config = {EXPORTER_IMAGE_CONFIG_KEY: base64.b64encode(state.image_config()).decode()}
        self.attrs[f"input-metadata:{key}"] = json.dumps(config)

    def _context_attr(self, name: str, value: str) -> str:
        """Build the attribute of a named context; register directories and layouts by names."""
        if value.startswith(OCI_SCHEME):
            store = f"layout{len(self.layouts)}"
            self.layouts[store], digest = _find_in_layout(value.removeprefix(OCI_SCHEME))
            return f"{OCI_SCHEME}{store}@{digest}"
        if _REMOTE.match(value):
            return value
        if not paths.is_dir(value):
            raise InputError(f"build context {name}: no such directory: {value}")
        # The name must not change the key under which the daemon keeps the other directories.
        local_name = local_inputs.unique_name(name, Path(value))
        self.local_dirs[local_name] = value
        return _LOCAL + local_name


def _outer_definition(
    file: str | None, inline: bytes | None, *, is_directory: bool
) -> State | None:
    """Create the tree of a Dockerfile that is text, a stream or a URL; None for any other.

    Files are looked for on this machine if the context is a directory, or their path absolute.
    Raises InputError.
    """
    if inline is None and file is not None and is_web_file(file):
        name = "[internal] load remote build definition"
        return HTTP(file, filename=DOCKERFILE, name=name, locations=())
    if inline is None and file is not None and (is_directory or Path(file).is_absolute()):
        inline = read_stream(file, _MAX_DOCKERFILE)
        if inline is not None and len(inline) > _MAX_DOCKERFILE:
            raise InputError(f"{file} is too large: a Dockerfile has at most 16 MiB")
    if inline is None:
        return None
    name = "[internal] create build definition"
    return files({DOCKERFILE: inline}, name=name, locations=())


def _unreserved(name: str) -> str:
    """Name a directory or input: "context" and "dockerfile" are those of the build itself."""
    return f"_{name}" if name in (CONTEXT, DOCKERFILE_DIRECTORY) else name


def _name_in(folder: str) -> str:
    """Name the Dockerfile of a directory, which may be in lower case."""
    names = (DOCKERFILE, DOCKERFILE.lower())
    return next((name for name in names if paths.is_file(Path(folder) / name)), DOCKERFILE)


def _hint_for_file(path: str) -> str:
    if path.endswith(_PYTHON):
        return Hint(
            f"a build file has a context, too: pass the context, and file={path!r}",
            command=f"a build file has a context, too: name the context, and the file with -f {path}",
        )
    return Hint(
        'an archive is passed as an open file: open(path, "rb")',
        command=f"an archive is read from standard input: - < {path}",
    )


def _listing(tree: Mapping[str, object]) -> str:
    names = sorted(tree)[:5]
    return ", ".join(names) if names else "no files"


def _fetched(url: str) -> State:
    """Create the source of a context that is a repository, or an archive on the web.

    Raises InvalidValueError.
    """
    try:
        repository = named_contexts.git_context(url)
    except ValueError as error:
        raise InvalidValueError(f"invalid context {url!r}: {error}") from error
    return memory_tree.unpacked(url, "build context") if repository is None else repository


def _find_in_layout(location: str) -> tuple[str, str]:
    """Resolve ``DIR``, ``DIR:TAG`` or ``DIR@DIGEST`` to folder and digest. Raises InputError."""
    folder, at, digest = location.partition("@")
    if at:
        return folder, digest
    head, colon, tag = location.rpartition(":")
    folder, tag = (head, tag) if colon and "/" not in tag else (location, "latest")
    descriptor = oci_layout.Layout(Path(folder)).find(tag)
    if descriptor is None:
        raise InputError(
            f"no tag {tag} in the OCI layout {folder}",
            hint=f"name another one: {OCI_SCHEME}{folder}:TAG or {OCI_SCHEME}{folder}@sha256:…",
        )
    return folder, str(descriptor.get("digest"))
