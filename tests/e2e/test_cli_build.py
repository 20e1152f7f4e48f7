"""The options of ``llb build``, each with what it does on the real daemon."""

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
from tests.e2e.registries import serving
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
    """A build context with a Dockerfile that a check warns of."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture(scope="module")
def docker_host(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[str]:
    """The address of a Docker Engine, which wants a short one."""
    with running_dockerd(tmp_path_factory.mktemp("docker") / "engine", registry) as sock:
        yield f"unix://{sock}"


def inspected(name: str) -> dict[str, Any]:
    """Return what Docker knows of an image."""
    done = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=True)
    (found,) = json.loads(done.stdout)
    return dict(found)


def dockerfile(folder: Path) -> list[str]:
    return [
        *("build", "--frontend", "dockerfile.v0"),
        *("--local", f"context={folder}", "--local", f"dockerfile={folder}"),
    ]


def stderr_of_buildctl(buildctl: Buildctl, *arguments: str | Path) -> str:
    done = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.feature("P5")
@pytest.mark.parametrize(
    ("option", "request_id", "status"),
    [
        ("--check", "lint", 1),
        ("--call=check", "lint", 1),
        ("--call=outline", "outline", 0),
        ("--call=targets", "targets", 0),
        ("--call=subrequests.describe", "subrequests.describe", 0),
        ("--call=frontend.targets", "targets", 0),
    ],
)
def test_a_frontend_says_what_buildctl_prints(
    option: str, request_id: str, status: int, buildctl: Buildctl, folder: Path
) -> None:
    ours = cli("build", folder, option, address=buildctl.address)
    theirs = buildctl(*dockerfile(folder), "--opt", f"requestid=frontend.{request_id}")
    assert (ours.returncode, ours.stdout.rstrip("\n")) == (status, theirs.rstrip("\n"))


@pytest.mark.feature("P5")
def test_what_a_frontend_says_can_be_json(buildkit_host: str, folder: Path) -> None:
    done = cli("build", folder, "--call", "targets,format=json", address=buildkit_host)
    targets = json.loads(done.stdout)["targets"]
    assert [(each["name"], each.get("default", False)) for each in targets] == [
        ("base", False),
        ("last", True),
    ]


def test_a_check_that_finds_nothing_prints_nothing(buildkit_host: str, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    done = cli("build", folder, "--check", "-o", folder / "out", address=buildkit_host)
    assert (done.returncode, done.stdout) == (0, "")
    assert not (folder / "out").exists()


@pytest.mark.feature("P5")
def test_a_request_that_no_frontend_knows_is_refused(buildkit_host: str, folder: Path) -> None:
    done = cli("build", folder, "--call", "fortune", address=buildkit_host)
    check_error(done, "error: unsupported request frontend.fortune\n")


@pytest.mark.feature("K15", "P2")
def test_options_become_what_a_frontend_is_told(
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
    done = subprocess.run(
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
    assert done.returncode == 0, done.stderr
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
        "context:other": "local:other",
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
        (("--network", "bridge"), "unknown network 'bridge': expected default, none, host"),
        (("--platform", "linux"), "invalid platform 'linux'"),
        (("--shm-size", "much"), "invalid --shm-size 'much': expected a size such as 64m"),
        (("--ulimit", "nofile"), "invalid --ulimit 'nofile': expected NAME=SOFT[:HARD]"),
        (("--attest", "mode=max"), "invalid --attest 'mode=max': expected type=KIND,key=value…"),
        (("--annotation", "a=b"), "--annotation needs an image: name one with -t NAME"),
        (("--annotation", "a", "-t", "x"), "invalid annotation 'a': expected KEY=VALUE"),
        (("--secret", "src=x"), "invalid secret 'src=x': it has no id"),
        (("--allow", "network"), "hint: did you mean network.host?"),
        (("--cache-to", "type=locl"), "hint: did you mean local?"),
    ],
)
def test_a_word_that_an_option_does_not_take_exits_with_2(
    arguments: tuple[str, ...], message: str, buildkit_host: str, folder: Path
) -> None:
    done = cli("build", folder, *arguments, address=buildkit_host)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_options_of_dockerfiles_are_not_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "build.py").touch()
    done = cli("build", tmp_path / "build.py", "--target", "x")
    assert done.returncode == 2
    assert "--target is for Dockerfiles and frontends, not for" in done.stderr


@pytest.mark.feature("P2")
def test_a_layout_is_a_build_context_by_its_tag(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN echo {uuid.uuid4()} > /who\n")
    layout = f"type=oci,tar=false,dest={tmp_path}/layout,name=example.com/base:1"
    assert cli("build", folder, "-o", layout, address=buildkit_host).returncode == 0
    (folder / "Dockerfile").write_text("FROM base\nRUN cat /who > /again\n")
    context, out = f"base=oci-layout://{tmp_path}/layout:1", tmp_path / "out"
    done = cli("build", folder, "--build-context", context, "-o", out, address=buildkit_host)
    assert done.returncode == 0, done.stderr
    assert (out / "again").read_text() == (out / "who").read_text()
    done = cli(
        *("build", folder, "--build-context", f"base=oci-layout://{tmp_path}/layout:2"),
        address=buildkit_host,
    )
    check_error(done, f"error: no tag 2 in the OCI layout {tmp_path}/layout\n")


@pytest.mark.feature("K16")
def test_attestations_are_made(buildkit_host: str, folder: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    done = cli(
        *("build", folder, "--attest", "type=provenance,mode=min"),
        *("-o", f"type=oci,tar=false,dest={layout.path}"),
        address=buildkit_host,
    )
    assert done.returncode == 0, done.stderr
    (entry,) = layout.manifests()
    index = json.loads(layout.blob(str(entry["digest"])).read_bytes())
    notes = [each.get("annotations", {}) for each in index["manifests"]]
    assert [note.get("vnd.docker.reference.type") for note in notes] == [
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
    done = cli("build", folder, "--source-policy-file", policy, address=buildctl.address)
    check_error(done, f'source "{busybox}" denied by policy')
    theirs = stderr_of_buildctl(buildctl, *dockerfile(folder), "--source-policy-file", policy)
    assert f'source "{busybox}" denied by policy' in theirs
    alpine = {"identifier": "docker-image://docker.io/library/alpine:latest"}
    replace = {"action": "CONVERT", "selector": {"identifier": busybox}, "updates": alpine}
    policy.write_text(json.dumps({"rules": [replace]}))
    (folder / "Dockerfile").write_text("FROM busybox\nRUN cp /etc/os-release /found\n")
    done = cli(
        *("build", folder, "--source-policy-file", policy, "-o", tmp_path / "out"),
        address=buildctl.address,
    )
    assert done.returncode == 0, done.stderr
    assert "Alpine" in (tmp_path / "out" / "found").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"ruls": []}', "invalid source policy: Message type"),
    ],
)
def test_a_policy_that_is_none_is_named(
    text: str, message: str, buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(text)
    done = cli("build", folder, "--source-policy-file", policy, address=buildkit_host)
    check_error(done, message)
    assert str(policy) in done.stderr


@pytest.mark.feature("K14")
def test_steps_can_be_left_with_the_proxy_of_the_daemon(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo $https_proxy > /proxy\n")
    for arguments, proxy in (((), "\n"), (("--proxy-network",), "http://")):
        out = tmp_path / str(len(arguments))
        done = cli(*("build", folder, *arguments, "--no-cache", "-o", out), address=buildkit_host)
        assert done.returncode == 0, done.stderr
        assert (out / "proxy").read_text().startswith(proxy)


@pytest.mark.feature("O8", "P6")
def test_lines_of_json_are_all_that_programs_get(buildctl: Buildctl, folder: Path) -> None:
    text = f"FROM busybox\nRUN echo '<{uuid.uuid4()}> & more'\n"
    # The first build that needs the image reports its download.
    assert cli("build", folder, address=buildctl.address).returncode == 0
    (folder / "Dockerfile").write_text(text)
    done = cli(
        *("build", folder, "--progress", "rawjson", "--no-cache"),
        *("-o", "type=cacheonly", "--trace", folder.parent / "trace"),
        address=buildctl.address,
    )
    assert done.returncode == 0
    assert (folder.parent / "trace").read_text() == done.stderr
    rawjson = ("--progress", "rawjson", "--no-cache")
    theirs = stderr_of_buildctl(buildctl, *dockerfile(folder), *rawjson)
    assert shapes(done.stderr) == shapes(theirs)


def shapes(lines: str) -> set[tuple[str, str, str, str]]:
    """Return which fields things of each kind have, with the type of their values.

    How far a step is says more or less by chance; digests differ with the session.
    """
    found = set()
    for line in lines.splitlines():
        for kind, things in json.loads(line).items():
            for thing in things:
                name = str(thing.get("name", "")) if kind == "vertexes" else ""
                found |= {(kind, name, key, type(value).__name__) for key, value in thing.items()}
    return found


@pytest.mark.feature("O9")
def test_a_quiet_build_prints_a_digest_or_nothing(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    archive = f"type=oci,dest={tmp_path}/image.tar"
    done = cli(
        "build", folder, "-q", "-o", archive, "--iidfile", tmp_path / "iid", address=buildkit_host
    )
    assert done.stderr == ""
    assert done.stdout == (tmp_path / "iid").read_text() + "\n"
    done = cli("build", folder, "-q", address=buildkit_host)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.feature("O11")
def test_the_last_lines_say_what_was_cached_and_slow(buildkit_host: str, folder: Path) -> None:
    begun = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Longer than all steps before it together.
            time.sleep(time.monotonic() - begun + 0.3)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    port = free_port()
    # Steps on the stack's daemon are in the network of this machine.
    slow = f"wget -q -O /dev/null http://127.0.0.1:{port}/{uuid.uuid4()}"
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN {slow}\n")
    with serving(("127.0.0.1", port), Handler):
        done = cli("build", folder, "--progress", "plain", address=buildkit_host)
    first = done.stderr.splitlines()
    count = next(line for line in first if line.endswith(" cached"))
    slowest = first[first.index(count) + 1]
    assert slowest.endswith(f"[2/2] RUN {slow}")
    assert float(slowest.split("s ")[0]) >= 0.3
    again = cli("build", folder, "--progress", "plain", address=buildkit_host).stderr
    assert "#5 CACHED\n" in again or "CACHED" in again
    assert int(next(line for line in again.splitlines() if line.endswith(" cached")).split()[2]) > 0


@pytest.mark.feature("L11")
def test_an_image_is_given_to_docker(
    buildkit_host: str, docker_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    name = f"example.com/{uuid.uuid4().hex}"
    done = cli("build", folder, "--load", "-t", name, address=buildkit_host)
    assert done.returncode == 0, done.stderr
    assert "image loaded into docker\n" in done.stderr
    assert inspected(name)["RepoTags"] == [f"{name}:latest"]


@pytest.mark.feature("L15")
def test_the_buildkit_of_docker_need_not_be_given_its_image(
    docker_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    (folder / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    done = cli("build", folder, "--load", "-t", "inside", address="docker://")
    assert done.returncode == 0, done.stderr
    assert inspected("inside")["Config"]["Labels"] == {"a": "b"}


@pytest.mark.feature("L11")
def test_a_docker_that_loads_nothing_is_said(
    buildkit_host: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    done = cli("build", folder, "--load", address=buildkit_host)
    check_error(done, "error: docker did not load the image: ")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    done = cli("build", folder, "--load", address=buildkit_host)
    check_error(done, "error: docker is to load the image, and is not on PATH\n")


@pytest.mark.feature("K18")
def test_the_time_of_the_environment_makes_the_image_of_buildctl(
    buildctl: Buildctl, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    output = "type=oci,rewrite-timestamp=true,dest"
    digests = set()
    for name in ("ours", "theirs"):
        metadata = tmp_path / f"{name}.json"
        arguments = ("--no-cache", "--metadata-file", metadata)
        if name == "ours":
            done = cli(
                *("build", folder, "-o", f"{output}={tmp_path}/ours.tar", *arguments),
                address=buildctl.address,
            )
            assert done.returncode == 0, done.stderr
        else:
            buildctl(*dockerfile(folder), "--output", f"{output}={tmp_path}/theirs.tar", *arguments)
        digests.add(json.loads(metadata.read_text())["containerimage.digest"])
    assert len(digests) == 1


@pytest.mark.feature("O3")
def test_steps_that_belong_together_are_shown_as_one_as_by_buildctl(
    buildctl: Buildctl, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM busybox\nRUN true\nCOPY --link Dockerfile /\n")
    plain = ("--no-cache", "--progress", "plain")
    ours = cli("build", folder, *plain, address=buildctl.address).stderr
    theirs = stderr_of_buildctl(buildctl, *dockerfile(folder), *plain)
    for text in (ours, theirs):
        names = re.findall(r"^#\d+ (.*Dockerfile /)", text, re.MULTILINE)
        assert names == ["[3/3] COPY --link Dockerfile /"]


@pytest.mark.feature("P3")
def test_a_dockerfile_comes_from_standard_input(
    buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("no Dockerfile")
    (folder / "given").write_text("of the context")
    command = [sys.executable, "-m", "llb", "build", str(folder), "-f", "-"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--addr", buildkit_host],
        input="FROM scratch\nCOPY given /copied\n",
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "copied").read_text() == "of the context"


@pytest.mark.feature("P3")
def test_an_empty_standard_input_is_an_empty_dockerfile(buildkit_host: str, folder: Path) -> None:
    command = [sys.executable, "-m", "llb", "build", str(folder), "-f", "-"]
    done = subprocess.run(
        [*command, "--addr", buildkit_host], input="", text=True, capture_output=True, check=False
    )
    check_error(done, "the Dockerfile cannot be empty")
