"""OCI layouts are sources and destinations of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client import imagetools
from llb.errors import InputError, InvalidValueError, RegistryError
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import FakeRegistry, digest_of, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        fill(registry)
        yield registry


def test_a_corrupt_blob_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    layout = f"oci-layout://{tmp_path}/layout"
    image = imagetools.create(f"{registry.host}/{REPOSITORY}:multi", tags=layout)
    blob = tmp_path / "layout" / "blobs" / "sha256" / image.descriptor.digest.partition(":")[2]
    blob.write_bytes(b"{}")
    with pytest.raises(InputError, match="its bytes do not have this digest"):
        imagetools.inspect(layout)


def test_a_corrupt_layer_is_not_pushed(registry: FakeRegistry, tmp_path: Path) -> None:
    layout = f"oci-layout://{tmp_path}/layout"
    imagetools.create(f"{registry.host}/{REPOSITORY}:amd64", tags=layout)
    digest = digest_of(b"layer of amd64").partition(":")[2]
    (tmp_path / "layout" / "blobs" / "sha256" / digest).write_bytes(b"layer of evil!")
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        imagetools.create(layout, tags=f"{registry.host}/new:1")
    assert registry.repository("new").tags == {}


@pytest.mark.parametrize("name", ["oci-layout:///nowhere:1", f"oci-layout:///x@sha256:{'0' * 64}"])
def test_a_missing_image_is_an_error(name: str) -> None:
    with pytest.raises(InputError, match=r"no (image|blob) "):
        imagetools.inspect(name)


def test_a_folder_that_cannot_be_written_is_an_error(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        imagetools.create(
            f"{registry.host}/{REPOSITORY}:amd64", tags=f"oci-layout://{tmp_path}/file/layout"
        )


def test_an_invalid_digest_of_a_layout_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="invalid digest"):
        imagetools.inspect(f"oci-layout://x@md5:{'0' * 32}")
