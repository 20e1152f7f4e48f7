"""Warnings of a Dockerfile on the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.dockerfile import ConvertOptions, ImageTable, ResolvedImage
from llb.dockerfile.image_table import resolve_purely
from llb.errors import RemoteError
from llb.frontend.dockerui.dockerfile import File
from llb.testing.gateway import FakeGateway

if TYPE_CHECKING:
    from llb.dockerfile.sources.requests import Found, Request


CONFIG = '{"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:a"]}}'


WARNED = b"FROM scratch AS One\nWORKDIR x\n"


def resolve(requests: tuple[Request, ...]) -> Found:
    image = ResolvedImage(f"sha256:{'0' * 64}", CONFIG.encode())
    return resolve_purely(requests, ImageTable({"*": image}), ConvertOptions())


@pytest.mark.parametrize(("errors", "count"), [({}, 2), ({"Warn": RemoteError("no", code=12)}, 0)])
def test_a_warning_that_cannot_be_shown_does_not_fail_a_build(
    errors: dict[str, RemoteError], count: int
) -> None:
    with FakeGateway(errors=errors) as daemon:
        file = File(WARNED, "sha256:x", b"", daemon.connect(), resolve)
        options = ConvertOptions()
        assert len(file.convert(file.parse(options), options).warnings) == 2
        assert len(daemon.warnings) == count
