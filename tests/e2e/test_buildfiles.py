"""Python build files on a real BuildKit, evaluated in the client's process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from llb import Platform
from llb.client import Client, Event, VertexWarning, local, oci
from llb.errors import BuildFileError, InputError, LLBError, SolveError
from llb.frontend.build import build as build_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llb.client import SolveResult
    from llb.gateway import Gateway, Request, Result

HEAD = """\
from llb import Image, Scratch, State, secret
from llb.buildfile import Build, target

"""
APP = f"""{HEAD}
@target
def app(build: Build) -> State:
"""


@pytest.fixture
def run(buildkit_host: str, tmp_path: Path) -> Callable[..., SolveResult]:
    """Run a build file in a context with other files; the result goes to ``out``."""

    def run(
        source: str,
        *,
        files: Mapping[str, str] | None = None,
        exported: bool = True,
        filename: str = "build.py",
        function: Callable[[Request, Gateway], Result] = build_function,
        on_event: Callable[[Event], None] | None = None,
        before: Callable[[Path], None] = lambda folder: None,
        **attrs: str,
    ) -> SolveResult:
        folder = tmp_path / "context"
        for path, content in {filename: source, **(files or {})}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        before(folder)
        with Client(buildkit_host) as client:
            return client.build(
                function,
                frontend_attrs={"filename": filename, **attrs},
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[local(tmp_path / "out")] if exported else [],
                secrets={"token": b"abc"},
                on_event=on_event,
            )

    return run


def test_ignored_files_are_missing_in_the_context(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"{APP}    return Scratch().copy(build.context(), '/', src='src')\n"
    run(source, files={"src/a": "1", "src/b.log": "2", ".dockerignore": "**/*.log\n", "other": "3"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_modules_are_imported_from_the_folder_of_the_file_and_from_the_context(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"""from steps import first
from ci.more.steps import second
{APP}    return Scratch().mkfile("/a", first()).mkfile("/b", second())
"""
    files = {
        "ci/steps.py": "def first(): return 'one'\n",
        "ci/more/steps.py": "from steps import first\ndef second(): return first() + 'two'\n",
        "ci/more/data.txt": "not read",
    }
    run(source, files=files, filename="ci/build.py")
    assert (tmp_path / "out" / "a").read_text() == "one"
    assert (tmp_path / "out" / "b").read_text() == "onetwo"


def test_files_of_the_context_and_of_built_trees_are_read(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"""{APP}    version = build.read_text("VERSION").strip()
    made = build.image("busybox").run("mkdir /out && echo made > /out/file && echo x > /out/x")
    names = [each.path for each in build.list_dir("/out", made)]
    return Scratch().mkfile("/a", f"{{version}} {{build.read_text('/out/file', made).strip()}} {{names}}")
"""
    run(source, files={"VERSION": "1.2\n"})
    assert (tmp_path / "out" / "a").read_text() == "1.2 made ['file', 'x']"


def test_a_missing_file_is_reported_at_its_line(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(InputError) as caught:
        run(f"{APP}    return Scratch().mkfile('/a', build.read_text('VERSON'))\n")
    assert caught.value.title == "build.py:7: no such file or directory: VERSON"


def test_a_failing_step_points_at_its_line_in_a_sibling_module(
    run: Callable[..., SolveResult],
) -> None:
    source = f"from ci import check\n{APP}    return check(build.image('busybox'))\n"
    with pytest.raises(SolveError) as caught:
        run(source, files={"ci.py": "def check(state):\n    return state.run('exit 7')\n"})
    assert caught.value.exit_code == 7
    assert str(caught.value.span) == "ci.py:2"


def test_an_exception_points_at_its_line(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(BuildFileError) as caught:
        run(f"{APP}    return 1 / 0\n")
    assert caught.value.message == "ZeroDivisionError: division by zero"
    assert str(caught.value.span) == "build.py:7"


def read_config(tmp_path: Path, platform: str | None = None) -> dict[str, Any]:
    """Read the image config of a platform from the exported OCI layout."""
    layout = tmp_path / "layout"
    index = json.loads((layout / "index.json").read_text())
    descriptor = index["manifests"][0]
    while True:
        digest = descriptor["digest"].partition(":")[2]
        manifest = json.loads((layout / "blobs" / "sha256" / digest).read_text())
        if "manifests" not in manifest:
            break
        descriptor = next(
            entry
            for entry in manifest["manifests"]
            if f"{entry['platform']['os']}/{entry['platform']['architecture']}" == platform
        )
    digest = manifest["config"]["digest"].partition(":")[2]
    config: dict[str, Any] = json.loads((layout / "blobs" / "sha256" / digest).read_text())
    return config


@pytest.mark.since("v0.23.0", "an empty tree among several platforms", run=False)
def test_an_image_has_the_config_of_its_base_and_the_labels_of_the_client(
    buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "build.py").write_text(
        f"""{APP}    native = build.platform == build.build_platform
    base = build.image('busybox') if native else Scratch()
    return base.env('A', 'b').cmd(['ls']).label('own', '1')
