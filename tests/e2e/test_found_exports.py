"""Exports that a function chooses when the result is known (``find_exports``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import Client, Export, cache_only, image, local, oci, tar
from llb.client.connect.control import Control, Info
from llb.errors import CapabilityError, InputError, InvalidValueError
from llb.gateway import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.gateway import Gateway, Request

STATE = Scratch().mkfile("/a", "1")


@pytest.mark.feature("N18")
def test_a_function_chooses_exports_by_the_metadata(buildkit_host: str, tmp_path: Path) -> None:
    all_metadata: list[dict[str, bytes]] = []

    def build(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(STATE.marshal()), metadata={"release": b"yes"})

    def choose(metadata: Mapping[str, bytes]) -> list[Export]:
        all_metadata.append(dict(metadata))
        return [local(tmp_path / "found"), tar(tmp_path / "found.tar")]

    with Client(buildkit_host) as client:
        client.build(build, exports=[local(tmp_path / "given")], find_exports=choose)
    assert [result_metadata["release"] for result_metadata in all_metadata] == [b"yes"]
    assert (tmp_path / "given" / "a").read_text() == "1"
    assert (tmp_path / "found" / "a").read_text() == "1"
    assert (tmp_path / "found.tar").stat().st_size > 0


@pytest.mark.feature("N18")
def test_an_image_chosen_later_has_the_config_of_its_state(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/test/{tmp_path.name}"
    with Client(buildkit_host) as client:
        direct = client.solve(STATE.env("A", "1"), exports=[image(name, push=True)])
        chosen = client.solve(STATE.env("A", "1"), find_exports=lambda _: [image(name, push=True)])
        client.solve(Image(name), exports=[local(tmp_path / "out")])
    assert chosen.digest == direct.digest
    assert (tmp_path / "out" / "a").read_text() == "1"


@pytest.mark.feature("N18")
def test_the_choice_may_be_cache_only(buildkit_host: str, tmp_path: Path) -> None:
    with Client(buildkit_host) as client:
        result = client.solve(STATE, find_exports=lambda _: [cache_only()])
    assert result.digest is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.feature("N18")
def test_an_invalid_choice_of_exports_fails_the_build(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    def layout(_: Mapping[str, bytes]) -> list[Export]:
        return [local(tmp_path / "out"), oci(tmp_path / "layout", tar=False)]

    def onto_a_file(_: Mapping[str, bytes]) -> list[Export]:
        return [local(tmp_path / "out"), local(tmp_path / "file")]

    def broken(_: Mapping[str, bytes]) -> list[Export]:
        raise KeyError("what is this")

    with Client(buildkit_host) as client:
        with pytest.raises(InvalidValueError, match="find_exports cannot return an OCI layout"):
            client.solve(STATE, find_exports=layout)
        with pytest.raises(InputError, match=r"cannot export to .*/file: it is not a directory"):
            client.solve(STATE, find_exports=onto_a_file)
        with pytest.raises(KeyError, match="what is this"):
            client.solve(STATE, find_exports=broken)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_exporter_that_is_chosen_later_may_need_a_newer_daemon(
    buildkit_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Control, "info", lambda *_: Info("buildkit", "v0.33.0", ""))
    message = "BuildKit v0.33.0 does not support src of exporters"
    with Client(buildkit_host) as client, pytest.raises(CapabilityError, match=message):
        client.solve(STATE, find_exports=lambda _: [local(tmp_path / "out", src="/a")])
    assert list(tmp_path.iterdir()) == []
