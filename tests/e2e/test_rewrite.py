"""Dockerfiles rewritten in Python, built on a real BuildKit beside Docker's own frontend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb.client import Client, local
from llb.dockerfile import ImageRequest, ResolvedImage
from llb.dockerfile.to_dockerfile import to_dockerfile
from llb.dockerfile.to_python import rewrite
from llb.frontend.build import build as build_function
from llb.frontend.buildfiles.offline import evaluate
from tests.e2e.frontends import in_frontend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCKERFILE = """\
ARG TAG=latest
FROM busybox:$TAG AS made
ARG NAME=world
ENV GREETING="hello ${NAME%%-*}"
WORKDIR /work
COPY --chown=7:8 *.txt docs/ ./
RUN --mount=type=cache,target=/cache \\
    --mount=type=bind,source=docs,target=/docs \\
    --mount=type=secret,id=token,env=TOKEN \\
    echo "$GREETING $NAME $TOKEN" > greeting && ls /docs > listed
# What a build makes once, the next one finds in the cache.
RUN cat /proc/sys/kernel/random/uuid > stamp
COPY <<EOF note
for $NAME
EOF
FROM made AS tested
RUN test "$(stat -c %u:%g a.txt)" = 7:8
FROM scratch
COPY --link --from=tested /work /
"""
FILES = {"a.txt": "a", "b.txt": "b", "docs/c.md": "c", "unused": "u"}


@pytest.fixture
def build(buildkit_host: str, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Build a Dockerfile, or in Python what it is rewritten as, and return the files it makes."""
    folder = tmp_path / "context"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "build.py").write_text(rewrite(DOCKERFILE).source)

    def build(*, is_python: bool, text: str = DOCKERFILE, **args: str) -> dict[str, str]:
        (folder / "Dockerfile").write_text(text)
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        attrs = {f"build-arg:{name}": value for name, value in args.items()}
        given: dict[str, Any] = {
            "local_dirs": {"context": folder, "dockerfile": folder},
            "exports": [local(out)],
            "secrets": {"token": b"abc"},
        }
        with Client(buildkit_host) as client:
            if is_python:
                # What has a command line was sent here by the first line of the file.
                attrs |= {"filename": "build.py", "cmdline": "here"}
                client.build(build_function, frontend_attrs=attrs, **given)
            else:
                client.solve(frontend="dockerfile.v0", frontend_attrs=attrs, **given)
        return {path.name: path.read_text() for path in out.iterdir()}

    return build


@pytest.mark.parametrize("args", [{}, {"NAME": "you-there"}])
def test_a_rewritten_build_finds_the_steps_of_dockers_own_frontend_in_the_cache(
    build: Callable[..., dict[str, str]], args: dict[str, str]
) -> None:
    dockers = build(is_python=False, **args)
    name = args.get("NAME", "world")
    assert dockers["greeting"] == f"hello {name.partition('-')[0]} {name} abc\n"
    assert dockers["listed"] == "c.md\n"
    assert dockers["note"] == f"for {name}\n"
    assert build(is_python=True, **args) == dockers


def test_other_build_args_make_other_steps(build: Callable[..., dict[str, str]]) -> None:
    first, other = (build(is_python=True, NAME=name) for name in ("one", "two"))
    assert first["stamp"] != other["stamp"]


def test_a_build_file_goes_back_to_a_dockerfile_that_finds_its_steps_in_the_cache(
    build: Callable[..., dict[str, str]], buildkit_host: str
) -> None:
    def resolve(request: ImageRequest) -> ResolvedImage:
        found = in_frontend(
            buildkit_host,
            lambda gateway: gateway.resolve_image_config(request.ref, platform=request.platform),
        )
        return ResolvedImage(found.digest, found.config)

    tree = evaluate(rewrite(DOCKERFILE).source, resolver=resolve, build_args={"NAME": "back"})
    text = to_dockerfile(tree, resolver=resolve)
    assert text.startswith("FROM busybox:latest@sha256:")
    assert build(is_python=False, text=text) == build(is_python=True, NAME="back")
