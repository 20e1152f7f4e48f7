"""What must work on every system, in a few seconds: imports, definitions, and files of a build."""

from __future__ import annotations

import os
import pkgutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import llb
from llb import Directory, File, Image, Local, Symlink
from llb.client import Client, local, tar
from llb.dockerfile import ImageTable, convert
from llb.errors import LLBError
from llb.local_files import locks
from llb.local_files.atomic_write import write_whole
from llb.testing import FakeBuild, FakeDaemon

if TYPE_CHECKING:
    from collections.abc import Callable

# Modules for one system refuse to be imported on others.
_OF_ONE_SYSTEM = ("llb.client.daemon.supervisor", "llb.client.session.descriptor_root")
_LARGE = bytes(range(256)) * 4096


def import_all() -> None:
    """Import every module of the package."""
    for module in pkgutil.walk_packages(llb.__path__, "llb."):
        if ".template" not in module.name and not module.name.endswith("__main__"):
            try:
                import_module(module.name)
            except AssertionError:
                assert module.name in _OF_ONE_SYSTEM, module.name


def encode() -> None:
    """Encode a state, and convert a Dockerfile."""
    assert Image("alpine", inherit_config=False).run("true").marshal().to_bytes()
    text = 'FROM scratch\nCOPY . /src\nRUN ["make"]\n'
    assert convert(text, resolver=ImageTable({})).definition.to_bytes()


def build(folder: Path) -> None:
    """Send a directory, and receive a tree and an archive."""
    context, out, archive = folder / "context", folder / "out", folder / "out.tar"
    (context / "a").mkdir(parents=True)
    (context / "a" / "file").write_bytes(_LARGE)
    (context / "link").symlink_to("a/file")

    def script(request: FakeBuild) -> None:
        assert request.session.files() == {"a/file": _LARGE}
        tree: dict[str, File | Symlink | Directory] = {
            "b/c": File(_LARGE, mode=0o750),
            "b/l": Symlink("c"),
            "e": Directory(),
        }
        request.session.send_tree(tree, export=0)
        request.session.send_file(_LARGE, export=1)

    with FakeDaemon(script=script) as daemon, Client(daemon.address) as client:
        state = Local("context").marshal()
        for _ in range(2):
            client.solve(state, local_dirs={"context": context}, exports=[local(out), tar(archive)])
    assert (out / "b" / "c").read_bytes() == archive.read_bytes() == _LARGE
    assert sorted(path.name for path in folder.iterdir()) == ["context", "out", "out.tar"]


def hold_locks(path: Path) -> None:
    """Share a lock, take it alone, and remove its file."""
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert locks.try_lock(first, shared=True)
    assert locks.try_lock(second, shared=True)
    assert not locks.try_lock(first)
    os.close(second)
    locks.lock(first)
    third = os.open(path, os.O_RDWR)
    assert not locks.try_lock(third, shared=True)
    os.close(third)
    assert locks.has_name(first, path)
    locks.close_and_remove(first, path)
    assert not path.exists()


def refuse_names(folder: Path) -> None:
    """Refuse a name that is another path on this system."""

    def script(request: FakeBuild) -> None:
        request.session.send_tree({"..\\outside": File(b"x")}, export=0)

    with FakeDaemon(script=script) as daemon, Client(daemon.address) as client:
        reason = failure(
            lambda: client.solve(Image("a").marshal(), exports=[local(folder / "names")])
        )
    if locks.FOLDERS_HAVE_LOCKS:
        assert (folder / "names" / "..\\outside").read_bytes() == b"x"
    else:
        assert "Windows has no files with this name" in reason, reason


def failure(work: Callable[[], object]) -> str:
    """Return the message of the error that work raises, if any."""
    try:
        work()
    except LLBError as error:
        return str(error)
    return ""


def find_pipe() -> None:
    """Build over a named pipe, and without an address, on a Windows that is not the real one."""
    if locks.FOLDERS_HAVE_LOCKS or sys.platform == "win32":
        return
    from tests.systems import windows

    with FakeDaemon() as daemon:
        windows.PIPES[r"\\.\pipe\buildkitd"] = int(daemon.address.rpartition(":")[2])
        for address in ("npipe:////./pipe/buildkitd", None):
            with Client(address) as client:
                client.solve(Image("alpine").marshal())
        assert len(daemon.builds) == 2
    reason = failure(lambda: Client("npipe:////./pipe/docker_engine"))
    assert "cannot find the file specified" in reason, reason


def main() -> None:
    """Do all of it, and print which system llb has seen."""
    import_all()
    encode()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        refuse_names(Path(folder))
        hold_locks(Path(folder) / "lock")
        write_whole(Path(folder) / "new", b"1")
        write_whole(Path(folder) / "new", b"2")
        assert (Path(folder) / "new").read_bytes() == b"2"
    find_pipe()
    sys.stdout.write(f"locks of folders: {locks.FOLDERS_HAVE_LOCKS}\n")


if __name__ == "__main__":
    main()
