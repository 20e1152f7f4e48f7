"""Lint and subrequests: the frontend image returns the same results as the stock frontend."""

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
    """A build context with a Dockerfile that causes warnings of many checks."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / ".dockerignore").write_text("ignored.txt\n")
    (folder / "ignored.txt").write_text("")
    return folder


def run_buildctl(
    buildctl: Buildctl, folder: Path, name: str, *arguments: str, **options: str
) -> subprocess.CompletedProcess[str]:
    """Build with a frontend by buildctl; return the finished process."""
    return subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend", name),
            *(
                argument
                for key, value in options.items()
                for argument in ("--opt", f"{key}={value}")
            ),
            *("--local", f"context={folder}", "--local", f"dockerfile={folder}", *arguments),
        ],
        check=False,
        capture_output=True,
        text=True,
    )


def build_error(buildctl: Buildctl, folder: Path, name: str, **options: str) -> str:
    """Run a build that must fail; return the last line of its error."""
    process = run_buildctl(buildctl, folder, name, **options)
    assert process.returncode == 1
    return process.stderr.strip().split("\n")[-1]


@pytest.mark.feature("G3")
@pytest.mark.since("v0.32.2", "a stock frontend with the answers of today's", case="lint")
@pytest.mark.parametrize("request_id", REQUESTS)
def test_buildctl_prints_the_same_as_for_the_stock_frontend(
    request_id: str, frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    name = f"frontend.{request_id}"
    ours = run_buildctl(buildctl, folder, "gateway.v0", source=frontend, requestid=name)
    theirs = run_buildctl(buildctl, folder, "dockerfile.v0", requestid=name)
    assert (theirs.returncode, theirs.stdout != "") == (0, True)
    assert (ours.returncode, ours.stdout) == (0, theirs.stdout), ours.stderr


@pytest.mark.feature("A11", "G3")
@pytest.mark.since("v0.26.0", "a stock frontend that returns definitions")
def test_all_parts_of_a_result_equal_those_of_the_stock_frontend(
    frontend: str,
    push_frontend: Callable[[str], str],
    buildkit_host: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    # This frontend calls both in one session, so that locations refer to the same files.
    name = push_frontend("""\
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
    results_by_request = json.loads((tmp_path / "out" / "answers").read_text())
    assert sorted(results_by_request) == sorted(requests)
    for request_id, (ours, theirs) in results_by_request.items():
        assert ours == theirs, request_id


@pytest.mark.feature("G3")
@pytest.mark.since("v0.32.2", "a stock frontend with the answers of today's")
def test_an_unknown_request_is_refused_like_the_stock_frontend(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    ours = build_error(buildctl, folder, "gateway.v0", source=frontend, requestid="frontend.x")
    theirs = build_error(buildctl, folder, "dockerfile.v0", requestid="frontend.x")
    assert ours == theirs


def build_warnings(
    buildctl: Buildctl, folder: Path, name: str, **options: str
) -> list[dict[str, Any]]:
    """Collect the warnings that a build reports to its client, without the session's ids."""
    process = run_buildctl(
        buildctl, folder, name, "--progress", "rawjson", target="unused", **options
    )
    result: list[dict[str, Any]] = []
    for line in process.stderr.splitlines():
        if line.startswith("{"):
            result += json.loads(line).get("warnings") or []
    for warning in result:
        assert warning.pop("vertex").startswith("sha256:")
        assert warning["sourceInfo"].pop("definition")["def"]
    return result


def test_the_warnings_of_a_build_reach_its_client(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    ours = build_warnings(buildctl, folder, "gateway.v0", source=frontend)
    theirs = build_warnings(buildctl, folder, "dockerfile.v0")
    assert ours == theirs
    assert len(theirs) > 3


@pytest.mark.feature("A6")
def test_warnings_fail_a_build_with_the_error_directive(
    frontend: str, buildctl: Buildctl, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("# check=error=true\nFROM scratch AS One\n")

    theirs = build_error(buildctl, folder, "dockerfile.v0")
    assert theirs.endswith("lint violation found for rules: StageNameCasing")
    assert build_error(buildctl, folder, "gateway.v0", source=frontend) == theirs
