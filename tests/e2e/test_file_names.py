"""Names of files are bytes: they travel in both directions as they are, like with buildctl."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client
from tests.e2e.frontends import run_as_frontend
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from pathlib import Path

    from llb.gateway import Gateway
    from tests.e2e.conftest import Buildctl

INVALID = b"invalid\xff\xfe"
NAMES = (
    INVALID,
    b"\xed\xb3\xbf",
    unicodedata.normalize("NFC", "café").encode(),
    unicodedata.normalize("NFD", "café").encode(),
    b"case",
    b"CASE",
    b"x" * 255,
    "ü".encode() * 127,
    b"new\nline",
    b"tab\t\x1b[31m\x7f",
    b" spaces ",
    b"-dash",
    b"*",
    b"back\\slash",
    b"\xf4\x8f\xbf\xbf",
    b"\xee\x80\x80",
)


def decode(name: bytes) -> str:
    """Decode a name as Python has it."""
    return os.fsdecode(name)


def write_tree(root: Path) -> None:
    """Write a file of each name, and links and attributes with such names."""
    for name in NAMES:
        (root / decode(name)).write_bytes(name)
    (root / decode(b"link\xfd")).symlink_to(decode(b"to\xff"))
    (root / decode(b"second\xff")).hardlink_to(root / decode(INVALID))
    # 3,250 bytes: a path in a system call has 4,096 at most, with the folder of the daemon's tree.
    root.joinpath(*["d" * 250] * 13).mkdir(parents=True)
    os.setxattr(root / "case", b"user.\xff", b"value")


def read_tree(root: Path) -> dict[str, object]:
    """Read the content, number of links and attributes of each file, or the target of a link."""
    files: dict[str, object] = {}
    for path in root.rglob("*"):
        key = str(path.relative_to(root))
        if path.is_symlink():
            files[key] = path.readlink()
        elif path.is_file():
            attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
            files[key] = (path.read_bytes(), path.stat().st_nlink, attributes)
        else:
            files[key] = None
    return files


@pytest.mark.feature("N1")
def test_all_names_come_back_as_with_buildctl(buildctl: Buildctl, tmp_path: Path) -> None:
    context, file = tmp_path / "context", tmp_path / "file"
    for folder in (context, file):
        folder.mkdir()
    write_tree(context)
    (file / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    build = ("build", context, "-f", file / "Dockerfile", "-o")
    buildctl(
        *("build", "--frontend", "dockerfile.v0", "--local", f"context={context}"),
        *("--local", f"dockerfile={file}", "--output", f"type=local,dest={tmp_path / 'theirs'}"),
    )
    process = cli(*build, tmp_path / "ours", address=buildctl.address)
    assert process.returncode == 0, process.stderr
    ours = read_tree(tmp_path / "ours")
    assert ours == read_tree(tmp_path / "theirs")
    assert ours == read_tree(context)
    # buildctl cannot send such a directory.
    inner = context / decode(b"folder\xff") / decode(b"b\xfe")
    inner.mkdir(parents=True)
    (inner / decode(b"c\xfd")).write_bytes(b"c")
    process = cli(*build, tmp_path / "ours", address=buildctl.address)
    assert process.returncode == 0, process.stderr
    assert read_tree(tmp_path / "ours") == read_tree(context)


@pytest.mark.feature("N1", "O1")
def test_names_in_other_encodings_are_listed(buildkit_host: str) -> None:
    base = Image("busybox").run(
        r"mkdir /srv && touch $(printf '/srv/\377') && ln -s $(printf '\376') /srv/link"
    )
    seen: list[tuple[str, str]] = []

    def list_names(gateway: Gateway) -> None:
        ref = gateway.solve(base.marshal())
        assert ref is not None
        seen.extend((entry.path, entry.target) for entry in gateway.read_dir(ref, "/srv"))

    run_as_frontend(buildkit_host, list_names)
    assert seen == [("link", "\udcfe"), ("\udcff", "")]
    with Client(buildkit_host) as client:
        assert client.read_file(base, "/srv/\udcff") == b""
