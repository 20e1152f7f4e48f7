"""Move file contents out of a definition that is too large for a message.

A definition holds the contents of the files that ``mkfile`` writes. This module replaces large ones
by sources that the daemon downloads from the client's session, with the digest of the content in
their URL and as their checksum. The daemon therefore caches them like the file actions themselves,
and downloads nothing that it has.

All other operations keep their bytes, except for the digests of their inputs.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb._pb import ops_pb2 as pb
from llb.buildkit_names import SESSION_UPLOADS
from llb.errors import InvalidDefinitionError
from llb.ops.metadata import CUSTOM_NAME, OpMetadata
from llb.protobuf import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.definition.definition import Definition
    from llb.source_map import Location

# Smaller contents and operations stay: a source costs a step in the daemon.
_LEAST_BYTES = 64 * 1024
# Uploads have no time of their own. It is one for which every time zone has a date that ZIP
# archives can hold, and the one of Gradle's reproducible archives: 1980-02-01.
_SECOND = 10**9
_TIME = 318_211_200 * _SECOND
_NONE = -1
_NAME = "content"
_COPY_CAPS = frozenset({"file.base"})
_SOURCE_CAPS = frozenset({"source.http", "source.http.checksum"})


@frozen
class Moved:
    """A definition without large file contents, and these contents by the ends of their URLs."""

    definition: Definition
    contents: Mapping[str, bytes] = field(repr=False)


def move_contents(definition: Definition) -> Moved:
    """Replace file contents of 64 KiB or more by downloads from the client's session.

    A tree of :func:`llb.files` becomes a single archive. Files without a modification time get the
    time 1980-02-01, instead of that of the build. Raises InvalidDefinitionError if an operation
    cannot be decoded or an input is missing.
    """
    moving = _Moving()
    for data in _inputs_first(definition.ops):
        digest = digest_of(data)
        moving.add(digest, data, definition.metadata.get(digest), definition.locations.get(digest))
    moved = evolve(
        definition,
        ops=tuple(moving.ops),
        metadata=moving.metadata,
        locations=moving.locations,
    )
    return Moved(moved, moving.contents)


def _inputs_first(ops: Iterable[bytes]) -> Iterator[bytes]:
    """Yield operations after their inputs; the last one, which points at the result, stays last."""
    *pending, last = ops
    done: set[str] = set()
    while pending:
        later = []
        for data in pending:
            if all(source.digest in done for source in _decode(data).inputs):
                done.add(digest_of(data))
                yield data
            else:
                later.append(data)
        if len(later) == len(pending):
            raise InvalidDefinitionError("an operation has an input that is not in the definition")
        pending = later
    yield last


def _decode(data: bytes) -> pb.Op:
    return pb.Op.FromString(data)


class _Moving:
    """The new operations, and the new digests of the old ones."""

    def __init__(self) -> None:
        self.ops: list[bytes] = []
        self.metadata: dict[str, OpMetadata] = {}
        self.locations: dict[str, tuple[Location, ...]] = {}
        self.contents: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}

    def add(
        self,
        digest: str,
        data: bytes,
        metadata: OpMetadata | None,
        locations: tuple[Location, ...] | None,
    ) -> None:
        """Add an operation with its new inputs, and the sources of its moved contents."""
        op = _decode(data)
        is_changed = False
        for source in op.inputs:
            new = self._digests[source.digest]
            is_changed |= new != source.digest
            source.digest = new
        if op.HasField("file") and len(data) >= _LEAST_BYTES:
            is_moved = self._move_tree(op) or self._move_files(op)
            if is_moved and metadata is not None:
                metadata = evolve(metadata, caps=metadata.caps | _COPY_CAPS)
            is_changed |= is_moved
        if is_changed:
            data = op.SerializeToString(deterministic=True)
        self._digests[digest] = self._append(data, metadata)
        if locations is not None:
            self.locations[self._digests[digest]] = locations

    def _append(self, data: bytes, metadata: OpMetadata | None) -> str:
        digest = digest_of(data)
        self.ops.append(data)
        if metadata is not None:
            self.metadata[digest] = metadata
        return digest

    def _source(self, content: bytes, label: str, constraints: pb.WorkerConstraints) -> str:
        """Add the source of a content, once, and return its digest."""
        digest = digest_of(content)
        name = digest.removeprefix("sha256:")
        source = pb.Op(
            source=pb.SourceOp(
                identifier=SESSION_UPLOADS + name,
                attrs={"http.checksum": digest, "http.filename": _NAME},
            ),
            constraints=constraints,
        )
        data = source.SerializeToString(deterministic=True)
        self.contents[name] = content
        if (source_digest := digest_of(data)) in self.metadata:
            return source_digest
        return self._append(data, OpMetadata(description={CUSTOM_NAME: label}, caps=_SOURCE_CAPS))

    def _move_tree(self, op: pb.Op) -> bool:
        """Replace a whole tree by an archive, if the operation creates one from nothing."""
        if not _is_tree(op):
            return False
        count = len(op.file.actions)
        archive = _archive(op.file.actions)
        label = f"[upload] {count} files in memory, {len(archive):,} bytes"
        op.inputs.add(digest=self._source(archive, label, op.constraints))
        copy = pb.FileActionCopy(
            src=f"/{_NAME}",
            dest="/",
            mode=_NONE,
            timestamp=_NONE,
            attemptUnpackDockerCompatibility=True,
            createDestPath=True,
        )
        del op.file.actions[:]
        op.file.actions.append(pb.FileAction(input=_NONE, secondaryInput=0, output=0, copy=copy))
        return True

    def _move_files(self, op: pb.Op) -> bool:
        """Replace each action that writes a large file by a copy of a source."""
        old_inputs = len(op.inputs)
        numbers: dict[str, int] = {}
        sources: dict[int, int] = {}
        for index, action in enumerate(op.file.actions):
            # The data is empty if the action does not write a file.
            data = action.mkfile.data
            if len(data) < _LEAST_BYTES:
                continue
            label = f"[upload] {action.mkfile.path} in memory, {len(data):,} bytes"
            digest = self._source(data, label, op.constraints)
            if digest not in numbers:
                numbers[digest] = len(op.inputs)
                op.inputs.add(digest=digest)
            sources[index] = numbers[digest]
            action.copy.CopyFrom(_copy_of(action.mkfile))
        if numbers:
            for action in op.file.actions:
                _renumber(action, old_inputs, len(numbers))
            for index, number in sources.items():
                op.file.actions[index].secondaryInput = number
        return bool(numbers)


def _is_tree(op: pb.Op) -> bool:
    """Check whether an operation only creates files, directories and links, from nothing.

    Every path is new, and every owner a number, so an archive means the same.
    """
    paths = {"/"}
    folders = {"/"}
    last = len(op.file.actions) - 1
    for index, action in enumerate(op.file.actions):
        numbers = (action.input, action.secondaryInput, action.output)
        if numbers != (index - 1, _NONE, 0 if index == last else _NONE):
            return False
        kind = action.WhichOneof("action")
        if kind not in ("mkdir", "mkfile", "symlink"):
            return False
        path = action.symlink.newpath if kind == "symlink" else getattr(action, kind).path
        is_clean = posixpath.normpath(path) == path and path.startswith("/")
        if not is_clean or path in paths or posixpath.dirname(path) not in folders:
            return False
        if _uid_and_gid(getattr(action, kind).owner) is None:
            return False
        paths.add(path)
        if kind == "mkdir":
            folders.add(path)
    return not op.inputs


def _uid_and_gid(owner: pb.ChownOpt) -> tuple[int, int] | None:
    """The numeric owner; None if it has a name, which the daemon must look up."""
    ids = []
    for user in (owner.user, owner.group):
        if user.WhichOneof("user") == "byName":
            return None
        ids.append(user.byID)
    uid, gid = ids
    return uid, gid if owner.HasField("group") else uid


def _archive(actions: Iterable[pb.FileAction]) -> bytes:
    """Write the files of a tree to a tar archive; equal trees have equal archives."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for action in actions:
            match action.WhichOneof("action"):
                case "mkdir":
                    entry = _entry(action.mkdir.path, action.mkdir)
                    entry.type, entry.mode = tarfile.DIRTYPE, action.mkdir.mode & 0o777
                    archive.addfile(entry)
                case "symlink":
                    entry = _entry(action.symlink.newpath, action.symlink)
                    entry.type, entry.linkname = tarfile.SYMTYPE, action.symlink.oldpath
                    archive.addfile(entry)
                case _:
                    entry = _entry(action.mkfile.path, action.mkfile)
                    entry.mode, entry.size = action.mkfile.mode & 0o777, len(action.mkfile.data)
                    archive.addfile(entry, io.BytesIO(action.mkfile.data))
    return buffer.getvalue()


