"""What exporters ask of a daemon, and what takes their results."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from llb.client.exporters import Export, cache_only, docker, local, oci, parse_export
from llb.client.providers.filesend import FileReceiver, LocalReceiver, StreamReceiver

if TYPE_CHECKING:
    from llb.client.providers.filesend import Receiver


def test_the_buildkit_inside_docker_makes_an_image_and_no_archive() -> None:
    export = docker(name="app", compression="zstd", tar=True)
    assert Export("docker", {**export.attrs, "tar": "true"}).inside_docker() == Export(
        "image", {"name": "app", "compression": "zstd"}
    )


@pytest.mark.parametrize("export", [docker("image.tar"), docker("layout", tar=False), oci("a.tar")])
def test_the_buildkit_inside_docker_writes_archives_as_any_other_does(export: Export) -> None:
    assert export.inside_docker() is export


@pytest.mark.parametrize(
    ("export", "receiver"),
    [
        (docker("image.tar"), FileReceiver),
        (oci("image.tar"), FileReceiver),
        (local("out"), LocalReceiver),
        (parse_export("-"), StreamReceiver),
    ],
)
def test_a_result_that_is_sent_has_a_receiver(
    export: Export, receiver: type[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    assert type(export.receiver()) is receiver


@pytest.mark.parametrize(
    "export", [docker("layout", tar=False), parse_export("type=image,name=a"), cache_only()]
)
def test_a_result_that_is_not_sent_has_no_receiver(export: Export) -> None:
    assert export.receiver() is None
