"""The exporter of the BuildKit inside Docker adds images to Docker's image store."""

from __future__ import annotations

import pytest

from llb._pb import control_pb2 as pb
from llb.client.connect.control import Worker
from llb.client.export.docker import (
    has_containerd_store,
    is_pushed,
    to_docker,
    without_push,
)
from llb.errors import InvalidValueError

LABEL = "org.mobyproject.buildkit.worker."


def test_an_image_uses_dockers_exporter() -> None:
    exporter = to_docker(pb.Exporter(Type="image", Attrs={"name": "app", "push": "true"}))
    assert (exporter.Type, dict(exporter.Attrs)) == ("moby", {"name": "app", "push": "true"})


def test_other_exporters_are_unchanged() -> None:
    exporter = pb.Exporter(Type="oci", Attrs={"name": "app"})
    assert to_docker(exporter) is exporter


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((), False),
        (((f"{LABEL}moby.host-gateway-ip", "<nil>"),), False),
        (((f"{LABEL}executor", "containerd"), (f"{LABEL}snapshotter", "overlayfs")), True),
    ],
)
def test_the_labels_of_a_worker_tell_the_image_store(
    labels: tuple[tuple[str, str], ...], *, expected: bool
) -> None:
    assert has_containerd_store([Worker("w", labels, ())]) is expected


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({}, False),
        ({"push": "false"}, False),
        ({"push": "true"}, True),
        ({"push": ""}, True),
        ({"push-by-digest": "true"}, True),
    ],
)
def test_an_exporter_that_pushes_is_recognized(attrs: dict[str, str], *, expected: bool) -> None:
    assert is_pushed(pb.Exporter(Type="moby", Attrs=attrs)) is expected


@pytest.mark.feature("J17")
def test_a_push_is_taken_out_of_an_exporter() -> None:
    attrs = {"name": "app,example.com/b:1", "push": "true", "registry.insecure": "true"}
    exporter, references = without_push(pb.Exporter(Type="moby", Attrs=attrs))
    assert dict(exporter.Attrs) == {"name": "app,example.com/b:1"}
    assert list(map(str, references)) == ["docker.io/library/app:latest", "example.com/b:1"]


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"push": "true"}, "a push needs a name for the image"),
        ({"name": "a", "push-by-digest": ""}, "this Docker cannot push an image by digest"),
    ],
)
def test_a_push_that_docker_cannot_perform_is_refused(attrs: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        without_push(pb.Exporter(Type="moby", Attrs=attrs))
    assert caught.value.message == message
