"""Every error in a Dockerfile is reported with its position; the whole messages are goldens."""

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


def resolve(requests: tuple[Request, ...]) -> Found:
    """Resolve the images of the cases, and any other image with an empty config."""

    def resolver(request: ImageRequest) -> ResolvedImage:
        return ResolvedImage("sha256:" + "0" * 64, IMAGES.get(request.ref, "{}").encode())

    return resolve_purely(requests, resolver, ConvertOptions())


def report_of(
    text: bytes,
    *,
    target: str | None = None,
    ignore: str = "",
    platform: str = "linux/amd64",
) -> str:
    """Convert an invalid file, and render its error."""

    def convert() -> None:
        patterns = parse_ignore(ignore.encode())
        options = ConvertOptions(target=target, ignore=patterns, platform=Platform.parse(platform))
        parsed = parse(text, "Dockerfile")
        convert_parsed(parsed, options, resolve)

    with pytest.raises(DockerfileError) as caught:
        convert()
    return render(caught.value)


def test_every_error_is_reported_as_checked_in(golden: Golden) -> None:
    reports = [
        f"# {path.stem}\n{report_of(path.read_bytes(), **OPTIONS.get(path.stem, {}))}\n"
        for path in CASES
    ]
    golden("\n".join(reports))


def test_a_binary_file_is_refused_without_a_traceback() -> None:
    assert report_of(b"\x00\xff\xfe FROM\n") == (
        "1 | >>> \\x00\ufffd\ufffd FROM\n"
        "  |     ^^^^^^\n"
        "error: Dockerfile:1:1: unknown instruction: \\x00\ufffd\ufffd"
    )


@pytest.mark.feature("A2")
def test_a_line_that_is_too_long_is_refused() -> None:
    assert report_of(b"FROM scratch\nRUN " + b"x" * 70_000).endswith(
        "x\nerror: Dockerfile:1: dockerfile line greater than max allowed size of 65535"
    )
