"""File contents that do not fit into a message become uploads."""

from __future__ import annotations

import pytest

from llb import files
from llb.client.session.uploads import MemoryUploads

MIB = 2**20


@pytest.mark.parametrize(
    ("size", "is_docker", "parts", "is_moved"),
    [
        (11, False, 1, False),
        (13, False, 1, True),
        (5, False, 2, False),
        (7, False, 2, True),
        (2, True, 1, False),
        (4, True, 1, True),
    ],
)
def test_only_contents_that_do_not_fit_are_moved(
    size: int, *, is_docker: bool, parts: int, is_moved: bool
) -> None:
    definition = files({"a": bytes(size * MIB)}).marshal()
    uploads = MemoryUploads(is_docker=is_docker)
    assert (uploads.shrink(definition, parts=parts) is not definition) is is_moved
    assert bool(uploads.contents) is is_moved
