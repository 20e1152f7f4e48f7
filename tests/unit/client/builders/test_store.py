"""The store of builders has the files of buildx, and is shared by several processes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from llb.client.builders.instance import BuilderInstance, BuilderNode
from llb.client.builders.store import BuilderStore, chosen_name
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

ONE = BuilderInstance("one", "remote", (BuilderNode("one0", "tcp://a:1"),))
TWO = BuilderInstance("two", "remote", (BuilderNode("two0", "tcp://b:1"),))
HOST = {"DOCKER_HOST": "unix:///other.sock"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path)}


@pytest.fixture
def store(environ: dict[str, str]) -> BuilderStore:
    """A store with two builders."""
    store = BuilderStore(environ)
    with store.locked():
        store.save(TWO)
        store.save(ONE)
    return store


def test_the_folder_is_that_of_buildx(tmp_path: Path) -> None:
    assert BuilderStore({"DOCKER_CONFIG": str(tmp_path)}).folder == tmp_path / "buildx"
    assert BuilderStore({"BUILDX_CONFIG": "/x", "DOCKER_CONFIG": "/y"}).folder.as_posix() == "/x"


def test_builders_are_found_by_name(store: BuilderStore) -> None:
    assert store.instances() == (ONE, TWO)
    assert store.load("ONE") == ONE
    assert store.find("three") is None
    with pytest.raises(InputError, match="unknown builder 'tow'") as caught:
        store.load("tow")
    assert caught.value.hint == "did you mean two?"


def test_nobody_else_can_read_the_files(store: BuilderStore) -> None:
    with store.locked():
        store.use("one", is_default=True)
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    folders = [path for path in store.folder.iterdir() if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_a_removed_builder_leaves_nothing(store: BuilderStore) -> None:
    refs = store.folder / "refs" / "one" / "one0"
    refs.mkdir(parents=True)
    with store.locked():
        store.remove("one")
        store.remove("three")
    assert store.instances() == (TWO,)
    assert store.last_activity("one") is None
    assert not refs.exists()


def test_the_time_of_a_change_is_recorded(store: BuilderStore) -> None:
    moment = store.last_activity("one")
    assert moment is not None
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=10)
    (store.folder / "activity" / "one").write_text("yesterday")
    assert store.last_activity("one") is None


def test_a_builder_is_used_with_the_docker_for_which_it_was_chosen(
    store: BuilderStore, environ: dict[str, str]
) -> None:
    elsewhere = BuilderStore(environ | HOST)
    assert store.current() is None
    with store.locked():
        store.use("one")
    assert (store.current(), elsewhere.current()) == (ONE, None)
    assert (store.folder / "current").read_bytes() == (
        b'{"Key":"unix:///var/run/docker.sock","Name":"one","Global":false}'
    )
    with store.locked():
        store.use("")
    assert store.current() is None


def test_a_global_builder_is_used_with_every_docker(
    store: BuilderStore, environ: dict[str, str]
) -> None:
    elsewhere = BuilderStore(environ | HOST)
    with store.locked():
        store.use("one", is_global=True)
    assert (store.current(), elsewhere.current()) == (ONE, ONE)
    with store.locked():
        store.remove("one")
    assert (store.current(), elsewhere.current()) == (None, None)


def test_a_default_builder_is_used_when_its_docker_returns(
    store: BuilderStore, environ: dict[str, str]
) -> None:
    elsewhere = BuilderStore(environ | HOST)
    with store.locked():
        store.use("one", is_default=True)
        elsewhere.use("two")
    assert (store.current(), elsewhere.current()) == (ONE, TWO)


def test_a_context_is_another_docker(store: BuilderStore, environ: dict[str, str]) -> None:
    with store.locked():
        store.use("one")
    assert BuilderStore(environ | {"DOCKER_CONTEXT": "far"}).current() is None


def test_the_environment_names_a_builder(store: BuilderStore, environ: dict[str, str]) -> None:
    assert chosen_name(environ) is None
    assert chosen_name(environ | {"BUILDX_BUILDER": "two"}) == "two"
    with store.locked():
        store.use("one")
    assert chosen_name(environ) == "one"


def test_a_builder_of_a_newer_buildx_is_not_changed(store: BuilderStore) -> None:
    with store.locked(), pytest.raises(InputError, match="a change would lose Labels") as caught:
        store.save(evolve(ONE, unknown_fields=("Labels",)))
    assert caught.value.hint == "change it with buildx"
    assert store.load("one") == ONE


def test_other_files_in_the_folder_are_no_builders(store: BuilderStore) -> None:
    (store.folder / "instances" / ".DS_Store").write_text("x")
    assert store.instances() == (ONE, TWO)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_broken_choice_is_an_error(content: bytes, store: BuilderStore) -> None:
    (store.folder / "current").write_bytes(content)
    with pytest.raises(InputError, match="current is not JSON of buildx"):
        store.current()


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = BuilderStore({"BUILDX_CONFIG": str(tmp_path / "file")})
    with pytest.raises(InputError, match=r"cannot write .*file: Not a directory"), store.locked():
        raise AssertionError("locked")
    with pytest.raises(InputError, match="cannot read"):
        store.current()


# Adds a node for each line of its input, which is one change under the lock.
WRITER = """\
import sys
from attrs import evolve
from llb.client.builders.instance import BuilderNode
from llb.client.builders.store import BuilderStore

store = BuilderStore({"DOCKER_CONFIG": sys.argv[1]})
for number in range(20):
    with store.locked():
        instance = store.load("one")
        name = f"{sys.argv[2]}{number}"
        store.save(instance.with_node(BuilderNode(name, f"tcp://{name}:1")))
"""


def test_two_processes_lose_no_change_of_each_other(store: BuilderStore, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name]) for name in ("x", "y")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    names = {node.name for node in store.load("one").nodes}
    assert names == {"one0", *(f"{name}{number}" for name in "xy" for number in range(20))}