"""
    )
    host = str(Platform.host())
    foreign = "linux/s390x"
    with Client(buildkit_host) as client:
        client.build(
            build_function,
            frontend_attrs={
                "filename": "build.py",
                "label:given": "2",
                "platform": f"{host},{foreign}",
            },
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[oci(tmp_path / "layout", tar=False)],
        )
    for platform in (host, foreign):
        config = read_config(tmp_path, platform)
        assert f"{config['os']}/{config['architecture']}" == platform
        assert config["config"]["Labels"] == {"own": "1", "given": "2"}
        assert config["config"]["Cmd"] == ["ls"]
        assert config["config"]["Env"][-1] == "A=b"
    assert any(
        variable.startswith("PATH=") for variable in read_config(tmp_path, host)["config"]["Env"]
    )


def test_named_contexts_replace_images_and_are_read_by_name(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"""{APP}    base = build.image("no/such:image").run("cat /etc/os-release > /a || echo none > /a")
    return Scratch().copy(base, "/a", src="/a")
"""
    run(source, **{"context:no/such:image": "docker-image://docker.io/library/busybox:latest"})
    assert (tmp_path / "out" / "a").exists()
    with pytest.raises(InputError) as caught:
        run(f"{APP}    return build.named('sources')\n")
    assert caught.value.hint == "pass contexts={'sources': DIR}"
    assert caught.value.command_hint == "add it: --build-context sources=DIR"


DOCKERFILE = """FROM busybox AS base
ARG WHAT=nothing
ENV SAID=$WHAT
RUN echo "$WHAT" > /said
FROM base AS more
COPY --from=extra /extra /
"""


def test_a_dockerfile_is_a_state(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    source = f"""{APP}    extra = Scratch().mkfile("/extra", "extra")
    more = build.dockerfile("docker/App", target="more", build_args={{"WHAT": "hi"}}, contexts={{"extra": extra}})
    base = build.dockerfile("FROM scratch\\nCOPY a /a\\n")
    return more.run('echo "$SAID" > /env').copy(base, "/")
"""
    run(source, files={"docker/App": DOCKERFILE, "a": "1"})
    contents = {
        name: (tmp_path / "out" / name).read_text() for name in ("said", "extra", "env", "a")
    }
    assert contents == {"said": "hi\n", "extra": "extra", "env": "hi\n", "a": "1"}


def test_a_mistake_in_a_dockerfile_is_shown_at_its_line(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(LLBError) as caught:
        run(
            f"{APP}    return build.dockerfile('App')\n", files={"App": "FROM scratch\nCOPPY a b\n"}
        )
    assert str(caught.value).startswith("App:2:1: unknown instruction: COPPY")


def test_another_frontend_builds_a_state(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    source = f"""{APP}    files = Scratch().mkfile("/Dockerfile", "FROM busybox\\nENV X=y\\nRUN echo hi > /hi\\n")
    made = build.frontend("dockerfile.v0", inputs={{"dockerfile": files, "context": files}})
    return made.run('echo "$X" > /x')
"""
    run(source)
    assert (tmp_path / "out" / "hi").read_text() == "hi\n"
    assert (tmp_path / "out" / "x").read_text() == "y\n"


def test_secrets_of_the_client_reach_steps(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    source = f"""{APP}    made = build.image("busybox").run(
        "cat /run/secrets/token > /token", mounts=[build.secret("token")])
    return Scratch().copy(made, "/", src="/token")
"""
    run(source)
    assert (tmp_path / "out" / "token").read_text() == "abc"


def test_no_cache_runs_named_or_all_steps_again(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"""{HEAD}
@target
def base(build: Build) -> State:
    return build.image("busybox").run("cat /proc/sys/kernel/random/uuid > /base")