def _entry(
    path: str, action: pb.FileActionMkDir | pb.FileActionMkFile | pb.FileActionSymlink
) -> tarfile.TarInfo:
    """Create the entry of a path, with its owner and time."""
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.uid, entry.gid = _uid_and_gid(action.owner) or (0, 0)
    seconds, nanoseconds = divmod(_time(action.timestamp), _SECOND)
    entry.mtime = seconds
    if nanoseconds:
        entry.pax_headers = {"mtime": f"{seconds}.{nanoseconds:09}"}
    return entry


def _copy_of(action: pb.FileActionMkFile) -> pb.FileActionCopy:
    """Create the copy that has the effect of writing a file."""
    copy = pb.FileActionCopy(
        src=f"/{_NAME}",
        dest=action.path,
        mode=action.mode & 0o777,
        timestamp=_time(action.timestamp),
    )
    if action.HasField("owner"):
        copy.owner.CopyFrom(action.owner)
    return copy


def _time(timestamp: int) -> int:
    """The modification time in nanoseconds."""
    return _TIME if timestamp == _NONE else timestamp


def _renumber(action: pb.FileAction, old_inputs: int, added: int) -> None:
    """Count the results of earlier actions from the new number of inputs."""
    if action.input >= old_inputs:
        action.input += added
    if action.secondaryInput >= old_inputs:
        action.secondaryInput += added
    kind = action.WhichOneof("action")
    if kind is None or kind == "rm":
        return
    owner = getattr(action, kind).owner
    for user in (owner.user, owner.group):
        if user.WhichOneof("user") == "byName" and user.byName.input >= old_inputs:
            user.byName.input += added
