"""Build files in Python on a real BuildKit, run in the process of the client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llb import Platform
from llb.client import Client, local, oci
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
    """Build a file with the files beside it; the result goes to ``out``."""

    def run(
        text: str,
        *,
        files: Mapping[str, str] | None = None,
        exported: bool = True,
        filename: str = "build.py",
        function: Callable[[Request, Gateway], Result] = build_function,
        **attrs: str,
    ) -> SolveResult:
        folder = tmp_path / "context"
        for path, each in {filename: text, **(files or {})}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(each)
        with Client(buildkit_host) as client:
            return client.build(
                function,
                frontend_attrs={"filename": filename, **attrs},
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[local(tmp_path / "out")] if exported else [],
                secrets={"token": b"abc"},
            )

    return run


def test_steps_take_from_the_context_what_is_not_ignored(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"{APP}    return Scratch().copy(build.context(), '/', src='src')\n"
    run(text, files={"src/a": "1", "src/b.log": "2", ".dockerignore": "**/*.log\n", "other": "3"})
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["a"]


def test_neighbours_come_from_beside_the_file_and_from_the_context(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"""from steps import first
from ci.more.steps import second
{APP}    return Scratch().mkfile("/a", first()).mkfile("/b", second())
"""
    files = {
        "ci/steps.py": "def first(): return 'one'\n",
        "ci/more/steps.py": "from steps import first\ndef second(): return first() + 'two'\n",
        "ci/more/data.txt": "not read",
    }
    run(text, files=files, filename="ci/build.py")
    assert (tmp_path / "out" / "a").read_text() == "one"
    assert (tmp_path / "out" / "b").read_text() == "onetwo"


def test_files_of_the_context_and_of_trees_that_are_built_are_read(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"""{APP}    version = build.read_text("VERSION").strip()
    made = build.image("busybox").run("mkdir /out && echo made > /out/file && echo x > /out/x")
    names = [each.path for each in build.list_dir("/out", made)]
    return Scratch().mkfile("/a", f"{{version}} {{build.read_text('/out/file', made).strip()}} {{names}}")
"""
    run(text, files={"VERSION": "1.2\n"})
    assert (tmp_path / "out" / "a").read_text() == "1.2 made ['file', 'x']"


def test_a_file_that_is_not_there_is_named_at_its_line(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(InputError) as caught:
        run(f"{APP}    return Scratch().mkfile('/a', build.read_text('VERSON'))\n")
    assert str(caught.value) == "build.py:7: there is no VERSON"


def test_a_failing_step_points_at_its_line_in_the_file_and_its_neighbour(
    run: Callable[..., SolveResult],
) -> None:
    text = f"from ci import check\n{APP}    return check(build.image('busybox'))\n"
    with pytest.raises(SolveError) as caught:
        run(text, files={"ci.py": "def check(state):\n    return state.run('exit 7')\n"})
    assert caught.value.exit_code == 7
    assert str(caught.value.span) == "ci.py:2"


def test_an_exception_is_the_traceback_of_the_file(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(BuildFileError) as caught:
        run(f"{APP}    return 1 / 0\n")
    assert caught.value.message == "ZeroDivisionError: division by zero"
    assert str(caught.value.span) == "build.py:7"


def config_of(tmp_path: Path, platform: str | None = None) -> dict[str, Any]:
    """Return the image config in an OCI layout that was exported."""
    layout = tmp_path / "layout"
    index = json.loads((layout / "index.json").read_text())
    descriptor = index["manifests"][0]
    while True:
        digest = descriptor["digest"].partition(":")[2]
        found = json.loads((layout / "blobs" / "sha256" / digest).read_text())
        if "manifests" not in found:
            break
        descriptor = next(
            each
            for each in found["manifests"]
            if f"{each['platform']['os']}/{each['platform']['architecture']}" == platform
        )
    digest = found["config"]["digest"].partition(":")[2]
    config: dict[str, Any] = json.loads((layout / "blobs" / "sha256" / digest).read_text())
    return config


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
    other = "linux/s390x"
    with Client(buildkit_host) as client:
        client.build(
            build_function,
            frontend_attrs={
                "filename": "build.py",
                "label:given": "2",
                "platform": f"{host},{other}",
            },
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[oci(tmp_path / "layout", tar=False)],
        )
    for platform in (host, other):
        config = config_of(tmp_path, platform)
        assert f"{config['os']}/{config['architecture']}" == platform
        assert config["config"]["Labels"] == {"own": "1", "given": "2"}
        assert config["config"]["Cmd"] == ["ls"]
        assert config["config"]["Env"][-1] == "A=b"
    assert any(each.startswith("PATH=") for each in config_of(tmp_path, host)["config"]["Env"])


def test_named_contexts_stand_for_images_and_are_taken_by_name(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"""{APP}    base = build.image("no/such:image").run("cat /etc/os-release > /a || echo none > /a")
    return Scratch().copy(base, "/a", src="/a")
