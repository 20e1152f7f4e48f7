"""The exporter of the BuildKit inside Docker adds images to Docker's image store."""

from __future__ import annotations

import pytest

from llb._pb import control_pb2 as pb
from llb.client.export.docker import to_docker
from llb.errors import InvalidValueError


def test_an_image_uses_dockers_exporter() -> None:
    exporter = to_docker(pb.Exporter(Type="image", Attrs={"name": "app", "push": "false"}))
    assert (exporter.Type, dict(exporter.Attrs)) == ("moby", {"name": "app", "push": "false"})


def test_other_exporters_are_unchanged() -> None:
    exporter = pb.Exporter(Type="oci", Attrs={"name": "app"})
    assert to_docker(exporter) is exporter


def test_pushing_an_image_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_docker(pb.Exporter(Type="image", Attrs={"push": "true"}))
    assert caught.value.message == "the BuildKit inside Docker cannot push images"
