"""Every mistake in a Dockerfile is told with its place; the whole texts are checked in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Platform
from llb.dockerfile import (
    ConvertOptions,
    DockerfileError,
    ImageRequest,
    ResolvedImage,
    convert_parsed,
    parse,
    parse_ignore,
)
from llb.dockerfile.image_table import resolve_purely
from llb.errors import render

if TYPE_CHECKING:
    from llb.dockerfile.sources.requests import Found, Request
    from llb.testing.golden import Golden

TESTS = Path(__file__).parents[3]
CONFORMANCE = TESTS / "conformance" / "dockerfile" / "cases"
CASES = sorted(CONFORMANCE.glob("error-*.Dockerfile"))
IMAGES: dict[str, str] = json.loads((CASES[0].parent / "images.json").read_text())
OPTIONS = json.loads((CONFORMANCE / "options.json").read_text())


def resolved(requests: tuple[Request, ...]) -> Found:
    """Return the images of the cases, and images of nothing at all."""

    def resolver(each: ImageRequest) -> ResolvedImage:
        return ResolvedImage("sha256:" + "0" * 64, IMAGES.get(each.ref, "{}").encode())

    return resolve_purely(requests, resolver, ConvertOptions())


def told(
    text: bytes,
    *,
    target: str | None = None,
    ignore: str = "",
    labs: bool = False,
    platform: str = "linux/amd64",
) -> str:
    """Return what is told of a file's mistake."""

    def converted() -> None:
        patterns = parse_ignore(ignore.encode())
        options = ConvertOptions(
            target=target, ignore=patterns, labs=labs, platform=Platform.parse(platform)
        )
        parsed = parse(text, "Dockerfile")
        convert_parsed(parsed, options, resolved)

    with pytest.raises(DockerfileError) as caught:
        converted()
    return render(caught.value)


def test_every_mistake_is_told_as_checked_in(golden: Golden) -> None:
    texts = [
        f"# {path.stem}\n{told(path.read_bytes(), **OPTIONS.get(path.stem, {}))}\n"
        for path in CASES
    ]
    golden("\n".join(texts))


def test_what_is_of_the_labs_channel_is_refused_elsewhere() -> None:
    assert told(b"FROM scratch\nRUN --device=vendor.com/a=b x\n") == (
        "error: Dockerfile:2: device feature is only supported in Dockerfile frontend "
        "1.14.0-labs or later\n"
        "1 |     FROM scratch\n"
        "2 | >>> RUN --device=vendor.com/a=b x"
    )


def test_nothing_of_a_file_of_bytes_is_a_traceback() -> None:
    assert told(b"\x00\xff\xfe FROM\n").startswith("error: Dockerfile:1")


@pytest.mark.feature("A2")
def test_a_line_that_is_too_long_is_refused() -> None:
    assert told(b"FROM scratch\nRUN " + b"x" * 70_000).startswith(
        "error: Dockerfile:1: dockerfile line greater than max allowed size of 65535"
    )