@target(default=True)
def app(build: Build) -> State:
    return base().run("cat /proc/sys/kernel/random/uuid > /app")
"""

    def ids(**attrs: str) -> tuple[str, str]:
        run(source, **attrs)
        out = tmp_path / "out"
        return (out / "base").read_text(), (out / "app").read_text()

    first, second, one_uncached, all_uncached = (
        ids(),
        ids(),
        ids(**{"no-cache": "app"}),
        ids(**{"no-cache": ""}),
    )
    assert second == first
    assert (one_uncached[0] == first[0], one_uncached[1] == first[1]) == (True, False)
    assert (all_uncached[0] == first[0], all_uncached[1] == one_uncached[1]) == (False, False)


def test_add_hosts_reaches_steps(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    source = f"{APP}    return build.image('busybox').run('cat /etc/hosts > /hosts')\n"
    run(source, **{"add-hosts": "example=10.1.2.3"})
    assert "10.1.2.3\texample" in (tmp_path / "out" / "hosts").read_text()


SUBREQUEST_SOURCE = f"""{HEAD}from enum import Enum
from typing import Annotated

class Color(Enum):
    RED = "red"
    BLUE = "blue"

@target
def tools() -> State:
    '''What is needed.'''
    return Scratch()

@target(default=True)
def app(build: Build, color: Annotated[Color, "of the paint"] = Color.RED, api_token: str = "") -> State:
    build.warn("old paint")
    tools()
    return build.image("busybox").run("true", mounts=[secret("token"), secret("other", optional=True)])
"""
TARGETS = """\
TARGET        DESCRIPTION
tools         What is needed.
app (default)@
"""
OUTLINE = """\
TARGET: app

BUILD ARG   VALUE   DESCRIPTION
color       blue    of the paint: one of red, blue
api_token          @

SECRET   REQUIRED
token    true
other   @

"""


@pytest.fixture
def ask_frontend(run: Callable[..., SolveResult]) -> Callable[..., dict[str, str]]:
    """Send a subrequest instead of a build; the function returns the result's metadata."""

    def ask(name: str, source: str = SUBREQUEST_SOURCE, **attrs: str) -> dict[str, str]:
        metadata: dict[str, str] = {}

        def build(request: Request, gateway: Gateway) -> Result:
            result = build_function(request, gateway)
            metadata.update({key: value.decode() for key, value in result.metadata.items()})
            return result

        run(source, exported=False, function=build, requestid=f"frontend.{name}", **attrs)
        return metadata

    return ask


def test_targets_are_listed(ask_frontend: Callable[..., dict[str, str]]) -> None:
    metadata = ask_frontend("targets")
    assert metadata["result.txt"] == TARGETS.replace("@", " ")
    (tools, app) = json.loads(metadata["result.json"])["targets"]
    assert tools == {
        "name": "tools",
        "description": "What is needed.",
        "location": {"ranges": [{"start": {"line": n}, "end": {"line": n}} for n in range(11, 15)]},
    }
    assert app["default"] is True


def test_the_outline_lists_arguments_and_secrets_of_a_target(
    ask_frontend: Callable[..., dict[str, str]],
) -> None:
    metadata = ask_frontend("outline", **{"build-arg:color": "blue"})
    assert metadata["result.txt"] == OUTLINE.replace("@", " ")
    assert ask_frontend("outline", target="tools")["result.txt"] == (
        "TARGET:      tools\nDESCRIPTION: What is needed.\n\n"
    )


def test_a_missing_argument_does_not_hide_the_outline(
    ask_frontend: Callable[..., dict[str, str]],
) -> None:
    source = f"{HEAD}@target\ndef app(version: str) -> State:\n    return Scratch()\n"
    assert "version" in ask_frontend("outline", source)["result.txt"]


def test_checks_warn_of_probable_mistakes(ask_frontend: Callable[..., dict[str, str]]) -> None:
    metadata = ask_frontend("lint")
    warnings = json.loads(metadata["result.json"])["warnings"]
    assert [(warning["ruleName"], warning["detail"]) for warning in warnings] == [
        (
            "SecretsUsedInBuildArgs",
            "The build arg 'api_token' of target 'app' sounds like a secret; mount it instead",
        ),
        ("BuildFileWarning", "old paint"),
    ]
    assert metadata["result.statuscode"] == "1"


