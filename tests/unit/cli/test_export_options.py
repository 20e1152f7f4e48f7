"""``-o``, ``-t``, ``--push``, ``--load`` and ``--annotation`` combine into exporters."""

from __future__ import annotations

import io
import sys

import click
import pytest

from llb.cli.export_options import to_exports
from llb.client.export.exporters import Export
from llb.errors import InvalidValueError

LATEST = "docker.io/library/app:latest"


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def exports(
    *outputs: str,
    tags: tuple[str, ...] = (),
    annotations: tuple[str, ...] = (),
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
        Export("image", {"name": f"{LATEST},example.com/app:1"})
    ]
    assert exports("out", tags=("app",)) == [
        Export("local", {}, "out"),
        Export("image", {"name": LATEST}),
    ]


def test_a_tag_names_every_unnamed_image() -> None:
    assert exports(
        "type=oci,dest=a.tar", "type=image,name=mine", "type=tar,dest=b.tar", tags=("app",)
    ) == [
        Export("oci", {"name": LATEST}, "a.tar"),
        Export("image", {"name": "mine"}),
        Export("tar", {}, "b.tar"),
    ]


def test_pushing_a_tag_with_an_archive_output_adds_an_image_export() -> None:
    assert exports("type=oci,dest=a.tar", tags=("app",), push=True) == [
        Export("oci", {"name": LATEST}, "a.tar"),
        Export("image", {"name": LATEST, "push": "true"}),
    ]


def test_every_image_with_a_name_is_pushed() -> None:
    assert exports("type=image,name=mine", "type=registry,name=other", push=True) == [
        Export("image", {"name": "mine", "push": "true"}),
        Export("registry", {"name": "other", "push": "true"}),
    ]


@pytest.mark.parametrize("outputs", [(), ("out",), ("type=image",), ("type=oci,dest=a,name=x",)])
def test_an_image_without_a_name_is_not_pushed(outputs: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError) as caught:
        exports(*outputs, push=True)
    assert caught.value.message == "--push needs a name: give one with -t NAME"


def test_an_image_is_loaded_once() -> None:
    assert exports(load=True) == [Export("docker")]
    assert exports("type=docker", load=True) == [Export("docker")]
    assert exports("type=docker,dest=a.tar", tags=("app",), load=True) == [
        Export("docker", {"name": LATEST}, "a.tar"),
        Export("docker", {"name": LATEST}),
    ]


def test_annotations_apply_to_every_image_but_do_not_override_its_own() -> None:
    assert exports(
        "type=oci,dest=a.tar,annotation.by=you",
        "out",
        annotations=("by=me", "index:of=many"),
    ) == [
        Export("oci", {"annotation.by": "you", "annotation-index.of": "many"}, "a.tar"),
        Export("local", {}, "out"),
    ]


def test_annotations_without_an_image_are_refused() -> None:
    with pytest.raises(click.UsageError) as caught:
        exports("out", annotations=("by=me",))
    assert caught.value.message == "--annotation needs an image: name one with -t NAME"


def test_an_invalid_name_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        exports(tags=("App",))


def test_an_archive_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exports("-") == [Export("tar", {}, "-")]
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert exports("out") == [Export("local", {}, "out")]
    with pytest.raises(click.UsageError) as caught:
        exports("-")
    assert caught.value.message == (
        "refusing to write an archive to a terminal: name a file with dest="
    )
