"""``-o``, ``-t``, ``--push``, ``--load`` and ``--annotation`` combine into exporters."""

from __future__ import annotations

import io
import sys

import click
import pytest

from llb.cli.export_options import to_exports
from llb.client.export.exporters import Export


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_options_become_exporters() -> None:
    assert to_exports(["out"], ["app"], ["a=1"], push=True, load=True) == [
        Export("local", {}, "out"),
        Export("docker", {"name": "app", "annotation.a": "1"}),
        Export(
            "image",
            {"name": "app", "annotation.a": "1", "push": "true"},
        ),
    ]


def test_an_archive_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert to_exports(["-"], (), push=False, load=False) == [Export("tar", {}, "-")]
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert to_exports(["out"], (), push=False, load=False) == [Export("local", {}, "out")]
    with pytest.raises(click.UsageError) as caught:
        to_exports(["-"], (), push=False, load=False)
    assert caught.value.message == (
        "refusing to write an archive to a terminal: name a file with dest="
    )


def test_annotations_without_an_image_have_no_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert to_exports(["out"], (), ["a=1"], push=False, load=False) == [Export("local", {}, "out")]
    assert to_exports((), (), ["a=1"], push=False, load=False) == []
    warning = "warning: --annotation has no effect: no output is an image\n"
    assert capsys.readouterr().err == warning * 2


def test_an_archive_without_a_file_goes_to_standard_output() -> None:
    assert to_exports(["type=oci", "type=tar"], (), push=False, load=False) == [
        Export("oci", {}, "-"),
        Export("tar", {}, "-"),
    ]
