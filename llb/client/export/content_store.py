"""A content store: the blobs of an OCI layout as a build sees them, and the blobs it writes.

Writes go to a staging folder next to the layout, under temporary names, until the build ends. The
build sees a blob once its bytes match its digest; others see it once the build has succeeded.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import field, mutable

from llb.client.export.staging import make_staging
from llb.errors import Hint, InputError, InvalidValueError, RemoteError
from llb.grpc.status import Code
from llb.local_files import paths
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client.export.cache_lock import CacheLock
    from llb.client.export.oci_layout import Layout
    from llb.local_files.staging import StagingFolder

# The limit of unfinished blobs at a time; a daemon writes about four.
_MAX_UNFINISHED = 256


@mutable(eq=False)
class Ingest:
    """A blob that is being written, named by the daemon's ``ref``.

    ``offset`` and ``total`` are in bytes; unknown ``total`` is 0, unknown ``expected`` is empty.
    """

    ref: str
    path: Path
    total: int = 0
    expected: str = ""
    offset: int = 0
    started: datetime = field(factory=lambda: datetime.now(UTC))
    updated: datetime = field(factory=lambda: datetime.now(UTC))
    busy: bool = True
    _hash: hashlib._Hash = field(factory=hashlib.sha256, repr=False)

    @property
    def digest(self) -> str:
        """The digest of the bytes written so far."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, data: bytes, offset: int) -> None:
        """Append bytes, or start again at offset 0. Raises RemoteError and OSError."""
        if offset not in (0, self.offset):
            raise RemoteError(
                f"invalid write offset {offset}, expected {self.offset}", code=Code.OUT_OF_RANGE
            )
        if offset == 0 and self.offset:
            self._hash, self.offset = hashlib.sha256(), 0
        if self.total and self.offset + len(data) > self.total:
            raise RemoteError(f"blob exceeds its {self.total} bytes", code=Code.OUT_OF_RANGE)
        with self.path.open("wb" if self.offset == 0 else "ab") as file:
            file.write(data)
        self._hash.update(data)
        self.offset += len(data)
        self.updated = datetime.now(UTC)


