"""The effects of the options of ``llb build`` on a real daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb.client import Client
from llb.client.export.oci_layout import Layout
from llb.client.session.local_inputs import unique_name
from tests.e2e.docker_engines import docker
from tests.e2e.registries import serve_http
from tests.e2e.servers import free_port, running_dockerd
from tests.e2e.test_failures import check_error, cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Buildctl

DOCKERFILE = """\
# base is what all build on
FROM busybox as base
ARG WORD=hello
RUN echo $WORD
FROM base AS last
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context with a Dockerfile that causes a check's warning."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture(scope="module")
def docker_host(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[str]:
    """The address of a Docker Engine; the path of its socket must be short."""
    with running_dockerd(tmp_path_factory.mktemp("docker") / "engine", registry) as socket_path:
        yield f"unix://{socket_path}"


def inspect_image(name: str) -> dict[str, Any]:
    """Inspect an image in Docker."""
    (image,) = json.loads(docker("image", "inspect", name))
    return dict(image)


def frontend_arguments(folder: Path) -> list[str]:
    return [
        *("build", "--frontend", "dockerfile.v0"),
        *("--local", f"context={folder}", "--local", f"dockerfile={folder}"),
    ]


def read_stderr_of_buildctl(buildctl: Buildctl, *arguments: str | Path) -> str:
    process = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return process.stderr


@pytest.mark.feature("P5")
@pytest.mark.parametrize(
    ("option", "request_id", "status"),
    [
        ("--call=outline", "outline", 0),
        ("--call=targets", "targets", 0),
        ("--call=subrequests.describe", "subrequests.describe", 0),
        ("--call=frontend.targets", "targets", 0),
    ],
)
def test_subrequests_print_the_same_as_buildctl(
    option: str, request_id: str, status: int, buildctl: Buildctl, folder: Path
) -> None:
    ours = cli("build", folder, option, address=buildctl.address)
    theirs = buildctl(*frontend_arguments(folder), "--opt", f"requestid=frontend.{request_id}")
    assert (ours.returncode, ours.stdout.rstrip("\n")) == (status, theirs.rstrip("\n"))


@pytest.mark.feature("P5")
@pytest.mark.parametrize("option", ["--check", "--call=check"])
def test_a_check_prints_the_warnings_of_buildctl_and_their_number(
    option: str, buildctl: Buildctl, folder: Path
) -> None:
    ours = cli("build", folder, option, address=buildctl.address)
    theirs = buildctl(*frontend_arguments(folder), "--opt", "requestid=frontend.lint")
    assert ours.returncode == 1
    assert ours.stdout.rstrip("\n") == (
        f"Check complete, 1 warning has been found!\n{theirs}".rstrip("\n")
    )


@pytest.mark.feature("P5")
def test_subrequests_print_json(buildkit_host: str, folder: Path) -> None:
    process = cli("build", folder, "--call", "targets,format=json", address=buildkit_host)
    targets = json.loads(process.stdout)["targets"]
    assert [(target["name"], target.get("default", False)) for target in targets] == [
        ("base", False),
        ("last", True),
    ]


def test_a_check_that_finds_nothing_says_so(buildkit_host: str, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    process = cli("build", folder, "--check", "-o", folder / "out", address=buildkit_host)
    assert process.returncode == 0
    assert process.stdout == "Check complete, no warnings found.\n"
    assert not (folder / "out").exists()


@pytest.mark.feature("P5")
def test_an_unknown_subrequest_is_refused(buildkit_host: str, folder: Path) -> None:
    process = cli("build", folder, "--call", "fortune", address=buildkit_host)
    check_error(process, "error: unsupported request frontend.fortune\n")


@pytest.mark.feature("K15", "P2")
def test_options_become_frontend_attributes(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    for name in ("other", "docker"):
        (tmp_path / name).mkdir()
    proxies = {"httpProxy": "http://proxy", "noProxy": "here", "ftpProxy": ""}
    config = {"proxies": {"default": proxies}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(config))
    variables = {
        "FROM_HERE": "there",
        "SOURCE_DATE_EPOCH": "12",
        "DOCKER_CONFIG": f"{tmp_path}/docker",
    }
    process = subprocess.run(
        [
            *(sys.executable, "-m", "llb", "build", folder, "--addr", buildkit_host),
            *("--target", "base", "--platform", "linux/amd64", "--build-arg", "WORD=said"),
            *("--build-arg", "FROM_HERE", "--build-arg", "NOWHERE", "--label", "a=b=c"),
            *("--build-context", f"other={tmp_path}/other"),
            *("--build-context", "image=docker-image://busybox"),
            *("--no-cache-filter", "base", "--pull", "--network", "none", "--shm-size", "64M"),
            *("--add-host", "a:1.2.3.4", "--add-host", "b=::1", "--ulimit", "nofile=1024:2048"),
            *("--cgroup-parent", "/builds", "--provenance", "mode=max", "--sbom", "false"),
            *("--opt", "own=word", "--ref-file", tmp_path / "ref"),
        ],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    with Client(buildkit_host) as client:
        build = client.history().build((tmp_path / "ref").read_text())
    assert build.frontend == "dockerfile.v0"
    assert build.frontend_attrs == {
        "add-hosts": "a=1.2.3.4,b=::1",
        "attest:provenance": "mode=max",
        "build-arg:FROM_HERE": "there",
        "build-arg:HTTP_PROXY": "http://proxy",
        "build-arg:NO_PROXY": "here",
        "build-arg:SOURCE_DATE_EPOCH": "12",
        "build-arg:WORD": "said",
        "cgroup-parent": "/builds",
        "context:image": "docker-image://busybox",
        "context:other": f"local:{unique_name('other', tmp_path / 'other')}",
        "filename": "Dockerfile",
        "force-network-mode": "none",
        "image-resolve-mode": "pull",
        "label:a": "b=c",
        "no-cache": "base",
        "own": "word",
        "platform": "linux/amd64",
        "shm-size": str(64 << 20),
        "target": "base",
        "ulimit": "nofile=1024:2048",
    }


@pytest.mark.feature("P13")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--add-host", "a"), "invalid --add-host 'a': expected NAME:IP"),
        (("--network", "bridge"), "invalid network 'bridge': expected default, none, host"),
        (("--platform", "linux/"), "invalid platform 'linux/'"),
        (("--shm-size", "much"), "invalid --shm-size 'much': expected a size such as 64m"),
        (("--ulimit", "nofile"), "invalid --ulimit 'nofile': expected NAME=SOFT[:HARD]"),
        (("--attest", "mode=max"), "invalid --attest 'mode=max': expected type=KIND,key=value…"),
        (("--annotation", "a", "-t", "x"), "invalid annotation 'a': expected KEY=VALUE"),
        (("--secret", "src=x"), "invalid secret 'src=x': missing id"),
        (("--allow", "network"), "hint: did you mean network.host?"),
        (("--cache-to", "type=locl"), "hint: did you mean local?"),
    ],
)
def test_an_invalid_option_value_exits_with_2(
    arguments: tuple[str, ...], message: str, buildkit_host: str, folder: Path
) -> None:
    process = cli("build", folder, *arguments, address=buildkit_host)
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


def test_options_of_dockerfiles_are_not_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "build.py").touch()
    process = cli("build", tmp_path / "build.py", "--target", "x")
    assert process.returncode == 2
    assert "--target is for Dockerfiles and build files, not for" in process.stderr


@pytest.mark.feature("P2")
def test_a_layout_is_a_build_context_by_its_tag(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN echo {uuid.uuid4()} > /who\n")
    layout = f"type=oci,tar=false,dest={tmp_path}/layout,name=example.com/base:1"
    assert cli("build", folder, "-o", layout, address=buildkit_host).returncode == 0
    (folder / "Dockerfile").write_text("FROM base\nRUN cat /who > /again\n")
    context, out = f"base=oci-layout://{tmp_path}/layout:1", tmp_path / "out"
    process = cli("build", folder, "--build-context", context, "-o", out, address=buildkit_host)
    assert process.returncode == 0, process.stderr
    assert (out / "again").read_text() == (out / "who").read_text()
    process = cli(
        *("build", folder, "--build-context", f"base=oci-layout://{tmp_path}/layout:2"),
        address=buildkit_host,
    )
    check_error(process, f"error: no tag 2 in the OCI layout {tmp_path}/layout\n")


@pytest.mark.feature("K16")
def test_attestations_are_added_to_the_index(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "layout")
    process = cli(
        *("build", folder, "--attest", "type=provenance,mode=min"),
        *("-o", f"type=oci,tar=false,dest={layout.path}"),
        address=buildkit_host,
    )
    assert process.returncode == 0, process.stderr
    (entry,) = layout.manifests()
    index = json.loads(layout.blob(str(entry["digest"])).read_bytes())
    annotations = [manifest.get("annotations", {}) for manifest in index["manifests"]]
    assert [values.get("vnd.docker.reference.type") for values in annotations] == [
        None,
        "attestation-manifest",
    ]


@pytest.mark.feature("K13")
def test_a_policy_in_a_file_refuses_and_replaces(
    buildctl: Buildctl, folder: Path, tmp_path: Path
) -> None:
    busybox = "docker-image://docker.io/library/busybox:latest"
    policy = tmp_path / "policy.json"
    refuse = {"rules": [{"action": "DENY", "selector": {"identifier": busybox}}]}
    policy.write_text(json.dumps(refuse))
    process = cli("build", folder, "--source-policy-file", policy, address=buildctl.address)
    check_error(process, f'source "{busybox}" denied by policy')
    theirs = read_stderr_of_buildctl(
        buildctl, *frontend_arguments(folder), "--source-policy-file", policy
    )
    assert f'source "{busybox}" denied by policy' in theirs
    alpine = {"identifier": "docker-image://docker.io/library/alpine:latest"}
    replace = {"action": "CONVERT", "selector": {"identifier": busybox}, "updates": alpine}
    policy.write_text(json.dumps({"rules": [replace]}))
    (folder / "Dockerfile").write_text("FROM busybox\nRUN cp /etc/os-release /found\n")
    process = cli(
        *("build", folder, "--source-policy-file", policy, "-o", tmp_path / "out"),
        address=buildctl.address,
    )
    assert process.returncode == 0, process.stderr
    assert "Alpine" in (tmp_path / "out" / "found").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"ruls": []}', "invalid source policy: Message type"),
    ],
)
def test_an_invalid_policy_file_is_named(
    content: str, message: str, buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(content)
    process = cli("build", folder, "--source-policy-file", policy, address=buildkit_host)
    check_error(process, message)
    assert str(policy) in process.stderr


@pytest.mark.feature("K14")
def test_proxy_network_keeps_the_proxy_of_the_daemon(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo $https_proxy > /proxy\n")
    for arguments, proxy in (((), "\n"), (("--proxy-network",), "http://")):
        out = tmp_path / str(len(arguments))
        process = cli(
            *("build", folder, *arguments, "--no-cache", "-o", out), address=buildkit_host
        )
        assert process.returncode == 0, process.stderr
        assert (out / "proxy").read_text().startswith(proxy)


@pytest.mark.feature("O8", "P6")
def test_rawjson_progress_has_the_shape_of_buildctl(buildctl: Buildctl, folder: Path) -> None:
    dockerfile_source = f"FROM busybox\nRUN echo '<{uuid.uuid4()}> & more'\n"
    # The first build that needs the image reports its download.
    assert cli("build", folder, address=buildctl.address).returncode == 0
    (folder / "Dockerfile").write_text(dockerfile_source)
    process = cli(
        *("build", folder, "--progress", "rawjson", "--no-cache"),
        *("-o", "type=cacheonly", "--trace", folder.parent / "trace"),
        address=buildctl.address,
    )
    assert process.returncode == 0
    assert (folder.parent / "trace").read_text() == process.stderr
    rawjson = ("--progress", "rawjson", "--no-cache")
    theirs = read_stderr_of_buildctl(buildctl, *frontend_arguments(folder), *rawjson)
    assert event_shapes(process.stderr) == event_shapes(theirs)


def event_shapes(lines: str) -> set[tuple[str, str, str, str]]:
    """Collect the fields of each kind of event, with the types of their values.

    Values are left out: the progress of a step varies, and digests differ with the session.
    """
    result = set()
    for line in lines.splitlines():
        for kind, records in json.loads(line).items():
            for record in records:
                name = str(record.get("name", "")) if kind == "vertexes" else ""
                result |= {(kind, name, key, type(value).__name__) for key, value in record.items()}
    return result


@pytest.mark.feature("O9")
def test_a_quiet_build_prints_a_digest_or_nothing(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    archive = f"type=oci,dest={tmp_path}/image.tar"
    process = cli(
        "build", folder, "-q", "-o", archive, "--iidfile", tmp_path / "iid", address=buildkit_host
    )
    assert process.stderr == ""
    assert process.stdout == (tmp_path / "iid").read_text() + "\n"
    process = cli("build", folder, "-q", address=buildkit_host)
    assert (process.stdout, process.stderr) == ("", "")


@pytest.mark.feature("O9")
def test_the_digest_of_an_earlier_build_is_removed(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "iid"
    file.write_text("old")
    (folder / "Dockerfile").write_text("FROM busybox\nRUN false\n")
    for outputs in ((), ("-o", tmp_path / "out"), ("-o", f"type=tar,dest={tmp_path}/out.tar")):
        process = cli("build", folder, "--iidfile", file, *outputs, address=buildkit_host)
        assert (process.returncode, file.read_text()) == (2, "old")
        assert "Error: --iidfile needs an image" in process.stderr
    image = ("-o", f"type=oci,dest={tmp_path}/image.tar")
    process = cli("build", folder, "--iidfile", file, *image, address=buildkit_host)
    assert (process.returncode, file.exists()) == (1, False)


@pytest.mark.feature("O11")
def test_the_last_lines_report_cached_and_slow_steps(buildkit_host: str, folder: Path) -> None:
    start = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # This step takes longer than all earlier steps together.
            time.sleep(time.monotonic() - start + 0.3)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    port = free_port()
    # Steps on the stack's daemon use this machine's network.
    slow = f"wget -q -O /dev/null http://127.0.0.1:{port}/{uuid.uuid4()}"
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN {slow}\n")
    with serve_http(("127.0.0.1", port), Handler):
        process = cli("build", folder, "--progress", "plain", address=buildkit_host)
    lines = process.stderr.splitlines()
    cached_line = next(line for line in lines if line.endswith(" cached"))
    slowest = lines[lines.index(cached_line) + 1]
    assert slowest.endswith(f"[2/2] RUN {slow}")
    assert float(slowest.split("s ")[0]) >= 0.3
    second_log = cli("build", folder, "--progress", "plain", address=buildkit_host).stderr
    assert "#5 CACHED\n" in second_log or "CACHED" in second_log
    assert (
        int(next(line for line in second_log.splitlines() if line.endswith(" cached")).split()[2])
        > 0
    )


@pytest.mark.feature("L11")
def test_load_gives_an_image_to_docker(
    buildkit_host: str, docker_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    name = f"example.com/{uuid.uuid4().hex}"
    process = cli("build", folder, "--load", "-t", name, address=buildkit_host)
    assert process.returncode == 0, process.stderr
    assert "image loaded into docker\n" in process.stderr
    assert inspect_image(name)["RepoTags"] == [f"{name}:latest"]


@pytest.mark.feature("L15")
def test_load_with_the_buildkit_of_docker_tags_its_image(
    docker_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    (folder / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    process = cli("build", folder, "--load", "-t", "inside", address="docker://")
    assert process.returncode == 0, process.stderr
    assert inspect_image("inside")["Config"]["Labels"] == {"a": "b"}


@pytest.mark.feature("L11")
def test_a_failed_load_into_docker_is_an_error(
    buildkit_host: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"unix://{tmp_path}/nobody.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    process = cli("build", folder, "--load", address=buildkit_host)
    check_error(
        process,
        f"error: cannot load the image into Docker: {host}: No such file or directory\n"
        "hint: start Docker, or name its address with DOCKER_HOST or a Docker context\n",
    )


@pytest.mark.feature("K18")
def test_source_date_epoch_gives_the_same_image_as_buildctl(
    buildctl: Buildctl, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    output = "type=oci,rewrite-timestamp=true,dest"
    digests = set()
    for name in ("ours", "theirs"):
        metadata = tmp_path / f"{name}.json"
        arguments = ("--no-cache", "--metadata-file", metadata)
        if name == "ours":
            process = cli(
                *("build", folder, "-o", f"{output}={tmp_path}/ours.tar", *arguments),
                address=buildctl.address,
            )
            assert process.returncode == 0, process.stderr
        else:
            buildctl(
                *frontend_arguments(folder),
                "--output",
                f"{output}={tmp_path}/theirs.tar",
                *arguments,
            )
        digests.add(json.loads(metadata.read_text())["containerimage.digest"])
    assert len(digests) == 1


@pytest.mark.feature("O3")
def test_a_progress_group_is_shown_as_one_step_as_by_buildctl(
    buildctl: Buildctl, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM busybox\nRUN true\nCOPY --link Dockerfile /\n")
    plain = ("--no-cache", "--progress", "plain")
    ours = cli("build", folder, *plain, address=buildctl.address).stderr
    theirs = read_stderr_of_buildctl(buildctl, *frontend_arguments(folder), *plain)
    for log in (ours, theirs):
        names = re.findall(r"^#\d+ (.*Dockerfile /)", log, re.MULTILINE)
        assert names == ["[3/3] COPY --link Dockerfile /"]


@pytest.mark.feature("P3")
def test_a_dockerfile_comes_from_standard_input(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("no Dockerfile")
    (folder / "given").write_text("of the context")
    command = [sys.executable, "-m", "llb", "build", str(folder), "-f", "-"]
    process = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--addr", buildkit_host],
        input="FROM scratch\nCOPY given /copied\n",
        text=True,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "copied").read_text() == "of the context"


@pytest.mark.feature("P3")
def test_an_empty_standard_input_is_an_empty_dockerfile(buildkit_host: str, folder: Path) -> None:
    command = [sys.executable, "-m", "llb", "build", str(folder), "-f", "-"]
    process = subprocess.run(
        [*command, "--addr", buildkit_host], input="", text=True, capture_output=True, check=False
    )
    check_error(process, "the Dockerfile cannot be empty")
