"""Unpack tar archives to trees in memory, as copies with ``attempt_unpack`` do."""

from __future__ import annotations

import io
import stat
import tarfile

from llb.gocompat.path import clean
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree, parents

_NANOSECONDS = 10**9
_KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.REGTYPE: stat.S_IFREG,
}


def unpack(base: Tree, data: bytes, dest: str) -> Tree | None:
    """Unpack an archive to ``dest`` of a tree; None if ``data`` is not a tar archive.

    Entries other than files, directories and symbolic links are left out. Directories that have no
    entry are created.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            nodes = _nodes(archive, dest)
    except tarfile.TarError:
        return None
    new = {path for node in nodes for path in parents(node)} - base.nodes.keys() - nodes.keys()
    return base.with_nodes(dict.fromkeys(sorted(new), DIRECTORY) | nodes)


def _nodes(archive: tarfile.TarFile, dest: str) -> dict[str, Node]:
    nodes = {} if dest == "/" else {dest: DIRECTORY}
    for entry in archive:
        if entry.type not in _KINDS:
            continue
        file = archive.extractfile(entry) if entry.isreg() else None
        nodes[clean(f"{dest}/{entry.name}")] = Node(
            _KINDS[entry.type] | entry.mode,
            b"" if file is None else file.read(),
            entry.uid,
            entry.gid,
            round(entry.mtime * _NANOSECONDS),
            entry.linkname,
        )
    return nodes