class Store:
    """The content store of a layout during one build; it is safe for concurrent calls.

    Unless ``writable``, the layout is only read. ``cache_lock`` is shared from the first blob on,
    whether it is new or exists; whoever commits the store releases it.
    """

    def __init__(
        self, layout: Layout, *, writable: bool = False, cache_lock: CacheLock | None = None
    ) -> None:
        self.layout = layout
        self.cache_lock = cache_lock
        self._writable = writable
        self._lock = threading.Lock()
        self._staging: StagingFolder | None = None
        self._ingests: dict[str, Ingest] = {}
        self._staged: dict[str, Path] = {}
        # The blobs outside of the layout that were checked.
        self._linked: set[str] = set()
        self._count = 0
        self._closed = False

    def find(self, digest: str) -> Path | None:
        """Find the file of a blob, or None.

        Raises RemoteError for an invalid digest, and InputError for a link out of the layout, unless
        its file has the digest: layouts of Bazel and Nix have such links.
        """
        try:
            path = self.layout.blob(digest)
        except InvalidValueError as error:
            raise RemoteError(error.message, code=Code.INVALID_ARGUMENT) from error
        with self._lock:
            if digest in self._staged:
                return self._staged[digest]
        if not paths.is_file(path):
            return None
        if digest not in self._linked and self._leads_out(path):
            _check_linked(path, digest)
            self._linked.add(digest)
        return path

    def _leads_out(self, path: Path) -> bool:
        return not paths.resolve(path).is_relative_to(paths.resolve(self.layout.path))

    def digests(self) -> Iterator[str]:
        """List the digests of all blobs."""
        with self._lock:
            staged = tuple(self._staged)
        yield from staged
        yield from (digest for digest in self.layout.digests() if digest not in staged)

    def begin(self, ref: str, total: int, expected: str) -> Ingest:
        """Start or resume writing a blob under a ref, for one call at a time.

        Raises RemoteError, and InputError or OSError if the folder cannot be written.
        """
        self.check_new(expected)
        with self._lock:
            self._check_writable()
            ingest = self._ingests.get(ref)
            if ingest is None:
                ingest = self._ingests[ref] = Ingest(ref, self._new_file(), total, expected)
            elif ingest.busy:
                raise RemoteError(f"{ref} is being written", code=Code.UNAVAILABLE)
            ingest.busy = True
            ingest.total = total or ingest.total
            ingest.expected = expected or ingest.expected
        return ingest

    def check_new(self, expected: str) -> None:
        """Raise RemoteError for an invalid digest, or if its blob already exists.

        Raises InputError if the lock of the cache cannot be shared.
        """
        # Without a folder, there are no blobs that another build could delete.
        if self.cache_lock is not None and paths.is_dir(self.layout.path):
            self.cache_lock.share()
        if expected and self.find(expected) is not None:
            raise RemoteError(
                f"blob with expected digest {expected} exists", code=Code.ALREADY_EXISTS
            )

    def finish(self, ingest: Ingest, total: int, expected: str) -> None:
        """Turn a finished ingest into a blob. Raises RemoteError on a wrong size or digest."""
        if total and total != ingest.offset:
            reason = f"unexpected size {ingest.offset}, expected {total}"
            raise RemoteError(reason, code=Code.FAILED_PRECONDITION)
        digest = _verify_digest(ingest, expected or ingest.expected)
        with self._lock:
            self._check_writable()
            if self._ingests.pop(ingest.ref, None) is not ingest:
                raise RemoteError(f"{ingest.ref} was aborted", code=Code.ABORTED)
            self._staged[digest] = ingest.path

    def release(self, ingest: Ingest) -> None:
        """Allow other calls to continue an unfinished blob."""
        with self._lock:
            ingest.busy = False

    def drop(self, ref: str) -> None:
        """Discard an unfinished blob. Raises RemoteError if the ref is unknown."""
        with self._lock:
            ingest = self._ingests.pop(ref, None)
        if ingest is None:
            raise RemoteError(f"unknown ref {ref}", code=Code.NOT_FOUND)
        ingest.path.unlink(missing_ok=True)

    def unfinished(self) -> tuple[Ingest, ...]:
        """List the blobs that are being written."""
        with self._lock:
            return tuple(self._ingests.values())

    def commit(self) -> None:
        """Move the blobs of the build into the layout; raises OSError."""
        with self._lock:
            for digest, path in self._staged.items():
                target = self.layout.blob(digest)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
            self._staged.clear()

    def close(self) -> None:
        """Discard everything uncommitted; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._ingests.clear()
            self._staged.clear()
            if self._staging is not None:
                with suppress(OSError):
                    self._staging.remove()
                self._staging = None
        if self.cache_lock is not None:
            self.cache_lock.release()

    def _check_writable(self) -> None:
        if not self._writable:
            raise RemoteError("the layout is read-only", code=Code.PERMISSION_DENIED)
        if self._closed:
            raise RemoteError("the build is over", code=Code.UNAVAILABLE)

    def _new_file(self) -> Path:
        if len(self._ingests) >= _MAX_UNFINISHED:
            raise RemoteError("too many unfinished blobs", code=Code.RESOURCE_EXHAUSTED)
        if self._staging is None:
            self._staging = make_staging(self.layout.path)
        self._count += 1
        path = self._staging.path / str(self._count)
        path.touch()
        return path


def _verify_digest(ingest: Ingest, expected: str) -> str:
    """Verify the expected digest, and return the digest of the blob. Raises RemoteError."""
    if not expected or expected == ingest.digest:
        return ingest.digest
    algorithm = check_digest(expected).partition(":")[0]
    with ingest.path.open("rb") as file:
        actual = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if actual != expected:
        raise RemoteError(
            f"unexpected digest {actual}, expected {expected}", code=Code.FAILED_PRECONDITION
        )
    return expected


def check_layout(name: str, path: Path) -> None:
    """Raise InputError unless a folder contains an OCI layout."""
    if not paths.is_dir(path):
        reason = "it is not a directory" if paths.exists(path) else "it does not exist"
        raise InputError(f"cannot use {path} as the OCI layout {name!r}: {reason}")
    if not paths.is_dir(path / "blobs"):
        raise InputError(
            f"cannot use {path} as the OCI layout {name!r}: missing folder blobs",
            hint=Hint(
                "unpack an archive first, or write a layout with llb.client.oci(DIR, tar=False)",
                command="unpack an archive first, or write a layout with "
                "-o type=oci,tar=false,dest=DIR",
            ),
        )


def _check_linked(path: Path, digest: str) -> None:
    """Refuse a link to a file that is not the blob: the daemon would read any file of this machine."""
    algorithm, _, value = digest.partition(":")
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, algorithm).hexdigest() == value:
                return
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    raise InputError(f"{path} is a link to a file with another digest")
