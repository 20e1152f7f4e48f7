"""Outputs are read from their short forms, and refused when they cannot be."""

from __future__ import annotations

import pytest

from llb.client import Export, image, local, oci, parse_export, tar
from llb.errors import InvalidValueError


@pytest.mark.parametrize(
    ("text", "export"),
    [
        ("out", local("out")),
        ("-", tar("-")),
        ("type=local,dest=out", local("out")),
        ("type=tar,dest=out.tar", tar("out.tar")),
        ("type=oci,dest=-", oci("-")),
        ("type=oci,dest=a.tar,name=x:1", oci("a.tar", name="x:1")),
        ("type=image,name=x,push=true", image("x", push=True)),
        ('type=image,"name=a,b"', Export("image", {"name": "a,b"})),
        ("type=docker,dest=x,Compression=zstd", Export("docker", {"compression": "zstd"}, "x")),
    ],
)
def test_outputs_are_read(text: str, export: Export) -> None:
    assert parse_export(text) == export


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "type=locl,dest=x",
            "unknown exporter 'locl': expected local, tar, oci, docker, image, registry",
        ),
        ("type=local", "the exporter local needs a destination"),
        ("type=local,dest=-", "a directory cannot be written to standard output"),
        ("type=image,dest=x", "the exporter image takes no dest"),
        ("dest=x", "invalid output 'dest=x': it has no type"),
        ("type=oci,x", "invalid output 'type=oci,x': 'x' is no key=value"),
    ],
)
def test_outputs_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_export(text)
    assert caught.value.message == message
