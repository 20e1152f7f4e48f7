"""The blobs of a layout as a build sees them, and those that it writes.

What is written waits in a folder beside, under names of our own, until the build is over. It is
seen by the build once its bytes are those of its digest, and by others once the build succeeded.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import field, mutable

from llb.client.export.staging import make_staging
from llb.errors import InputError, InvalidValueError, RemoteError
from llb.grpc.status import Code
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client.export.oci_layout import Layout

# What a daemon may leave unfinished at a time; it writes four or so.
_MAX_UNFINISHED = 256


@mutable(eq=False)
class Ingest:
    """A blob that is being written, by the name that the daemon gave it.

    ``offset`` and ``total`` are in bytes; ``total`` is 0 and ``expected`` empty where they
    are not known.
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
        """The digest of what is there so far."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, data: bytes, offset: int) -> None:
        """Append bytes; at offset 0 begin anew. Raises RemoteError and OSError."""
        if offset not in (0, self.offset):
            raise RemoteError(
                f"write at {offset}, where {self.offset} comes next", code=Code.OUT_OF_RANGE
            )
        if offset == 0 and self.offset:
            self._hash, self.offset = hashlib.sha256(), 0
        if self.total and self.offset + len(data) > self.total:
            raise RemoteError(f"more than {self.total} bytes", code=Code.OUT_OF_RANGE)
        with self.path.open("wb" if self.offset == 0 else "ab") as file:
            file.write(data)
        self._hash.update(data)
        self.offset += len(data)
        self.updated = datetime.now(UTC)


class Store:
    """A layout for one build; several calls may use it at a time.

    One that is not ``writable`` is read and nothing else.
    """

    def __init__(self, layout: Layout, *, writable: bool = False) -> None:
        self.layout = layout
        self._writable = writable
        self._lock = threading.Lock()
        self._staging: Path | None = None
        self._ingests: dict[str, Ingest] = {}
        self._staged: dict[str, Path] = {}
        self._count = 0
        self._closed = False

    def find(self, digest: str) -> Path | None:
        """Return the file of a blob, or None. Raises RemoteError for what is no digest."""
        try:
            path = self.layout.blob(digest)
        except InvalidValueError as error:
            raise RemoteError(str(error), code=Code.INVALID_ARGUMENT) from error
        with self._lock:
            path = self._staged.get(digest, path)
        return path if path.is_file() else None

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs."""
        with self._lock:
            staged = tuple(self._staged)
        yield from staged
        yield from (each for each in self.layout.digests() if each not in staged)

    def begin(self, ref: str, total: int, expected: str) -> Ingest:
        """Return the blob to write under a name, as far as it is; one call may write it.

        Raises RemoteError, and InputError or OSError where the folder cannot be written.
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
        """Raise RemoteError for a digest that is none, or whose blob is there already."""
        if expected and self.find(expected) is not None:
            raise RemoteError(
                f"blob with expected digest {expected} exists", code=Code.ALREADY_EXISTS
            )

    def finish(self, ingest: Ingest, total: int, expected: str) -> None:
        """Make a blob of what was written. Raises RemoteError where it is not what it should be."""
        if total and total != ingest.offset:
            reason = f"unexpected size {ingest.offset}, expected {total}"
            raise RemoteError(reason, code=Code.FAILED_PRECONDITION)
        digest = _digest_of(ingest, expected or ingest.expected)
        with self._lock:
            self._check_writable()
            if self._ingests.pop(ingest.ref, None) is not ingest:
                raise RemoteError(f"{ingest.ref} was aborted", code=Code.ABORTED)
            self._staged[digest] = ingest.path

    def release(self, ingest: Ingest) -> None:
        """Let others write an unfinished blob."""
        with self._lock:
            ingest.busy = False

    def drop(self, ref: str) -> None:
        """Throw an unfinished blob away. Raises RemoteError where there is none."""
        with self._lock:
            ingest = self._ingests.pop(ref, None)
        if ingest is None:
            raise RemoteError(f"nothing is written as {ref}", code=Code.NOT_FOUND)
        ingest.path.unlink(missing_ok=True)

    def unfinished(self) -> tuple[Ingest, ...]:
        """Return the blobs that are being written."""
        with self._lock:
            return tuple(self._ingests.values())

    def place(self) -> None:
        """Put the blobs of the build in their places; raises OSError."""
        with self._lock:
            for digest, path in self._staged.items():
                target = self.layout.blob(digest)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
            self._staged.clear()

    def close(self) -> None:
        """Throw away what is in no place; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._ingests.clear()
            self._staged.clear()
            if self._staging is not None:
                # It takes 2 ms to import, and most builds write no store.
                import shutil  # noqa: PLC0415

                shutil.rmtree(self._staging, ignore_errors=True)
                self._staging = None

    def _check_writable(self) -> None:
        if not self._writable:
            raise RemoteError("the layout is for reading alone", code=Code.PERMISSION_DENIED)
        if self._closed:
            raise RemoteError("the build is over", code=Code.UNAVAILABLE)

    def _new_file(self) -> Path:
        if len(self._ingests) >= _MAX_UNFINISHED:
            raise RemoteError("too many unfinished blobs", code=Code.RESOURCE_EXHAUSTED)
        if self._staging is None:
            self._staging = make_staging(self.layout.path)
        self._count += 1
        path = self._staging / str(self._count)
        path.touch()
        return path


def _digest_of(ingest: Ingest, expected: str) -> str:
    """Return the digest under which a blob is kept. Raises RemoteError."""
    if not expected or expected == ingest.digest:
        return ingest.digest
    algorithm = check_digest(expected).partition(":")[0]
    with ingest.path.open("rb") as file:
        found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if found != expected:
        raise RemoteError(
            f"unexpected digest {found}, expected {expected}", code=Code.FAILED_PRECONDITION
        )
    return expected


def check_layout(name: str, path: Path) -> None:
    """Raise InputError where there is no layout to read in a folder."""
    if not path.is_dir():
        reason = "it is not a directory" if path.exists() else "it does not exist"
        raise InputError(f"cannot use {path} as the OCI layout {name!r}: {reason}")
    if not (path / "blobs").is_dir():
        raise InputError(
            f"cannot use {path} as the OCI layout {name!r}: it has no folder blobs",
            hint="an archive is unpacked first, or written with -o type=oci,tar=false,dest=DIR",
        )
