"""What a command line leaves: its exit status, its output, its files, and what it has pushed."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Read = Callable[[str], bytes]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE_TYPE = "vnd.docker.reference.type"
# What differs between two runs of the same build: its name, when and where it ran, digests of steps
# that contain the id of its session, and the layers of steps that the daemon happens to have.
_VOLATILE = (
    *("buildInvocationID", "buildStartedOn", "buildFinishedOn"),
    *("invocationId", "startedOn", "finishedOn", "sysUsage", "resourceUsage"),
    *("digestMapping", "definition", "local.session", "vertex", "layers"),
)
# The request of the function in buildx that calls the frontend; see the page.
_OF_BUILDX = ("root",)
# Of a cache, and of an image with an inline cache: the daemon writes them in any order.
_OF_CACHES = ("records", "moby.buildkit.cache.v0")
_VARYING = "sha256:(varies)"


@frozen
class Outcome:
    """What a command line leaves; equal outcomes are equal results."""

    status: int
    output: object
    files: Mapping[str, object]
    pushed: Mapping[str, object]
    stderr: str = field(eq=False)


class Observer:
    """Describes results as values that can be compared.

    ``rename`` removes from a text what only one of the programs has, such as its directory.
    """

    def __init__(self, rename: Callable[[str], str]) -> None:
        self._rename = rename
        self._volatile: set[str] = set()

    def observe(self, outcome: Outcome) -> Outcome:
        """Replace the digests of images that contain the times of a build."""
        return evolve(
            outcome,
            output=self._settle(outcome.output),
            files=self._settle(outcome.files),
            pushed=self._settle(outcome.pushed),
        )

    def files_below(self, folder: Path, earlier: Mapping[str, object]) -> dict[str, object]:
        """Describe the files in a folder that are not those of earlier."""
        found: dict[str, object] = {}
        for path in sorted(folder.iterdir()):
            if path.name in earlier:
                continue
            if path.is_dir() and (path / "index.json").exists():
                found[path.name] = self._layout(partial(_read_file, path))
            elif path.is_dir():
                found[path.name] = dict(self._tree(path))
            else:
                found[path.name] = (f"{path.stat().st_mode:o}", self.content(path.read_bytes()))
        return found

    def content(self, data: bytes) -> object:
        """Describe the content of a file or of standard output."""
        if not data.startswith(b"{") and _is_archive(data):
            members = dict(_members(data))
            if "index.json" in members:
                return self._layout(lambda name: members[name][-1])
            return {name: (*member[:-1], _hash(member[-1])) for name, member in members.items()}
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return _hash(data)
        try:
            return _without_volatile(json.loads(self._rename(text)))
        except ValueError:
            # A shell drops the newlines at the end of what a command prints.
            return self._rename(text).rstrip("\n")

    def image(self, read: Read, descriptor: Mapping[str, Any]) -> dict[str, Any]:
        """Describe an image or index and all that it refers to. ``read`` reads a blob."""
        digest = descriptor["digest"]
        manifest = json.loads(read(digest))
        described = {"digest": digest, "annotations": manifest.get("annotations")}
        described["media type"] = manifest.get("mediaType")
        described |= {
            key: descriptor[key] for key in ("annotations", "platform") if key in descriptor
        }
        if "manifests" in manifest:
            parts = manifest["manifests"]
            described["manifests"] = [self.image(read, part) for part in parts]
            if any(part.get("volatile") for part in described["manifests"]):
                described["volatile"] = True
        elif _REFERENCE_TYPE in descriptor.get("annotations", {}):
            layers = manifest["layers"]
            described["statements"] = [json.loads(read(layer["digest"])) for layer in layers]
            described["volatile"] = True
        else:
            described["blobs"] = manifest["layers"]
            described["config"] = config = json.loads(read(manifest["config"]["digest"]))
            if [config.pop(key) for key in _OF_CACHES if key in config]:
                described["volatile"] = True
        if described.get("volatile"):
            self._volatile.add(digest)
        return described

    def pushed(self, read: Read, tag: str) -> object:
        """Describe a pushed image."""
        return json.loads(self._rename(json.dumps(self.image(read, {"digest": tag}))))

    def _tree(self, folder: Path) -> Iterator[tuple[str, object]]:
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            content: object = None
            if path.is_symlink():
                content = str(path.readlink())
            elif path.is_file():
                content = self.content(path.read_bytes())
            times = () if path.is_dir() else (status.st_mtime_ns // 10**9,)
            yield str(path.relative_to(folder)), (f"{status.st_mode:o}", *times, content)

    def _layout(self, read_file: Callable[[str], bytes]) -> object:
        def read(digest: str) -> bytes:
            return read_file(f"blobs/{digest.replace(':', '/')}")

        index = json.loads(read_file("index.json"))
        described = [
            self.image(read, {key: value for key, value in part.items() if key != "size"})
            if "manifest" in part["mediaType"] or "index" in part["mediaType"]
            else part
            for part in index["manifests"]
        ]
        extra = {}
        for name in ("manifest.json", "oci-layout"):
            try:
                extra[name] = json.loads(read_file(name))
            except (KeyError, FileNotFoundError):
                extra[name] = None
        return json.loads(self._rename(json.dumps([described, extra])))

    def _settle(self, value: Any) -> Any:
        def replace(match: re.Match[str]) -> str:
            return _VARYING if match[0] in self._volatile else match[0]

        match value:
            case str():
                return _DIGEST.sub(replace, value)
            case dict():
                return {
                    key: self._settle(part)
                    for key, part in _without_volatile(value).items()
                    if not (key == "size" and self._volatile)
                }
            case list() | tuple():
                return [self._settle(part) for part in value]
        return value


def _without_volatile(value: Any) -> Any:
    match value:
        case dict():
            kept = {key: _without_volatile(part) for key, part in value.items()}
            return {key: part for key, part in kept.items() if key not in (*_VOLATILE, *_OF_BUILDX)}
        case list():
            return [_without_volatile(part) for part in value]
    return value


def _is_archive(data: bytes) -> bool:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)):
            return True
    except tarfile.TarError:
        return False


def _members(data: bytes) -> Iterator[tuple[str, tuple[Any, ...]]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            content = b"" if file is None else file.read()
            fields = (member.type, f"{member.mode:o}", member.uid, member.gid, member.linkname)
            yield member.name.rstrip("/"), (*fields, int(member.mtime), content)


def _read_file(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


def _hash(data: bytes) -> str:
    return f"sha256 {hashlib.sha256(data).hexdigest()[:16]}, {len(data)} bytes"
