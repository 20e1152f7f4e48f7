"""What errors say about values of other classes: what is expected, and how to write it."""

from __future__ import annotations

_EXPECTATIONS = {
    "Bind": "a mount",
    "BinaryIO": "an open binary file",
    "Cache": "a mount",
    "Callable": "a function",
    "CopyAction": "a file action",
    "Definition": "a Definition",
    "IO": "an open file",
    "ImageResolver": "a resolver of image configs, such as a Client",
    "LinuxResources": "LinuxResources",
    "MkdirAction": "a file action",
    "MkfileAction": "a file action",
    "PathLike": "a path",
    "Pipe": "a pipe of bytes",
    "PurePath": "a path in the tree",
    "ReadableFile": "a file to read from",
    "RmAction": "a file action",
    "SSH": "a mount",
    "Secret": "a mount",
    "SymlinkAction": "a file action",
    "Tmpfs": "a mount",
    "Tree": "a tree, which is a State",
    "WritableFile": "a file to write to",
    "type": "a class",
}
_ACTION = "copy(), mkdir(), mkfile(), rm() and symlink() create file actions"
_MOUNT = "bind(), cache(), tmpfs(), secret() and ssh() create mounts"
_HINTS = {
    "Bind": _MOUNT,
    "CopyAction": _ACTION,
    "Definition": "State.marshal() creates one",
    "PathLike": "for example 'dir/file' or Path('dir/file')",
    "Platform": "for example 'linux/arm64'",
    "State": "for example Image('alpine') or Local('context')",
    "Tree": "a directory of the client is Local('context'); src= selects a path in it",
    "datetime": "for example datetime(2024, 1, 1, tzinfo=timezone.utc)",
}
_VOWELS = "AEIOaeio"


def expectation(name: str) -> str:
    """Describe an instance of a class, with its article."""
    article = "an" if name.startswith(tuple(_VOWELS)) else "a"
    return _EXPECTATIONS.get(name, f"{article} {name}")


def hint(name: str) -> str | None:
    """Show how an instance of a class is written, if people commonly pass something else."""
    return _HINTS.get(name)
