"""The development stack (dev/stack): daemons, images and commands."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from components import process, services
from components.process import Daemon
from components.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

STACK = Path(__file__).parents[2] / "dev" / "stack"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def test_buildkit_reports_the_required_version(stack: dict[str, str], buildctl: Buildctl) -> None:
    info = buildctl("debug", "info").splitlines()[0]
    assert info.split() == [
        "BuildKit:",
        "github.com/moby/buildkit",
        stack["PYLLB_BUILDKIT_VERSION"],
    ]


def test_socket_and_port_lead_to_the_same_worker(buildctl: Buildctl, buildkit_tcp: str) -> None:
    over_tcp = type(buildctl)(buildctl.program, buildkit_tcp)
    assert over_tcp("debug", "workers") == buildctl("debug", "workers")


def test_a_dockerfile_is_built_and_its_files_are_exported(
    buildctl: Buildctl, tmp_path: Path
) -> None:
    dockerfile = """\
        FROM busybox AS build
        RUN echo "made by $(whoami)" > /made
        FROM scratch
        COPY --from=build /made /
        """
    assert _build(buildctl, dockerfile, tmp_path) == {"made": "made by root\n"}


def test_the_stock_frontend_image_serves_a_syntax_line(buildctl: Buildctl, tmp_path: Path) -> None:
    dockerfile = """\
        # syntax=docker/dockerfile:1
        FROM scratch
        COPY <<told /
        by the image
        told
        """
    assert _build(buildctl, dockerfile, tmp_path) == {"told": "by the image\n"}


def test_the_python_image_runs_python_and_pip(buildctl: Buildctl, tmp_path: Path) -> None:
    dockerfile = """\
        FROM python:3.13-slim AS build
        RUN python -c 'import sys; print(*sys.version_info[:2], sep=".")' > /version
        RUN pip --version | cut -d ' ' -f 1 > /pip
        FROM scratch
        COPY --from=build /version /pip /
        """
    assert _build(buildctl, dockerfile, tmp_path) == {"pip": "pip\n", "version": "3.13\n"}


@pytest.mark.parametrize("image", ["busybox", "alpine"])
def test_adduser_and_addgroup_work_as_in_busybox(
    image: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    dockerfile = f"""\
        FROM {image} AS build
        RUN addgroup -g 1500 staff && adduser -D -u 1600 -G staff ann && adduser ann users
        RUN adduser -D bob && adduser -S -H daemon2 && addgroup -S daemons
        RUN su ann -c 'touch ~/hers && stat -c "%A %u:%g" ~/hers' > /hers
        RUN tail -n 3 /etc/passwd > /users && grep -E 'ann|staff|bob|daemons' /etc/group > /groups
        FROM scratch
        COPY --from=build /hers /users /groups /
        """
    assert _build(buildctl, dockerfile, tmp_path) == {
        "groups": "users:x:100:ann\nstaff:x:1500:\nbob:x:1000:\ndaemons:x:101:\n",
        "hers": "-rw-r--r-- 1600:1500\n",
        "users": "ann:x:1600:1500:Linux User,,,:/home/ann:/bin/sh\n"
        "bob:x:1000:1000:Linux User,,,:/home/bob:/bin/sh\n"
        "daemon2:x:100:65533:Linux User,,,:/home/daemon2:/bin/false\n",
    }


@pytest.mark.parametrize(
    ("image", "config", "created_by"),
    [
        (
            "busybox",
            {"Env": [PATH], "Cmd": ["sh"]},
            ["ADD busybox.tar.gz / # buildkit", 'CMD ["sh"]'],
        ),
        (
            "alpine",
            {"Env": [PATH], "Cmd": ["/bin/sh"], "WorkingDir": "/"},
            ["ADD alpine-minirootfs.tar.gz / # buildkit", 'CMD ["/bin/sh"]'],
        ),
    ],
)
def test_base_images_are_a_layer_and_an_empty_cmd(
    image: str, config: dict[str, object], created_by: list[str], registry: str
) -> None:
    address = f"http://{registry}/v2/library/{image}"
    manifest = _fetch_json(f"{address}/manifests/latest")
    image_config = _fetch_json(f"{address}/blobs/{manifest['config']['digest']}")
    epoch = "1970-01-01T00:00:00Z"
    assert len(manifest["layers"]) == len(image_config["rootfs"]["diff_ids"]) == 1
    assert image_config["config"] == config
    assert image_config["history"] == [
        {"created": epoch, "created_by": created_by[0]},
        {"created": epoch, "created_by": created_by[1], "empty_layer": True},
    ]


def test_up_does_nothing_when_everything_runs(stack: dict[str, str]) -> None:
    def stack_files() -> dict[Path, int]:
        """List the files that a stack creates, with their modification times."""
        state = Path(stack["PYLLB_STATE"])
        paths = [*state.glob("bin/*/build*"), *state.glob("images/*"), *state.glob("run/*.*")]
        return {path: path.stat().st_mtime_ns for path in paths}

    status, files = _run_stack("status", **stack), stack_files()
    assert len(files) > 8
    second_up = _run_stack("up", **stack)
    assert (second_up.returncode, second_up.stdout, second_up.stderr) == (0, status.stdout, "")
    assert stack_files() == files


# The daemon keeps running after the call that starts it.
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_daemon_that_answers_late_is_not_restarted(tmp_path: Path) -> None:
    answers = iter([True, False, False, True])
    daemon = Daemon("late", ("tail", "-f", "/dev/null"), ready=lambda: next(answers))
    settings = Settings.from_environment({"PYLLB_STATE": str(tmp_path)})
    process.up(daemon, settings)
    try:
        first = process.pid("late", settings)
        process.up(daemon, settings)
        assert process.pid("late", settings) == first
    finally:
        process.down("late", settings)
    assert list(answers) == []


def test_status_lists_processes_and_addresses(stack: dict[str, str], buildkit_host: str) -> None:
    completed = _run_stack("status", **stack)
    lines = [line.split() for line in completed.stdout.splitlines()]
    port = stack["PYLLB_BUILDKIT_TCP"].removeprefix("tcp://")
    # Process ids and digests differ between stacks.
    assert (completed.returncode, completed.stderr) == (0, "")
    assert [[*line[:2], *line[3:]] for line in lines if line[1] == "pid"] == [
        ["registry", "pid", stack["PYLLB_REGISTRY"]],
        ["buildkitd", "pid", buildkit_host, port],
    ]
    assert [line[1] for line in lines if line[0] == "image"] == [
        "library/busybox:latest",
        "library/alpine:latest",
        "library/python:3.13-slim",
        "docker/dockerfile:1",
    ]
    assert lines[-1] == ["state", stack["PYLLB_STATE"]]


def test_a_stack_that_was_never_started_is_an_error(tmp_path: Path) -> None:
    completed = _run_stack("env", PYLLB_STATE=str(tmp_path))
    message = "dev/stack: the stack is not running; start it with `make up`\n"
    assert (completed.returncode, completed.stdout, completed.stderr) == (1, "", message)


def test_a_full_disk_is_refused_before_anything_starts(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "small", tmp_path], check=True)
    try:
        completed = _run_stack("up", PYLLB_STATE=str(tmp_path))
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    message = (
        f"dev/stack: 0.1 GB of disk space are free for {tmp_path}: expected 8 GB; "
        "`dev/stack down`, then remove its folder buildkitd, the build cache\n"
    )
    assert (completed.returncode, completed.stdout, completed.stderr) == (1, "", message)


def test_a_large_build_cache_is_removed_on_request(
    start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    private = start_buildkitd()
    _build(
        private,
        "FROM busybox AS build\nRUN echo x > /x\nFROM scratch\nCOPY --from=build /x /",
        tmp_path,
    )
    services.trim(private.program, private.address)
    assert private("du").split()[-1] != "0B"
    services.trim(private.program, private.address, limit=0)
    assert private("du").split()[-1] == "0B"


def test_the_stack_removes_a_large_build_cache(stack: dict[str, str]) -> None:
    assert _run_stack("trim").stderr == ""


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1"])
def test_an_invalid_port_is_refused(port: str) -> None:
    completed = _run_stack("up", PYLLB_REGISTRY_PORT=port)
    message = f"dev/stack: invalid PYLLB_REGISTRY_PORT {port!r}: expected a port number\n"
    assert (completed.returncode, completed.stdout, completed.stderr) == (1, "", message)


@pytest.mark.parametrize("version", ["0.18.2", "latest", "v0.18"])
def test_an_invalid_version_of_buildkit_is_refused(version: str) -> None:
    completed = _run_stack("up", PYLLB_BUILDKIT=version)
    message = f"dev/stack: invalid PYLLB_BUILDKIT {version!r}: expected a version such as v0.18.2\n"
    assert (completed.returncode, completed.stdout, completed.stderr) == (1, "", message)


def test_private_daemons_run_next_to_the_stack(
    start_buildkitd: Callable[[], Buildctl], buildctl: Buildctl, tmp_path: Path
) -> None:
    first, second = start_buildkitd(), start_buildkitd()
    workers = {daemon("debug", "workers") for daemon in (buildctl, first, second)}
    assert len(workers) == 3
    dockerfile = (
        "FROM busybox AS build\nRUN echo own > /own\nFROM scratch\nCOPY --from=build /own /"
    )
    assert _build(first, dockerfile, tmp_path) == {"own": "own\n"}


def _build(buildctl: Buildctl, dockerfile: str, folder: Path) -> dict[str, str]:
    """Build a Dockerfile in an empty context; return the files of its last stage."""
    context, out = folder / "context", folder / "out"
    context.mkdir()
    lines = [line.removeprefix(" " * 8) for line in dockerfile.splitlines()]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    sources = ("--local", f"context={context}", "--local", f"dockerfile={context}")
    output = ("--output", f"type=local,dest={out}")
    buildctl("build", "--frontend", "dockerfile.v0", *sources, *output)
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*"))}


def _fetch_json(address: str) -> dict[str, Any]:
    request = urllib.request.Request(address, headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request) as response:
        value: dict[str, Any] = json.load(response)
    return value


def _run_stack(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(
        [STACK, command], check=False, capture_output=True, text=True, env=environment
    )
