"""The BuildKit inside Docker puts images among Docker's own."""

from __future__ import annotations

import pytest

from llb._pb import control_pb2 as pb
from llb.client.export.docker import to_docker
from llb.errors import InvalidValueError


def test_an_image_becomes_one_of_docker() -> None:
    exporter = to_docker(pb.Exporter(Type="image", Attrs={"name": "app", "push": "false"}))
    assert (exporter.Type, dict(exporter.Attrs)) == ("moby", {"name": "app", "push": "false"})


def test_other_exporters_stay_as_they_are() -> None:
    exporter = pb.Exporter(Type="oci", Attrs={"name": "app"})
    assert to_docker(exporter) is exporter


def test_an_image_that_is_to_be_pushed_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_docker(pb.Exporter(Type="image", Attrs={"push": "true"}))
    assert caught.value.message == "the BuildKit of Docker cannot push an image that it builds"
