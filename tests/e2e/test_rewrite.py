"""Dockerfiles rewritten in Python, compared with the stock frontend on a real BuildKit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb.client import Client, local
from llb.dockerfile import ImageRequest, ResolvedImage
from llb.dockerfile.to_dockerfile import to_dockerfile
from llb.dockerfile.to_python import rewrite
from llb.frontend.build import build as build_function
from llb.frontend.buildfiles.offline import evaluate
from tests.e2e.frontends import run_as_frontend

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
    """Build a Dockerfile, or its translation to Python; the function returns the files."""
    folder = tmp_path / "context"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    (folder / "build.py").write_text(rewrite(DOCKERFILE).source)

    def build(*, is_python: bool, dockerfile: str = DOCKERFILE, **args: str) -> dict[str, str]:
        (folder / "Dockerfile").write_text(dockerfile)
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        attrs = {f"build-arg:{name}": value for name, value in args.items()}
        options: dict[str, Any] = {
            "local_dirs": {"context": folder, "dockerfile": folder},
            "exports": [local(out)],
            "secrets": {"token": b"abc"},
        }
        with Client(buildkit_host) as client:
            if is_python:
                # A cmdline attribute says that a syntax line forwarded the build here.
                attrs |= {"filename": "build.py", "cmdline": "here"}
                client.build(build_function, frontend_attrs=attrs, **options)
            else:
                client.solve(frontend="dockerfile.v0", frontend_attrs=attrs, **options)
        return {path.name: path.read_text() for path in out.iterdir()}

    return build


@pytest.mark.parametrize("args", [{}, {"NAME": "you-there"}])
def test_a_rewritten_build_uses_the_cache_of_the_stock_frontend(
    build: Callable[..., dict[str, str]], args: dict[str, str]
) -> None:
    dockers = build(is_python=False, **args)
    name = args.get("NAME", "world")
    assert dockers["greeting"] == f"hello {name.partition('-')[0]} {name} abc\n"
    assert dockers["listed"] == "c.md\n"
    assert dockers["note"] == f"for {name}\n"
    assert build(is_python=True, **args) == dockers


def test_different_build_args_give_different_steps(build: Callable[..., dict[str, str]]) -> None:
    first, second = (build(is_python=True, NAME=name) for name in ("one", "two"))
    assert first["stamp"] != second["stamp"]


def test_a_dockerfile_written_from_a_build_file_uses_its_cache(
    build: Callable[..., dict[str, str]], buildkit_host: str
) -> None:
    def resolve(request: ImageRequest) -> ResolvedImage:
        config = run_as_frontend(
            buildkit_host,
            lambda gateway: gateway.resolve_image_config(request.ref, platform=request.platform),
        )
        return ResolvedImage(config.digest, config.config)

    tree = evaluate(rewrite(DOCKERFILE).source, resolver=resolve, build_args={"NAME": "back"})
    dockerfile = to_dockerfile(tree, resolver=resolve)
    assert dockerfile.startswith("FROM busybox:latest@sha256:")
    assert build(is_python=False, dockerfile=dockerfile) == build(is_python=True, NAME="back")