def test_checks_find_a_target_that_is_not_reproducible(
    ask_frontend: Callable[..., dict[str, str]],
) -> None:
    source = f"{HEAD}import itertools\ncount = itertools.count()\n@target\ndef app() -> State:\n    return Scratch().mkfile('/a', str(next(count)))\n"
    (warning,) = json.loads(ask_frontend("lint", source)["result.json"])["warnings"]
    assert warning["ruleName"] == "NotReproducible"


def test_checks_report_why_a_file_cannot_be_built(
    ask_frontend: Callable[..., dict[str, str]],
) -> None:
    result = json.loads(ask_frontend("lint", f"{APP}    return 1 / 0\n")["result.json"])
    assert result["buildError"] == {
        "message": "ZeroDivisionError: division by zero",
        "location": {"ranges": [{"start": {"line": 7}, "end": {"line": 7}}]},
    }


def test_convertllb_returns_the_steps(
    ask_frontend: Callable[..., dict[str, str]],
) -> None:
    source = f"{APP}    return Scratch().mkfile('/a', 'b')\n"
    result = json.loads(ask_frontend("convertllb", source)["result.json"])
    kinds = {
        key for op in result["def"].values() for key in op if key in ("file", "source", "exec")
    }
    assert kinds == {"file"}


def test_an_unknown_request_is_refused(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(LLBError, match=r"unsupported request frontend\.x"):
        run(SUBREQUEST_SOURCE, exported=False, requestid="frontend.x")


def test_a_target_returns_one_tree_for_each_name_or_platform(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    source = f"""{HEAD}
@target
def names(build: Build) -> dict[str, State]:
    return {{"docs": Scratch().mkfile("/a", "1"), "wheels": Scratch().mkfile("/b", str(build.platform))}}

@target
def platforms() -> dict[str, State]:
    return {{name: Scratch().mkfile("/name", name) for name in ("linux/arm64", "linux/s390x")}}
"""
    events: list[Event] = []
    run(source, target="names", on_event=events.append)
    assert not [event for event in events if isinstance(event, VertexWarning)]
    assert (tmp_path / "out" / "docs" / "a").read_text() == "1"
    run(source, target="names", platform="linux/arm64,linux/amd64")
    assert (tmp_path / "out" / "linux_arm64" / "wheels" / "b").read_text() == "linux/arm64"
    run(source, target="platforms")
    assert (tmp_path / "out" / "linux_s390x" / "name").read_text() == "linux/s390x"
    with pytest.raises(LLBError) as caught:
        run(source, target="platforms", platform="linux/amd64")
    assert caught.value.message == "the target does not build for linux/amd64"


def test_a_graph_that_is_too_large_for_the_daemon_is_an_error(
    run: Callable[..., SolveResult],
) -> None:
    source = f"""{APP}    state = build.image("busybox")
    for number in range(9000):
        state = state.run(f"echo {{number}} {{'x' * 2000}}")
    return state
"""
    with pytest.raises(LLBError) as caught:
        run(source)
    assert caught.value.message.startswith("the request with the definition has 21.0 MiB")


def test_a_read_file_is_never_an_old_one(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    source = f"{APP}    return Scratch().mkfile('/a', build.read_text('VERSION'))\n"
    for version in ("1.0", "2.0"):
        run(
            source,
            files={"VERSION": version},
            before=lambda folder: os.utime(folder / "VERSION", (0, 0)),
        )
        assert (tmp_path / "out" / "a").read_text() == version


def test_a_missing_file_may_be_ignored(run: Callable[..., SolveResult]) -> None:
    source = f"{APP}    return Scratch().mkfile('/a', build.read_text('.env'))\n"
    with pytest.raises(InputError) as caught:
        run(source, files={".env": "1", ".dockerignore": ".env\n"})
    assert caught.value.hint == "the ignore file (.dockerignore) excludes it from the build context"


def test_a_failing_step_shows_the_lines_that_called_it(run: Callable[..., SolveResult]) -> None:
    source = f"from ci import check\n{APP}    return check(build.image('busybox'))\n"
    with pytest.raises(SolveError) as caught:
        run(source, files={"ci.py": "def check(state):\n    return state.run('exit 7')\n"})
    assert str(caught.value.span) == "ci.py:2"
    assert [str(caller) for caller in caught.value.callers] == ["build.py:8"]
