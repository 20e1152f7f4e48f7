"""Exporters are parsed from their short forms, and invalid ones are refused."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from llb.client import (
    Annotation,
    Export,
    cache_only,
    image,
    local,
    oci,
    parse_export,
    registry,
    tar,
)
from llb.client.export.destinations import FileReceiver, LocalReceiver, StreamReceiver
from llb.client.export.exporters import docker
from llb.errors import InvalidValueError, UnknownKeyWarning

if TYPE_CHECKING:
    from llb.client.export.receivers import Receiver


_LOCAL = local("out", delete=True, platform_split=False)


@pytest.mark.feature("L16")
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
        ("type=docker,dest=x,Compression=zstd", docker("x", compression="zstd")),
        ("type=oci,tar=false,dest=out", oci("out", tar=False)),
        ("type=registry,name=x", registry("x")),
        ("type=cacheonly", cache_only()),
        ("type=local,dest=out,mode=delete,platform-split=false", _LOCAL),
        ("type=tar,dest=out.tar,src=/etc", tar("out.tar", src="/etc")),
        (
            "type=image,name=x,push-by-digest=true,name-canonical=true,store=false",
            image("x", push_by_digest=True, name_canonical=True, store=False),
        ),
        (
            (
                "type=image,compression=gzip,compression-level=9,force-compression=true,"
                "oci-mediatypes=true,rewrite-timestamp=true,source-date-epoch=0"
            ),
            image(
                compression="gzip",
                compression_level=9,
                force_compression=True,
                oci_mediatypes=True,
                rewrite_timestamp=True,
                source_date_epoch=0,
            ),
        ),
        (
            (
                "type=image,annotation.a=1,annotation-index.b=2,"
                "annotation-manifest-descriptor[linux/arm64].c=3"
            ),
            image(
                annotations=[
                    Annotation("a", "1"),
                    Annotation("b", "2", kind="index"),
                    Annotation("c", "3", kind="manifest-descriptor", platform="linux/arm64"),
                ]
            ),
        ),
        ("type=image,annotation.a=1", image(annotations={"a": "1"})),
    ],
)
def test_outputs_are_parsed(text: str, export: Export) -> None:
    assert parse_export(text) == export


@pytest.mark.feature("L16")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "type=locl,dest=x",
            "unknown exporter 'locl': expected local, tar, oci, docker, image, registry, cacheonly",
        ),
        ("type=local", "the exporter local needs a destination"),
        ("type=local,dest=-", "a directory cannot be written to standard output"),
        ("type=image,dest=x", "the exporter image takes no dest"),
        ("dest=x", "invalid output 'dest=x': missing type"),
        ("type=oci,x", "invalid output 'type=oci,x': 'x' is not key=value"),
        ("type=oci,tar=false,dest=-", "a directory cannot be written to standard output"),
        ("type=image,psuh=true", "unknown attribute 'psuh' of the exporter image"),
        (
            "type=image,rewrite_timestamps=true",
            "unknown attribute 'rewrite_timestamps' of the exporter image",
        ),
        ("type=oci,dest=x,push=true", "unknown attribute 'push' of the exporter oci"),
        (
            "type=local,dest=x,annotation.a=b",
            "unknown attribute 'annotation.a' of the exporter local",
        ),
        ("type=local,dest=x,mode=move", "invalid mode 'move': expected copy, delete"),
        ("type=cacheonly,dest=x", "the exporter cacheonly takes no dest"),
        ("type=image,push=yes", "invalid push 'yes': expected true or false"),
        ("type=image,oci-mediatypes=", "invalid oci-mediatypes '': expected true or false"),
        (
            "type=image,compression=zip",
            "invalid compression 'zip': expected uncompressed, gzip, estargz, zstd",
        ),
        ("type=image,compression-level=23", "invalid compression-level '23': expected 0 to 22"),
        (
            "type=image,source-date-epoch=now",
            "invalid source-date-epoch 'now': expected a whole number",
        ),
        (
            "type=image,annotation-indx.a=b",
            (
                "invalid annotation kind 'indx': "
                "expected manifest, manifest-descriptor, index, index-descriptor"
            ),
        ),
        (
            "type=image,annotation=b",
            "invalid annotation 'annotation': expected annotation[-KIND][[PLATFORM]].KEY",
        ),
    ],
)
def test_invalid_outputs_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_export(text)
    assert caught.value.message == message


@pytest.mark.feature("L16")
def test_an_unknown_image_option_is_refused() -> None:
    with pytest.raises(TypeError, match="'compresion'; did you mean compression"):
        image("x", compresion="gzip")  # type: ignore[call-arg]


def test_an_image_may_have_several_names() -> None:
    assert image(["a", "b"]) == Export("image", {"name": "a,b"})


def test_the_buildkit_inside_docker_exports_an_image_instead_of_an_archive() -> None:
    export = docker(name="app", compression="zstd", tar=True)
    assert Export("docker", {**export.attrs, "tar": "true"}).inside_docker() == Export(
        "image", {"name": "app", "compression": "zstd"}
    )


@pytest.mark.parametrize("export", [docker("image.tar"), docker("layout", tar=False), oci("a.tar")])
def test_the_buildkit_inside_docker_writes_archives_like_any_other(export: Export) -> None:
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
def test_an_export_to_the_client_has_a_receiver(
    export: Export, receiver: type[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    assert type(export.receiver()) is receiver


@pytest.mark.parametrize(
    "export", [docker("layout", tar=False), parse_export("type=image,name=a"), cache_only()]
)
def test_an_export_without_a_stream_has_no_receiver(export: Export) -> None:
    assert export.receiver() is None


def test_an_attribute_of_a_newer_daemon_is_sent_with_a_warning() -> None:
    with pytest.warns(UnknownKeyWarning) as caught:
        export = parse_export("type=local,dest=x,owner=me")
    assert export.attrs["owner"] == "me"
    assert str(caught[0].message) == (
        "the exporter local has no attribute 'owner' that this version knows: it is sent as it is; "
        "the nearest known one is mode"
    )
    assert caught[0].filename == __file__
