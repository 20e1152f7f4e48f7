"""Outputs of a build: invalid descriptors are refused."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llb.client.export.content_store import Store
from llb.client.export.oci_layout import Layout
from llb.client.export.outputs import CacheOutput, ImageOutput
from llb.errors import InputError, TransportError

if TYPE_CHECKING:
    from pathlib import Path


BLOB = b"some bytes of a blob"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


DIGEST = digest_of(BLOB)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(layout: Layout) -> Store:
    return Store(layout, writable=True)


def files(layout: Layout) -> list[str]:
    return sorted(
        str(path.relative_to(layout.path.parent)) for path in layout.path.parent.rglob("*")
    )


@pytest.mark.parametrize("answer", ["", "x", "[]", "{}", '{"digest": 1}', '{"digest": "sha256:x"}'])
def test_an_invalid_descriptor_is_refused(answer: str, layout: Layout, store: Store) -> None:
    with pytest.raises(TransportError):
        CacheOutput(store).commit({"cache.manifest": answer})
    with pytest.raises(TransportError):
        ImageOutput(store).commit({"containerimage.descriptor": answer})
    assert files(layout) == []


def test_a_result_that_was_not_written_is_refused(layout: Layout, store: Store) -> None:
    with pytest.raises(InputError, match="but did not write it there"):
        CacheOutput(store).commit({"cache.manifest": json.dumps({"digest": DIGEST})})
    assert files(layout) == []