"""
    run(text, **{"context:no/such:image": "docker-image://docker.io/library/busybox:latest"})
    assert (tmp_path / "out" / "a").exists()
    with pytest.raises(InputError) as caught:
        run(f"{APP}    return build.named('sources')\n")
    assert caught.value.hint == "add it: --build-context sources=DIR"


DOCKERFILE = """FROM busybox AS base
ARG WHAT=nothing
ENV SAID=$WHAT
RUN echo "$WHAT" > /said
FROM base AS more
COPY --from=extra /extra /
"""


def test_a_dockerfile_is_a_state(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    text = f"""{APP}    extra = Scratch().mkfile("/extra", "extra")
    more = build.dockerfile("docker/App", target="more", build_args={{"WHAT": "hi"}}, contexts={{"extra": extra}})
    base = build.dockerfile("FROM scratch\\nCOPY a /a\\n")
    return more.run('echo "$SAID" > /env').copy(base, "/")
"""
    run(text, files={"docker/App": DOCKERFILE, "a": "1"})
    read = {name: (tmp_path / "out" / name).read_text() for name in ("said", "extra", "env", "a")}
    assert read == {"said": "hi\n", "extra": "extra", "env": "hi\n", "a": "1"}


def test_a_mistake_in_such_a_dockerfile_is_shown_in_it(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(LLBError) as caught:
        run(
            f"{APP}    return build.dockerfile('App')\n", files={"App": "FROM scratch\nCOPPY a b\n"}
        )
    assert str(caught.value).startswith("App:2:1: unknown instruction: COPPY")


def test_another_frontend_makes_a_state(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    text = f"""{APP}    files = Scratch().mkfile("/Dockerfile", "FROM busybox\\nENV X=y\\nRUN echo hi > /hi\\n")
    made = build.frontend("dockerfile.v0", inputs={{"dockerfile": files, "context": files}})
    return made.run('echo "$X" > /x')
"""
    run(text)
    assert (tmp_path / "out" / "hi").read_text() == "hi\n"
    assert (tmp_path / "out" / "x").read_text() == "y\n"


def test_secrets_of_the_client_reach_steps(run: Callable[..., SolveResult], tmp_path: Path) -> None:
    text = f"""{APP}    made = build.image("busybox").run(
        "cat /run/secrets/token > /token", mounts=[build.secret("token")])
    return Scratch().copy(made, "/", src="/token")
"""
    run(text)
    assert (tmp_path / "out" / "token").read_text() == "abc"


def test_steps_run_anew_where_that_is_asked_for(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"""{HEAD}
@target
def base(build: Build) -> State:
    return build.image("busybox").run("cat /proc/sys/kernel/random/uuid > /base")

@target(default=True)
def app(build: Build) -> State:
    return base().run("cat /proc/sys/kernel/random/uuid > /app")
"""

    def ids(**attrs: str) -> tuple[str, str]:
        run(text, **attrs)
        out = tmp_path / "out"
        return (out / "base").read_text(), (out / "app").read_text()

    first, second, named, anew = ids(), ids(), ids(**{"no-cache": "app"}), ids(**{"no-cache": ""})
    assert second == first
    assert (named[0] == first[0], named[1] == first[1]) == (True, False)
    assert (anew[0] == first[0], anew[1] == named[1]) == (False, False)


def test_hosts_that_the_client_adds_are_known_to_steps(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"{APP}    return build.image('busybox').run('cat /etc/hosts > /hosts')\n"
    run(text, **{"add-hosts": "example=10.1.2.3"})
    assert "10.1.2.3\texample" in (tmp_path / "out" / "hosts").read_text()


ANSWERS = f"""{HEAD}from enum import Enum
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
def answer(run: Callable[..., SolveResult]) -> Callable[..., dict[str, str]]:
    """Ask for something else than a build."""

    def ask(name: str, text: str = ANSWERS, **attrs: str) -> dict[str, str]:
        told: dict[str, str] = {}

        def asked(request: Request, gateway: Gateway) -> Result:
            result = build_function(request, gateway)
            told.update({key: value.decode() for key, value in result.metadata.items()})
            return result

        run(text, exported=False, function=asked, requestid=f"frontend.{name}", **attrs)
        return told

    return ask


