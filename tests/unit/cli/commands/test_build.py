"""``llb build``: requests to the daemon, files written and output printed."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, resolve_images
from llb.client import VertexWarning
from llb.frontend.build import build as dockerfile
from llb.testing import FakeImages
from tests.fakes.command import CommandResult, llb
from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

STATE = Image("alpine").run("make")
SCRIPT = "from llb import Image, main\nmain(Image('alpine').run('make').cmd(['x']))\n"
DIGEST, CONFIG = f"sha256:{'d' * 64}", f"sha256:{'c' * 64}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context with a Dockerfile."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine AS base\nARG A=1\nRUN echo $A\n")
    return folder


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    path = tmp_path / "build.pb"
    STATE.marshal().to_file(path)
    return path


def image(build: FakeBuild) -> dict[str, str]:
    """Act as a daemon that builds an image."""
    build.show_steps()
    return {"containerimage.digest": DIGEST}


@pytest.fixture
def daemon(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    return fake_daemon(script=image, frontends={"dockerfile.v0": dockerfile})


def only(daemon: FakeDaemon) -> FakeBuild:
    (build,) = daemon.builds
    return build


def usage_error(ran: CommandResult) -> str:
    """Extract the message of a usage error."""
    assert ran.status == 2
    return ran.stderr.partition("Error: ")[2].rstrip("\n")


# Inputs.


def test_a_script_is_built_with_its_image_config(daemon: FakeDaemon, tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(SCRIPT)
    ran = llb("build", script, "-t", "app", "--progress", "none", "--addr", daemon.address)
    assert (ran.status, ran.stdout, ran.stderr) == (0, "", "")
    build, expected = only(daemon), resolve_images(STATE.cmd(["x"]), FakeImages())
    assert build.definitions[""].ops == expected.marshal().ops
    ((kind, attrs),) = build.exports
    assert (kind, attrs["name"]) == ("image", "app")
    assert build.result is not None
    assert build.result.metadata == {"containerimage.config": expected.image_config()}
    assert json.loads(expected.image_config())["config"]["Cmd"] == ["x"]


def test_a_script_without_base_images_is_sent_as_its_definition(
    daemon: FakeDaemon, tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text("from llb import Image, main\nmain(Image('alpine').mkfile('/x', 'y'))\n")
    ran = llb("build", script, "--addr", daemon.address)
    assert ran.status == 0
    definition = only(daemon).definition
    assert definition is not None
    assert definition.ops == Image("alpine").mkfile("/x", "y").marshal().ops


def test_a_missing_base_image_points_at_its_line(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text(SCRIPT)
    daemon = fake_daemon(images={})
    ran = llb("build", script, "--progress", "none", "--addr", daemon.address)
    assert ran.status == 1
    number = next(n for n, line in enumerate(SCRIPT.splitlines(), 1) if "Image(" in line)
    assert f"\nerror: build.py:{number}: docker.io/library/alpine:latest: " in ran.stderr


def test_a_script_on_base_images_uses_the_options_of_the_build(
    daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "build.py"
    monkeypatch.chdir(tmp_path)
    script.write_text(
        "from llb import Image, Local, main\n"
        "main(Image('alpine').copy(Local('context'), '/').run('make'))\n"
    )
    cache = "type=registry,ref=example.com/cache"
    options = ["--no-cache", "--cache-from", cache, "--addr", daemon.address]
    assert llb("build", script, *options).status == 0
    build = only(daemon)
    definition = build.definitions[""]
    assert all(definition.metadata[v.digest].ignore_cache for v in definition.vertices())
    assert json.loads(build.frontend_attrs["cache-imports"]) == [
        {"Type": "registry", "Attrs": {"ref": "example.com/cache"}}
    ]


def test_a_script_on_base_images_names_its_missing_directory(
    daemon: FakeDaemon, tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from llb import Image, Local, main\n"
        "main(Image('alpine').copy(Local('src'), '/').run('make'))\n"
    )
    ran = llb("build", script, "--progress", "none", "--addr", daemon.address)
    assert ran.status == 1
    assert "the build asks for the local directory 'src', and none is given" in ran.stderr


def test_a_definition_from_standard_input_is_built(daemon: FakeDaemon) -> None:
    ran = llb("build", "-", "--addr", daemon.address, stdin=STATE.marshal().to_bytes())
    assert ran.status == 0
    assert only(daemon).step("run make").kind == "exec"


def test_the_working_directory_is_the_context_of_a_definition(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("1")
    monkeypatch.chdir(tmp_path)
    data = Local("context", include=["a"]).marshal().to_bytes()
    contents: list[dict[str, bytes]] = []
    daemon = fake_daemon(script=lambda build: contents.append(build.session.files("context")))
    assert llb("build", "-", "--addr", daemon.address, stdin=data).status == 0
    assert contents == [{"a": b"1"}]


def test_no_cache_ignores_the_cache_for_every_step_of_a_definition(
    daemon: FakeDaemon, definition: Path
) -> None:
    llb("build", definition, "--no-cache", "--addr", daemon.address)
    built = only(daemon).definition
    assert built is not None
    assert [built.metadata[vertex.digest].ignore_cache for vertex in built.vertices()] == [True] * 3


def test_a_dockerfile_is_built_by_its_frontend(daemon: FakeDaemon, folder: Path) -> None:
    ran = llb("build", folder, "--build-arg", "A=2", "--addr", daemon.address)
    assert ran.status == 0
    build = only(daemon)
    assert build.frontend == "dockerfile.v0"
    assert build.frontend_attrs["build-arg:A"] == "2"
    assert build.step("[2/2] RUN echo 2").kind == "exec"


def test_a_build_arg_among_the_frontend_options_may_come_from_the_environment(
    daemon: FakeDaemon, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "3=4")
    monkeypatch.delenv("B", raising=False)
    options = ("--opt", "build-arg:A", "--opt", "build-arg:B", "--opt", "build-arg:C=5")
    assert llb("build", folder, *options, "--addr", daemon.address).status == 0
    attrs = only(daemon).frontend_attrs
    assert attrs["build-arg:A"] == "3=4"
    assert attrs["build-arg:C"] == "5"
    assert "build-arg:B" not in attrs
    assert llb("build", folder, "--opt", "build-arg:", "--addr", daemon.address).status == 2


def test_the_dockerfile_may_have_another_name(daemon: FakeDaemon, folder: Path) -> None:
    (folder / "ci").mkdir()
    (folder / "ci" / "App").write_text("FROM debian\nRUN app\n")
    llb("build", folder, "-f", folder / "ci" / "App", "--addr", daemon.address)
    assert only(daemon).frontend_attrs["filename"] == "App"
    assert only(daemon).step("[2/2] RUN app").kind == "exec"


def test_the_dockerfile_may_come_on_standard_input(daemon: FakeDaemon, folder: Path) -> None:
    llb("build", folder, "-f", "-", "--addr", daemon.address, stdin=b"FROM debian\nRUN piped\n")
    assert only(daemon).step("[2/2] RUN piped").kind == "exec"


def test_a_python_file_that_names_a_frontend_is_a_build_file(
    daemon: FakeDaemon, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "build.py").write_text("# syntax=dockerfile.v0\n")
    llb("build", "build.py", "--addr", daemon.address)
    assert only(daemon).frontend_attrs["filename"] == "build.py"


def archive(**files: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_the_context_may_come_as_an_archive_on_standard_input(
    fake_daemon: Callable[..., FakeDaemon],
) -> None:
    data = archive(Dockerfile=b"FROM scratch\n")
    daemon = fake_daemon()
    ran = llb("build", "-", "-f", "Dockerfile", "--addr", daemon.address, stdin=data)
    assert ran.status == 0
    attrs = only(daemon).frontend_attrs
    assert attrs["filename"] == "Dockerfile"
    assert attrs["context"].startswith("http://buildkit-session/")


def test_build_options_reach_the_daemon(
    fake_daemon: Callable[..., FakeDaemon], definition: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret")
    secrets: list[bytes] = []
    daemon = fake_daemon(script=lambda build: secrets.append(build.session.secret("token")))
    ran = llb(
        *("build", definition, "--addr", daemon.address),
        *("--secret", f"id=token,src={tmp_path / 'secret'}"),
        *("--cache-from", "type=registry,ref=example.com/c", "--allow", "network.host"),
        *("--cache-to", "type=inline"),
    )
    assert (ran.status, secrets) == (0, [b"s3cret"])
    build = only(daemon)
    assert build.cache_imports == (("registry", {"ref": "example.com/c"}),)
    assert build.cache_exports == (("inline", {}),)
    assert build.entitlements == ("network.host",)


# Output.


def test_results_are_reported_with_the_digest(
    fake_daemon: Callable[..., FakeDaemon], definition: Path, tmp_path: Path
) -> None:
    def send(build: FakeBuild) -> dict[str, str]:
        build.session.send_tree({"a": "1"})
        return {"containerimage.digest": DIGEST}

    daemon = fake_daemon(script=send)
    out = tmp_path / "out"
    ran = llb("build", definition, "-o", out, "--progress", "plain", "--addr", daemon.address)
    assert ran.stderr.endswith(f"local written to {out}\nimage digest {DIGEST}\n")
    assert (out / "a").read_text() == "1"


@pytest.mark.parametrize(
    ("arguments", "is_warned"),
    [
        ((), True),
        (("-t", "app"), True),
        (("-t", "app", "--push"), False),
        (("--output", "type=image,name=app"), False),
        (("--output", "type=cacheonly"), False),
        (("--cache-to", "type=inline"), False),
    ],
)
def test_a_result_that_stays_in_the_cache_is_a_warning(
    daemon: FakeDaemon, definition: Path, arguments: tuple[str, ...], *, is_warned: bool
) -> None:
    ran = llb("build", definition, *arguments, "--progress", "plain", "--addr", daemon.address)
    assert ran.status == 0
    warning = (
        "warning: no output: the result stays in the build cache\nhint: -o DIR writes its files"
    )
    assert (warning in ran.stderr) is is_warned


def test_a_quiet_build_prints_only_the_digest(daemon: FakeDaemon, definition: Path) -> None:
    ran = llb("build", definition, "-q", "-t", "app", "--addr", daemon.address)
    assert (ran.stdout, ran.stderr) == (f"{DIGEST}\n", "")


def test_the_progress_of_a_build_is_shown(daemon: FakeDaemon, definition: Path) -> None:
    ran = llb("build", definition, "--progress", "plain", "--addr", daemon.address)
    assert "run make" in ran.stderr
    raw = llb("build", definition, "--progress", "rawjson", "--addr", daemon.address)
    names = [
        vertex["name"]
        for line in raw.stderr.splitlines()
        for vertex in json.loads(line).get("vertexes", ())
    ]
    assert names == ["docker-image://docker.io/library/alpine:latest", "run make"]


def test_a_quiet_progress_prints_the_id_of_an_image(
    fake_daemon: Callable[..., FakeDaemon], folder: Path
) -> None:
    answers = {"containerimage.digest": DIGEST, "containerimage.config.digest": CONFIG}
    daemon = fake_daemon(script=lambda _: answers, frontends={"dockerfile.v0": dockerfile})
    for option in ("-q", "--progress=quiet"):
        ran = llb("build", folder, "-o", "type=image", option, "--addr", daemon.address)
        assert (ran.status, ran.stdout, ran.stderr) == (0, f"{CONFIG}\n", "")


def test_warnings_are_in_the_metadata_on_request(
    fake_daemon: Callable[..., FakeDaemon],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def warn(build: FakeBuild) -> dict[str, str]:
        build.show(VertexWarning(DIGEST, 1, "beware", (), "https://example.com", None))
        return {}

    daemon = fake_daemon(script=warn, frontends={"dockerfile.v0": dockerfile})
    file = tmp_path / "metadata.json"
    arguments = ("build", folder, "--metadata-file", file, "--addr", daemon.address)
    assert llb(*arguments).status == 0
    assert json.loads(file.read_text()) == {}
    monkeypatch.setenv("BUILDX_METADATA_WARNINGS", "1")
    assert llb(*arguments).status == 0
    (warning,) = json.loads(file.read_text())["buildx.build.warnings"]
    assert warning["vertex"] == DIGEST
    assert base64.b64decode(warning["short"]) == b"beware"


def test_the_answer_of_a_check_is_in_its_metadata_file(
    daemon: FakeDaemon, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "metadata.json"
    ran = llb("build", folder, "--check", "--metadata-file", file, "--addr", daemon.address)
    assert ran.status == 0, ran.stderr
    assert json.loads(file.read_text())["result.json"]["warnings"] is None


def test_a_check_shows_the_error_of_the_file(daemon: FakeDaemon, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM alpine\nCOPPY a b\n")
    ran = llb("build", folder, "--check", "--progress", "none", "--addr", daemon.address)
    assert (ran.status, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].startswith("error: Dockerfile:2: ")


def test_old_options_of_docker_build_limit_resources_or_do_nothing(
    daemon: FakeDaemon, folder: Path
) -> None:
    ran = llb(
        *("build", folder, "-o", "type=image", "--progress", "none", "--addr", daemon.address),
        *("-m", "1k", "-c", "5", "--cpu-quota", "7", "--resource", "memory=2k"),
        *("--rm", "--force-rm=true", "--compress", "--isolation", "hyperv", "--squash"),
    )
    assert ran.status == 0
    squash = "build the last stage from scratch, and copy into it"
    assert set(ran.stderr.splitlines()) == {
        "warning: --isolation has no effect with BuildKit",
        f"warning: --squash has no effect with BuildKit: {squash}",
    }
    attrs = only(daemon).frontend_attrs
    assert {name: attrs.get(name) for name in ("memory", "cpushares", "cpuquota")} == {
        "memory": "2048",
        "cpushares": "5",
        "cpuquota": "7",
    }


def test_a_policy_in_rego_is_not_passed_over(daemon: FakeDaemon, folder: Path) -> None:
    (folder / "Dockerfile.rego").touch()
    arguments = ("build", folder, "-o", "type=image", "--addr", daemon.address)
    ran = llb(*arguments)
    assert ran.status == 1
    assert ran.stderr == (
        f"error: policies in Rego are not supported: {folder}/Dockerfile.rego\n"
        "hint: --policy disabled=true builds without them\n"
    )
    ran = llb(*arguments, "--policy", "filename=own.rego")
    assert ran.stderr.startswith("error: policies in Rego are not supported: own.rego\n")
    assert llb(*arguments, "--policy", "unknown=1").status == 2
    assert daemon.builds == ()
    assert llb(*arguments, "--policy", "disabled=true").status == 0


def test_the_inline_cache_is_a_build_argument(daemon: FakeDaemon, folder: Path) -> None:
    arguments = ("--build-arg", "BUILDKIT_INLINE_CACHE=1", "--addr", daemon.address)
    assert llb("build", folder, "-o", "type=image", *arguments).status == 0
    assert only(daemon).cache_exports == (("inline", {}),)


def test_the_cache_is_ignored_for_all_stages_or_some(daemon: FakeDaemon, folder: Path) -> None:
    ran = llb("build", folder, "--no-cache", "--no-cache-filter=base", "--addr", daemon.address)
    assert usage_error(ran) == "--no-cache and --no-cache-filter cannot be combined"


def test_an_image_without_an_output_goes_to_docker_if_it_is_docker_that_builds(
    fake_daemon: Callable[..., FakeDaemon],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon = fake_daemon(script=image, frontends={"dockerfile.v0": dockerfile})
    with FakeDockerEngine(tmp_path / "docker.sock", daemon.address) as engine:
        ran = llb("build", folder, "--progress", "none", "--addr", engine.address)
        assert (ran.status, ran.stderr) == (0, "")
        monkeypatch.setenv("BUILDX_NO_DEFAULT_LOAD", "true")
        assert llb("build", folder, "--addr", engine.address).status == 0
        assert llb("build", folder, "--check", "--addr", engine.address).status == 0
    assert [build.exports for build in daemon.builds] == [(("moby", {}),), (), ()]


def test_metadata_files_are_written(daemon: FakeDaemon, definition: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("metadata", "iid", "ref", "trace", "metrics")}
    ran = llb(
        *("build", definition, "-t", "app", "--addr", daemon.address),
        *("--metadata-file", files["metadata"], "--iidfile", files["iid"]),
        *("--ref-file", files["ref"], "--trace", files["trace"]),
        *("--debug-json-cache-metrics", files["metrics"]),
    )
    assert ran.status == 0
    assert json.loads(files["metadata"].read_text())["containerimage.digest"] == DIGEST
    assert files["iid"].read_text() == DIGEST
    assert files["ref"].read_text() == only(daemon).ref
    reports = [json.loads(line) for line in files["trace"].read_text().splitlines()]
    assert [len(report["vertexes"]) for report in reports] == [2]
    lines = files["metrics"].read_text().splitlines()
    assert lines[:2] == [
        "cache miss: docker-image://docker.io/library/alpine:latest",
        "cache miss: run make",
    ]
    assert json.loads(lines[2])["completed"] == 2


def test_the_reference_of_a_failed_build_is_written(
    fake_daemon: Callable[..., FakeDaemon], definition: Path, tmp_path: Path
) -> None:
    def fail(build: FakeBuild) -> dict[str, str]:
        raise build.failure("run make", exit_code=2, log="no rule\n")

    daemon = fake_daemon(script=fail)
    ran = llb("build", definition, "--ref-file", tmp_path / "ref", "--addr", daemon.address)
    assert ran.status == 1
    assert 'process "/bin/sh -c make" did not complete successfully: exit code: 2' in ran.stderr
    assert (tmp_path / "ref").read_text() == only(daemon).ref


# Subrequests.


@pytest.mark.parametrize(
    ("options", "status", "output"),
    [
        (["--call", "targets"], 0, "TARGET         DESCRIPTION\nbase (default) \n"),
        (["--call", "frontend.targets"], 0, "TARGET         DESCRIPTION\nbase (default) \n"),
        (["--check"], 0, "Check complete, no warnings found.\n"),
    ],
)
def test_the_answer_of_a_frontend_is_printed(
    daemon: FakeDaemon, folder: Path, options: list[str], status: int, output: str
) -> None:
    ran = llb("build", folder, *options, "--progress", "none", "--addr", daemon.address)
    assert (ran.status, ran.stdout) == (status, output)


def test_a_failed_check_sets_the_exit_status(daemon: FakeDaemon, folder: Path) -> None:
    (folder / "Dockerfile").write_text("from alpine\nRUN true\n")
    ran = llb("build", folder, "--check", "--addr", daemon.address)
    assert ran.status == 1
    ignored = llb("build", folder, "--call=check,ignorestatus=1", "--addr", daemon.address)
    assert (ignored.status, ignored.stdout) == (0, ran.stdout)
    heading = "Check complete, 1 warning has been found!\n\nWARNING: ConsistentInstructionCasing - "
    assert ran.stdout.startswith(f"{heading}https://docs.docker.com")


def test_an_answer_is_printed_as_json(daemon: FakeDaemon, folder: Path) -> None:
    ran = llb("build", folder, "--call", "targets,format=json", "--addr", daemon.address)
    assert [target["name"] for target in json.loads(ran.stdout)["targets"]] == ["base"]


def test_an_answer_without_text_is_an_error(daemon: FakeDaemon, folder: Path) -> None:
    ran = llb("build", folder, "--call", "convertllb", "--addr", daemon.address)
    assert (ran.status, ran.stderr.splitlines()[-1]) == (
        1,
        "error: the frontend returned no result.txt for frontend.convertllb",
    )


# Errors.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-", "-f", "-"],
            "standard input cannot be both the build context and the Dockerfile",
        ),
        (
            ["{definition}", "--target", "x"],
            "--target is for Dockerfiles and build files, not for ",
        ),
        (["{folder}", "-o", "type=nonesuch"], "unknown exporter 'nonesuch': expected "),
        (["{folder}", "--push"], "a push needs a name for the image"),
        (["{folder}", "--secret", "x"], "invalid secret 'x': expected id=, "),
        (["{folder}", "--progress", "loud"], "unknown progress display 'loud': expected "),
        (["{folder}", "--network", "x"], "invalid network 'x': expected default, none, host"),
    ],
)
def test_an_invalid_command_line_is_refused(
    folder: Path, definition: Path, arguments: list[str], message: str
) -> None:
    command = [argument.format(folder=folder, definition=definition) for argument in arguments]
    assert usage_error(llb("build", *command)).startswith(message)


def test_a_folder_or_dockerfile_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    missing = llb("build", tmp_path / "none", "-f", "Dockerfile")
    assert (missing.status, missing.stderr) == (
        1,
        f"error: build context: no such directory: {tmp_path}/none\n",
    )
    empty = llb("build", tmp_path)
    assert (empty.status, empty.stderr) == (
        1,
        f"error: no such Dockerfile: {tmp_path}/Dockerfile\nhint: name it with -f\n",
    )
