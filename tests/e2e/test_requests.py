"""Checks and requests of clients: our frontend's image answers as BuildKit's own frontend does."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from llb.client import Client, local

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

DOCKERFILE = """\
# VERSION of the base
ARG VERSION=latest
# base is what all build on
FROM busybox:${VERSION} as base
ENV KEY value
WORKDIR rel
RUN --mount=type=secret,id=token,required --mount=type=ssh \\

  echo $UNKNOWN
FROM base AS unused
MAINTAINER <me>
# result comes of it
FROM --platform=$TARGETPLATFORM base AS Result
ARG NAME=wörld
LABEL a=$NAM
COPY ignored.txt /
CMD echo
"""
REQUESTS = ("lint", "outline", "subrequests.describe", "targets")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context with a Dockerfile that many checks warn of."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / ".dockerignore").write_text("ignored.txt\n")
    (folder / "ignored.txt").write_text("")
    return folder


def run(
    buildctl: Buildctl, folder: Path, name: str, *arguments: str, **options: str
) -> subprocess.CompletedProcess[str]:
    """Build with a frontend, and return what buildctl says."""
    return subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend", name),
            *(word for key, value in options.items() for word in ("--opt", f"{key}={value}")),
            *("--local", f"context={folder}", "--local", f"dockerfile={folder}", *arguments),
        ],
        check=False,
        capture_output=True,
        text=True,
    )


def refusal(buildctl: Buildctl, folder: Path, name: str, **options: str) -> str:
    """Return the error of a build that fails."""
    done = run(buildctl, folder, name, **options)
    assert done.returncode == 1
    return done.stderr.strip().split("\n")[-1]


@pytest.mark.feature("G3")
@pytest.mark.parametrize("request_id", REQUESTS)
def test_what_buildctl_prints_is_what_the_stock_frontend_answers(
    request_id: str, frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    name = f"frontend.{request_id}"
    ours = run(buildctl, folder, "gateway.v0", source=frontend, requestid=name)
    theirs = run(buildctl, folder, "dockerfile.v0", requestid=name)
    assert (theirs.returncode, theirs.stdout != "") == (0, True)
    assert (ours.returncode, ours.stdout) == (0, theirs.stdout), ours.stderr


@pytest.mark.feature("A11", "G3")
def test_all_parts_of_an_answer_are_those_of_the_stock_frontend(
    frontend: str, serving: Callable[[str], str], buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    # A frontend that asks both in one session gets places that name the same files.
    name = serving("""\
        import json
        import sys
        from llb import Scratch
        from llb.gateway import Result, serve

        def ask(gateway, frontend, requestid, **options):
            options |= {
                "requestid": f"frontend.{requestid}",
                "frontend.caps": "moby.buildkit.frontend.subrequests",
            }
            answer = gateway.solve_frontend(frontend, options).metadata
            return {key: value.decode() for key, value in sorted(answer.items())}

        def build(request, gateway):
            answers = {
                each: [
                    ask(gateway, "gateway.v0", each, source=request.options["ours"]),
                    ask(gateway, "dockerfile.v0", each),
                ]
                for each in request.options["requests"].split()
            }
            data = json.dumps(answers)
            return Result(gateway.solve(Scratch().mkfile("/answers", data).marshal()))

        sys.exit(serve(build))
        """)
    requests = (*REQUESTS, "convertllb")
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": name, "ours": frontend, "requests": " ".join(requests)},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(tmp_path / "out")],
        )
    answers = json.loads((tmp_path / "out" / "answers").read_text())
    assert sorted(answers) == sorted(requests)
    for request_id, (ours, theirs) in answers.items():
        assert ours == theirs, request_id


@pytest.mark.feature("G3")
def test_a_request_that_is_not_known_is_refused_as_the_stock_frontend_does(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    ours = refusal(buildctl, folder, "gateway.v0", source=frontend, requestid="frontend.x")
    theirs = refusal(buildctl, folder, "dockerfile.v0", requestid="frontend.x")
    assert ours == theirs


def warnings(buildctl: Buildctl, folder: Path, name: str, **options: str) -> list[dict[str, Any]]:
    """Return the warnings of a build as its client is told them, without ids of the session."""
    done = run(buildctl, folder, name, "--progress", "rawjson", target="unused", **options)
    found: list[dict[str, Any]] = []
    for line in done.stderr.splitlines():
        if line.startswith("{"):
            found += json.loads(line).get("warnings") or []
    for each in found:
        assert each.pop("vertex").startswith("sha256:")
        assert each["sourceInfo"].pop("definition")["def"]
    return found


def test_the_warnings_of_a_build_reach_its_client(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    ours = warnings(buildctl, folder, "gateway.v0", source=frontend)
    theirs = warnings(buildctl, folder, "dockerfile.v0")
    assert ours == theirs
    assert len(theirs) > 3


@pytest.mark.feature("A6")
def test_warnings_fail_a_build_that_wants_it(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("# check=error=true\nFROM scratch AS One\n")

    theirs = refusal(buildctl, folder, "dockerfile.v0")
    assert theirs.endswith("lint violation found for rules: StageNameCasing")
    assert refusal(buildctl, folder, "gateway.v0", source=frontend) == theirs