def test_a_client_is_told_of_the_targets(answer: Callable[..., dict[str, str]]) -> None:
    told = answer("targets")
    assert told["result.txt"] == TARGETS.replace("@", " ")
    (tools, app) = json.loads(told["result.json"])["targets"]
    assert tools == {
        "name": "tools",
        "description": "What is needed.",
        "location": {"ranges": [{"start": {"line": n}, "end": {"line": n}} for n in range(11, 15)]},
    }
    assert app["default"] is True


def test_a_client_is_told_what_a_target_can_be_given(answer: Callable[..., dict[str, str]]) -> None:
    told = answer("outline", **{"build-arg:color": "blue"})
    assert told["result.txt"] == OUTLINE.replace("@", " ")
    assert answer("outline", target="tools")["result.txt"] == (
        "TARGET:      tools\nDESCRIPTION: What is needed.\n\n"
    )


def test_an_argument_that_is_missing_does_not_hide_the_outline(
    answer: Callable[..., dict[str, str]],
) -> None:
    text = f"{HEAD}@target\ndef app(version: str) -> State:\n    return Scratch()\n"
    assert "version" in answer("outline", text)["result.txt"]


def test_checks_warn_of_what_will_be_regretted(answer: Callable[..., dict[str, str]]) -> None:
    told = answer("lint")
    warnings = json.loads(told["result.json"])["warnings"]
    assert [(each["ruleName"], each["detail"]) for each in warnings] == [
        (
            "SecretsUsedInBuildArgs",
            "The build arg 'api_token' of target 'app' sounds like a secret; mount it instead",
        ),
        ("BuildFileWarning", "old paint"),
    ]
    assert told["result.statuscode"] == "1"


def test_a_target_that_makes_other_steps_each_time_is_found(
    answer: Callable[..., dict[str, str]],
) -> None:
    text = f"{HEAD}import itertools\ncount = itertools.count()\n@target\ndef app() -> State:\n    return Scratch().mkfile('/a', str(next(count)))\n"
    (warning,) = json.loads(answer("lint", text)["result.json"])["warnings"]
    assert warning["ruleName"] == "NotReproducible"


def test_checks_tell_why_a_file_cannot_be_built(answer: Callable[..., dict[str, str]]) -> None:
    told = json.loads(answer("lint", f"{APP}    return 1 / 0\n")["result.json"])
    assert told["buildError"] == {
        "message": "ZeroDivisionError: division by zero",
        "location": {"ranges": [{"start": {"line": 7}, "end": {"line": 7}}]},
    }


def test_the_steps_are_told_as_those_of_a_dockerfile_are(
    answer: Callable[..., dict[str, str]],
) -> None:
    text = f"{APP}    return Scratch().mkfile('/a', 'b')\n"
    told = json.loads(answer("convertllb", text)["result.json"])
    kinds = {key for op in told["def"].values() for key in op if key in ("file", "source", "exec")}
    assert kinds == {"file"}


def test_a_request_that_is_not_known_is_refused(run: Callable[..., SolveResult]) -> None:
    with pytest.raises(LLBError, match=r"unsupported request frontend\.x"):
        run(ANSWERS, exported=False, requestid="frontend.x")


def test_one_tree_for_each_name_or_platform(
    run: Callable[..., SolveResult], tmp_path: Path
) -> None:
    text = f"""{HEAD}
@target
def names(build: Build) -> dict[str, State]:
    return {{"docs": Scratch().mkfile("/a", "1"), "wheels": Scratch().mkfile("/b", str(build.platform))}}

@target
def platforms() -> dict[str, State]:
    return {{name: Scratch().mkfile("/name", name) for name in ("linux/arm64", "linux/s390x")}}
"""
    run(text, target="names")
    assert (tmp_path / "out" / "docs" / "a").read_text() == "1"
    run(text, target="names", platform="linux/arm64,linux/amd64")
    assert (tmp_path / "out" / "wheels_linux_arm64" / "b").read_text() == "linux/arm64"
    run(text, target="platforms")
    assert (tmp_path / "out" / "linux_s390x" / "name").read_text() == "linux/s390x"
    with pytest.raises(LLBError) as caught:
        run(text, target="platforms", platform="linux/amd64")
    assert caught.value.message == "the target does not build for linux/amd64"


def test_a_graph_that_the_daemon_does_not_take_is_named(run: Callable[..., SolveResult]) -> None:
    text = f"""{APP}    state = build.image("busybox")
    for number in range(9000):
        state = state.run(f"echo {{number}} {{'x' * 2000}}")
    return state
"""
    with pytest.raises(LLBError) as caught:
        run(text)
    assert caught.value.message.startswith("the graph has 9,00")
