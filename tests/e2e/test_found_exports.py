"""What is done with a result is found when the result is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import Client, Export, cache_only, image, local, oci, tar
from llb.errors import InputError, InvalidValueError, SolveError
from llb.gateway import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.gateway import Gateway, Request

STATE = Scratch().mkfile("/a", "1")


@pytest.mark.feature("N18")
def test_exports_are_found_by_what_a_frontend_says(buildkit_host: str, tmp_path: Path) -> None:
    seen: list[dict[str, bytes]] = []

    def built(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(STATE.marshal()), metadata={"release": b"yes"})

    def find(metadata: Mapping[str, bytes]) -> list[Export]:
        seen.append(dict(metadata))
        return [local(tmp_path / "found"), tar(tmp_path / "found.tar")]

    with Client(buildkit_host) as client:
        client.build(built, exports=[local(tmp_path / "given")], find_exports=find)
    assert [each["release"] for each in seen] == [b"yes"]
    assert (tmp_path / "given" / "a").read_text() == "1"
    assert (tmp_path / "found" / "a").read_text() == "1"
    assert (tmp_path / "found.tar").stat().st_size > 0


@pytest.mark.feature("N18")
def test_an_image_that_is_found_has_the_config_of_its_state(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/test/{tmp_path.name}"
    with Client(buildkit_host) as client:
        given = client.solve(STATE.env("A", "1"), exports=[image(name, push=True)])
        found = client.solve(STATE.env("A", "1"), find_exports=lambda _: [image(name, push=True)])
        client.solve(Image(name), exports=[local(tmp_path / "out")])
    assert found.digest == given.digest
    assert (tmp_path / "out" / "a").read_text() == "1"


@pytest.mark.feature("N18")
def test_nothing_need_be_found(buildkit_host: str, tmp_path: Path) -> None:
    with Client(buildkit_host) as client:
        result = client.solve(STATE, find_exports=lambda _: [cache_only()])
    assert result.digest is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.feature("N18")
def test_what_cannot_be_done_with_a_result_ends_the_build(
    buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    def layout(_: Mapping[str, bytes]) -> list[Export]:
        return [local(tmp_path / "out"), oci(tmp_path / "layout", tar=False)]

    def onto_a_file(_: Mapping[str, bytes]) -> list[Export]:
        return [local(tmp_path / "out"), local(tmp_path / "file")]

    def broken(_: Mapping[str, bytes]) -> list[Export]:
        raise KeyError("what is this")

    with Client(buildkit_host) as client:
        with pytest.raises(InvalidValueError, match="an OCI layout cannot be found"):
            client.solve(STATE, find_exports=layout)
        with pytest.raises(InputError, match=r"cannot export to .*/file: it is not a directory"):
            client.solve(STATE, find_exports=onto_a_file)
        with pytest.raises(SolveError, match="what is this"):
            client.solve(STATE, find_exports=broken)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
