"""Outputs, tags, annotations, pushes and loads combine into exporters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llb.client.export.exporters import Export, local
from llb.client.export.image_options import Annotation
from llb.client.image_build.exports import to_exports
from llb.errors import InvalidValueError

NAME = "app"


def exports(
    *outputs: object,
    tags: Any = (),
    annotations: object = (),
    push: bool = False,
    load: bool = False,
) -> list[Export]:
    return to_exports(outputs, tags, annotations, push=push, load=load)


def test_no_options_export_nothing() -> None:
    assert exports() == []


def test_an_output_is_an_export() -> None:
    assert exports("out", "type=oci,dest=a.tar") == [
        Export("local", {}, "out"),
        Export("oci", {}, "a.tar"),
    ]


def test_a_tag_without_an_image_output_adds_an_image_export() -> None:
    assert exports(tags=("app", "example.com/app:1")) == [
        Export("image", {"name": "app,example.com/app:1"})
    ]
    assert exports("out", tags=("app",)) == [
        Export("local", {}, "out"),
        Export("image", {"name": NAME}),
    ]


def test_a_tag_names_every_image() -> None:
    assert exports(
        "type=oci,dest=a.tar", "type=image,name=mine", "type=tar,dest=b.tar", tags=("app",)
    ) == [
        Export("oci", {"name": NAME}, "a.tar"),
        Export("image", {"name": NAME}),
        Export("tar", {}, "b.tar"),
    ]


def test_pushing_a_tag_with_an_archive_output_adds_an_image_export() -> None:
    assert exports("type=oci,dest=a.tar", tags=("app",), push=True) == [
        Export("oci", {"name": NAME}, "a.tar"),
        Export("image", {"name": NAME, "push": "true"}),
    ]


def test_every_image_with_a_name_is_pushed() -> None:
    assert exports("type=image,name=mine", "type=registry,name=other", push=True) == [
        Export("image", {"name": "mine", "push": "true"}),
        Export("registry", {"name": "other", "push": "true"}),
    ]


@pytest.mark.parametrize("outputs", [(), ("out",), ("type=image",), ("type=oci,dest=a,name=x",)])
def test_an_image_without_a_name_is_not_pushed(outputs: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        exports(*outputs, push=True)
    assert caught.value.message == "a push needs a name for the image"


def test_an_image_is_loaded_once() -> None:
    assert exports(load=True) == [Export("docker")]
    assert exports("type=docker", load=True) == [Export("docker")]
    assert exports("type=docker,dest=a.tar", tags=("app",), load=True) == [
        Export("docker", {"name": NAME}, "a.tar"),
        Export("docker", {"name": NAME}),
    ]


def test_annotations_apply_to_every_image_and_replace_its_own() -> None:
    assert exports(
        "type=oci,dest=a.tar,annotation.by=you",
        "out",
        annotations=("by=me", "index:of=many"),
    ) == [
        Export("oci", {"annotation.by": "me", "annotation-index.of": "many"}, "a.tar"),
        Export("local", {}, "out"),
    ]


def test_annotations_without_an_image_are_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        exports("out", annotations=("by=me",))
    assert caught.value.message == "annotations need an image"
    assert caught.value.hint == "name it with tags"
    assert caught.value.command_hint == "name it with -t"


def test_an_invalid_name_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        exports(tags=("App",))


def test_outputs_are_exporters_directories_and_strings() -> None:
    assert exports(local("a"), Path("b"), "c") == [
        Export("local", {}, "a"),
        Export("local", {}, "b"),
        Export("local", {}, "c"),
    ]


def test_annotations_are_a_mapping_values_or_strings() -> None:
    expected = {"annotation.a": "1", "annotation-index.b": "2"}
    for value in (
        {"a": "1"},
        "a=1",
        Annotation("a", "1"),
        [Annotation("a", "1"), "index:b=2"],
    ):
        (export,) = exports(tags="app", annotations=value)
        attrs = {k: v for k, v in export.attrs.items() if k != "name"}
        assert attrs.items() <= expected.items()
        assert attrs["annotation.a"] == "1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": [1]}, "invalid outputs 1: expected an exporter, a directory or a string"),
        ({"outputs": [""]}, "invalid outputs '': expected a string that is not empty"),
        ({"tags": [1]}, "invalid tags 1: expected a string that is not empty"),
        ({"tags": {"a": "b"}}, "invalid tags {'a': 'b'}: expected one value or several"),
        ({"annotations": [1]}, "invalid annotations 1: expected a string that is not empty"),
        (
            {"annotations": {"a": None}},
            "invalid annotations['a'] None: expected a string, a number or a path",
        ),
    ],
)
def test_an_invalid_value_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        exports(*options.pop("outputs", ()), **options)
    assert caught.value.message == message
