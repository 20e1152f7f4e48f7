"""Trees in memory that are larger than a message travel as uploads."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llb import Directory, File, Image, Symlink, copy, files, mkdir, mkfile, rm
from llb.client import Client, local
from llb.definition.file_contents import move_contents
from llb.errors import InvalidDefinitionError
from llb.gateway import Gateway, Request, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llb import State
    from llb.sources.inline_files import Content

LARGE = random.Random(1).randbytes(20 * 2**20)
TIME = datetime(2020, 1, 2, 3, 4, 5, 678, UTC)
SHOW = "find /tree -exec stat -c '%n %a %u %g %s %Y %N' {} + | sort; md5sum $(find /tree -type f)"


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


def tree(size: int) -> Mapping[str, Content]:
    return {
        "large": LARGE[:size],
        "bin/tool": File(LARGE[: size // 2], mode=0o755, owner="5:6"),
        "bin/empty": "",
        "link": Symlink("../bin/tool"),
        "é": "text",
        "none": Directory(0o711, owner="7"),
        f"{'long' * 40}/{'name' * 40}": "x",
    }


def show(client: Client, state: State) -> str:
    """List everything below /tree, without the sizes of large files and their sums."""
    return client.run(Image("busybox").copy(state, "/tree/"), SHOW).stdout_text


@pytest.mark.feature("N20")
def test_a_large_tree_is_built_as_a_small_one(client: Client) -> None:
    # Only the large one is moved, and the same content is cut from both.
    size = 7 * 2**20
    small = files(tree(size), created=TIME)
    assert sum(map(len, small.marshal().ops)) < 12 * 2**20
    padded = {**tree(size), "padding": LARGE}
    large = files(padded, created=TIME).file(rm("/padding"))
    assert show(client, large) == show(client, small)


@pytest.mark.feature("N20")
def test_a_large_file_is_written_to_an_image(client: Client) -> None:
    state = Image("busybox").file(
        mkdir("/a"),
        mkfile("/a/small", "1"),
        mkfile("/a/large", LARGE, mode=0o4750, owner="www-data", created=TIME),
        mkfile("/a/other", LARGE),
        copy(files({"b": "2"}), "/a/"),
        rm("/a/other"),
    )
    listed = client.run(state, "cd /a; stat -c '%n %a %U %G %s %Y' *").stdout_text
    assert listed.splitlines()[1] == f"large 750 www-data www-data {len(LARGE)} {TIME:%s}"
    assert [line.split()[0] for line in listed.splitlines()] == ["b", "large", "small"]
    assert client.read_file(state, "/a/large") == LARGE


@pytest.mark.feature("N20")
def test_a_large_tree_is_sent_once(client: Client, tmp_path: Path) -> None:
    state = files({tmp_path.name: LARGE})
    client.solve(state, exports=[local(tmp_path / "1")])
    # No client provides the content of this definition.
    client.solve(move_contents(state.marshal()).definition, exports=[local(tmp_path / "2")])
    assert (tmp_path / "2" / tmp_path.name).read_bytes() == LARGE


@pytest.mark.feature("N20")
def test_large_trees_are_inputs_of_a_frontend(client: Client, tmp_path: Path) -> None:
    context: dict[str, Content] = {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        **{str(number): LARGE for number in range(5)},
    }
    inputs = {"context": files(context), "dockerfile": files(context)}
    client.solve(
        frontend="dockerfile.v0", frontend_inputs=inputs, exports=[local(tmp_path / "out")]
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(context)
    assert all((tmp_path / "out" / str(number)).read_bytes() == LARGE for number in range(5))


@pytest.mark.feature("N20")
def test_a_function_solves_a_large_tree(client: Client, tmp_path: Path) -> None:
    def function(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(files({"a": LARGE}).marshal()))

    client.build(function, exports=[local(tmp_path)])
    assert (tmp_path / "a").read_bytes() == LARGE


@pytest.mark.feature("N20")
def test_many_small_files_are_one_upload(client: Client) -> None:
    state = files({f"{number % 100}/{number}": LARGE[:4000] for number in range(5000)})
    assert sum(map(len, state.marshal().ops)) > 16 * 2**20
    assert len(client.list_dir(state, "7")) == 50


@pytest.mark.feature("N20")
def test_a_definition_that_stays_too_large_is_refused_before_it_is_sent(client: Client) -> None:
    actions = [mkfile(f"/{number}", LARGE[:60_000]) for number in range(300)]
    with pytest.raises(InvalidDefinitionError) as caught:
        client.solve(Image("busybox").file(*actions))
    assert caught.value.message == (
        "the request with the definition has 17.2 MiB: BuildKit accepts 16 MiB"
    )
