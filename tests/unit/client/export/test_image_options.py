"""Annotations of images are parsed."""

from __future__ import annotations

import pytest

from llb.client import (
    Annotation,
)
from llb.client.export.image_options import parse_annotation
from llb.errors import InvalidValueError


@pytest.mark.feature("L5")
@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        ("a=b=c", (Annotation("a", "b=c"),)),
        ("a:b=c", (Annotation("a:b", "c"),)),
        (
            "manifest,index:a=b",
            (Annotation("a", "b"), Annotation("a", "b", kind="index")),
        ),
        ("manifest[linux/amd64]:a=", (Annotation("a", "", platform="linux/amd64"),)),
    ],
)
def test_annotations_are_parsed_as_by_buildx(text: str, annotations: object) -> None:
    assert parse_annotation(text) == annotations


@pytest.mark.parametrize("text", ["a", "=b", "index:=b", "index[linux/amd64]:a=b", "a b=c"])
def test_an_invalid_annotation_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_annotation(text)
