"""Trees are sent as by fsutil: the same files, in the same order, with the same metadata."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from llb._pb import fsutil_pb2 as pb
from llb.client.session.providers.filesync import LocalDirs
from llb.errors import RemoteError
from tests.fakes.call import FakeCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.grpc import ServerCall

HERE = Path(__file__).parent
WALKS = json.loads((HERE / "walks.json").read_text())
RECORDED: list[list[str]] = json.loads((HERE / "recorded_walks.json").read_text())
KEYS = {"include": "include-patterns", "exclude": "exclude-patterns", "follow": "followpaths"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tree of walks.json; the recorder documents the syntax of its lines."""
    root = tmp_path_factory.mktemp("tree")
    mask = os.umask(0o22)
    for line in WALKS["tree"]:
        create(root, line)
    yield root
    os.umask(mask)


def create(root: Path, line: str) -> None:
    if " -> " in line:
        name, target = line.split(" -> ")
        (root / name).symlink_to(target)
    elif " => " in line:
        name, source = line.split(" => ")
        os.link(root / source, root / name, follow_symlinks=False)
    elif line.endswith(" |"):
        os.mkfifo(root / line[:-2], 0o644)
    elif line.endswith(" ="):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(root / line[:-2]))
    elif line.endswith("/"):
        (root / line).mkdir(parents=True)
    else:
        (root / line).parent.mkdir(parents=True, exist_ok=True)
        (root / line).write_text(line)


def sent(root: Path, selected: dict[str, Any]) -> list[str]:
    """List the file descriptions sent to a receiver that requests no content."""
    metadata = {KEYS[name]: tuple(patterns) for name, patterns in selected.items()}
    metadata["dir-name"] = ("tree",)
    call = FakeCall([pb.Packet(type=pb.Packet.PACKET_FIN)], metadata)
    service = LocalDirs({"tree": root})
    try:
        service.handlers()["/moby.filesync.v1.FileSync/DiffCopy"](cast("ServerCall", call))
    except RemoteError:
        return ["refused"]
    stats = [packet.stat for packet in call.sent if packet.HasField("stat")]
    return [
        f"{stat.path.decode()} {stat.mode:o} {stat.size} {stat.linkname.decode()}" for stat in stats
    ]


@pytest.mark.feature("N2")
def test_every_walk_is_recorded() -> None:
    assert len(WALKS["cases"]) == len(RECORDED)


@pytest.mark.feature("N2")
@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_trees_are_sent_as_from_go(tree: Path, number: int) -> None:
    selected = WALKS["cases"][number]
    assert sent(tree, selected) == RECORDED[number], selected


@pytest.mark.feature("N2")
@pytest.mark.go
def test_recorded_walks_are_what_go_gives_today() -> None:
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    done = subprocess.run(
        [go, "run", ".", "walks", str(HERE / "walks.json")],
        cwd=HERE / "recorder",
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == RECORDED
