"""Convert file modes between stat(2) and Go's ``os.FileMode``, which is sent on the wire."""

from __future__ import annotations

import stat

DIRECTORY = 1 << 31
SYMLINK = 1 << 27
DEVICE = 1 << 26
NAMED_PIPE = 1 << 25
SOCKET = 1 << 24
SETUID = 1 << 23
SETGID = 1 << 22
CHARACTER_DEVICE = 1 << 21
STICKY = 1 << 20
TYPE = DIRECTORY | SYMLINK | DEVICE | NAMED_PIPE | SOCKET | CHARACTER_DEVICE | 1 << 19

_TYPES = {
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFBLK: DEVICE,
    stat.S_IFCHR: DEVICE | CHARACTER_DEVICE,
    stat.S_IFIFO: NAMED_PIPE,
    # A socket is sent as a plain file, because archives cannot hold one.
    stat.S_IFSOCK: 0,
}
_BITS = ((stat.S_ISUID, SETUID), (stat.S_ISGID, SETGID), (stat.S_ISVTX, STICKY))


def to_wire(mode: int) -> int:
    """Convert a mode of stat(2) to Go's bits."""
    wire = mode & 0o777 | _TYPES.get(stat.S_IFMT(mode), 0)
    for bit, sent in _BITS:
        if mode & bit:
            wire |= sent
    return wire


def permissions(wire: int) -> int:
    """Extract the permission bits of a received mode, for chmod(2)."""
    mode = wire & 0o777
    for bit, sent in _BITS:
        if wire & sent:
            mode |= bit
    return mode


def from_wire(wire: int) -> int:
    """Convert a received mode, including the file type, to a mode of stat(2)."""
    kinds = {sent: kind for kind, sent in _TYPES.items() if sent}
    return kinds.get(wire & TYPE, stat.S_IFREG) | permissions(wire)
