"""Every mistake in a Dockerfile is told with its place; the whole texts are checked in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.dockerfile import (
    ConvertOptions,
    DockerfileError,
    ImageRequest,
    ResolvedImage,
    convert,
    parse,
    parse_ignore,
    resolve_images,
)
from llb.errors import render

TESTS = Path(__file__).parents[2]
CONFORMANCE = TESTS / "conformance" / "dockerfile" / "cases"
CASES = sorted(CONFORMANCE.glob("error-*.Dockerfile"))
IMAGES: dict[str, str] = json.loads((CASES[0].parent / "images.json").read_text())
OPTIONS = json.loads((CONFORMANCE / "options.json").read_text())
GOLDEN = TESTS / "golden" / "dockerfile" / "errors.txt"
UNSUPPORTED = [
    "RUN --mount=type=tmpfs,target=/x,ro a",
    "RUN --mount=type=tmpfs,target=/x,source=y a",
    "RUN --device=x a",
    "COPY --link a b",
    "COPY --parents a b",
    "ADD --keep-git-dir a b",
    "ADD --checksum=sha256:1 a b",
    "ADD https://example.org/x b",
    "ADD git@example.org:x b",
]


def resolved(requests: tuple[ImageRequest, ...]) -> dict[ImageRequest, ResolvedImage]:
    """Return the images of the cases, and images of nothing at all."""
    return {
        each: ResolvedImage("sha256:" + "0" * 64, IMAGES.get(each.ref, "{}").encode())
        for each in requests
    }


def told(text: bytes, *, target: str | None = None, ignore: str = "") -> str:
    """Return what is told of a file's mistake."""

    def converted() -> None:
        options = ConvertOptions(target=target, ignore=parse_ignore(ignore.encode()))
        parsed = parse(text, "Dockerfile")
        images = resolve_images(parsed, options, resolved)
        convert(parsed, options, images)

    with pytest.raises(DockerfileError) as caught:
        converted()
    return render(caught.value)


def test_every_mistake_is_told_as_checked_in() -> None:
    texts = [
        f"# {path.stem}\n{told(path.read_bytes(), **OPTIONS.get(path.stem, {}))}\n"
        for path in CASES
    ]
    assert "\n".join(texts) == GOLDEN.read_text()


@pytest.mark.parametrize("line", UNSUPPORTED)
def test_what_is_not_supported_is_refused_at_its_line(line: str) -> None:
    text = told(f"FROM scratch\n{line}\n".encode())
    assert text.startswith("error: Dockerfile:2")
    assert " is not supported yet\n" in text
    assert f"2 | >>> {line}\n" in text
    assert text.endswith("hint: docker/dockerfile:1 in the '# syntax=' line supports it")


def test_nothing_of_a_file_of_bytes_is_a_traceback() -> None:
    assert told(b"\x00\xff\xfe FROM\n").startswith("error: Dockerfile:1")


def test_a_line_that_is_too_long_is_refused() -> None:
    assert told(b"FROM scratch\nRUN " + b"x" * 70_000).startswith(
        "error: Dockerfile:2: dockerfile line greater than max allowed size of 65535"
    )
