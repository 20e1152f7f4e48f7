"""Images inherit their base image, as everyone who knows FROM expects, however they are built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, Local, Platform, Scratch, State, bind, merge, resolve_images
from llb.client import Client, Event, Vertex, image, local, oci
from llb.errors import ProcessError, RemoteError
from llb.gateway import Gateway, PlatformImage, Request, Result
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

ROOT = Path(__file__).parents[2]
GO_PATH = "/go/bin:/usr/local/go/bin:/usr/bin:/bin"
# Builds the package named last into the file after -o, as "go build -o FILE PACKAGE" does.
GO = """\
#!/bin/sh
test "$1 $2" = "build -o" && test -f "$4/main.go" && mkdir -p "$(dirname "$3")" || exit 64
echo "built in $PWD by $(id -un) with GOPATH=$GOPATH" > "$3"
"""


def pure(ref: str = "busybox") -> State:
    return Image(ref, inherit_config=False)


@pytest.fixture(scope="module")
def golang(buildkit_host: str, registry: str) -> str:
    """An image shaped like golang: its program is found only through the PATH of the config."""
    state = (
        pure()
        .mkdir("/usr/local/go/bin", parents=True)
        .mkfile("/usr/local/go/bin/go", GO, mode=0o755)
        .mkdir("/go/bin", parents=True)
        .env("PATH", GO_PATH)
        .env("GOPATH", "/go")
        .workdir("/go")
        .cmd(["bash"])
    )
    return push(buildkit_host, f"{registry}/test/bases/golang:1.26", state)


@pytest.fixture(scope="module")
def nginx(buildkit_host: str, registry: str) -> str:
    """An image shaped like nginx: the config is all that makes it a server."""
    state = (
        pure()
        .mkdir("/srv")
        .env("NGINX_VERSION", "1.29")
        .workdir("/srv")
        .user("daemon")
        .entrypoint(["/docker-entrypoint.sh"])
        .cmd(["nginx", "-g", "daemon off;"])
        .expose(80)
        .label("maintainer", "nginx")
        .volume("/cache")
        .stop_signal("SIGQUIT")
        .healthcheck(["true"], retries=2)
        .shell(["/bin/sh", "-euc"])
    )
    return push(buildkit_host, f"{registry}/test/bases/nginx", state)


def push(buildkit_host: str, name: str, state: State) -> str:
    with Client(buildkit_host) as client:
        client.solve(state, exports=[image(name, push=True)])
    return name


def llb(*arguments: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    process = subprocess.run(
        [sys.executable, "-m", "llb", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.returncode == 0 or not check, process.stderr
    return process


def config_of(archive: Path) -> dict[str, Any]:
    config: dict[str, Any] = read_image(archive)[0]["config"]
    return config


def derived(nginx: str) -> State:
    """An image with a file, a variable and a label of its own on top of nginx."""
    return Image(nginx).mkfile("index.html", "hello").env("MINE", "1").label("mine", "yes")


INHERITED = {
    "User": "daemon",
    "ExposedPorts": {"80/tcp": {}},
    "Env": ["NGINX_VERSION=1.29", "MINE=1"],
    "Entrypoint": ["/docker-entrypoint.sh"],
    "Cmd": ["nginx", "-g", "daemon off;"],
    "Volumes": {"/cache": {}},
    "WorkingDir": "/srv",
    "Labels": {"maintainer": "nginx", "mine": "yes"},
    "StopSignal": "SIGQUIT",
    "Healthcheck": {"Test": ["CMD", "true"], "Retries": 2},
    "Shell": ["/bin/sh", "-euc"],
}


def test_the_first_example_of_the_readme_builds(
    golang: str, buildkit_host: str, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(from llb import Image, Local.*?)```", readme(), re.DOTALL)
    assert example.count('"golang:1.26"') == 1
    (tmp_path / "build.py").write_text(example.replace("golang:1.26", golang))
    (tmp_path / "cmd" / "app").mkdir(parents=True)
    (tmp_path / "cmd" / "app" / "main.go").write_text("package main\n")
    llb("build", "build.py", "-o", "type=oci,dest=app.tar", "--addr", buildkit_host, cwd=tmp_path)
    config = config_of(tmp_path / "app.tar")
    assert (config["Entrypoint"], config["ExposedPorts"]) == (["/app"], {"8080/tcp": {}})
    llb("build", "build.py", "-o", "out", "--addr", buildkit_host, cwd=tmp_path)
    assert (tmp_path / "out" / "app").read_text() == "built in /src by root with GOPATH=/go\n"


def readme() -> str:
    return (ROOT / "README.md").read_text()


def test_a_client_inherits_the_base_of_steps(
    golang: str, nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "main.go").write_text("package main\n")
    built = Image(golang).workdir("src").copy(Local("src"), ".").run("go build -o /out/app .")
    shown = Image(nginx).run("(id -un; pwd; echo $-) > /tmp/shown")
    result = merge(
        [Scratch().copy(built, "/", src="/out/app"), Scratch().copy(shown, "/", src="/tmp/shown")]
    )
    with Client(buildkit_host) as client:
        client.solve(result, local_dirs={"src": tmp_path}, exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "app").read_text() == "built in /go/src by root with GOPATH=/go\n"
    user, directory, flags = (tmp_path / "out" / "shown").read_text().split()
    assert (user, directory, {"e", "u"} <= set(flags)) == ("daemon", "/srv", True)


def test_a_client_inherits_the_config_of_an_image(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    with Client(buildkit_host) as client:
        client.solve(derived(nginx), exports=[oci(tmp_path / "image.tar")])
        assert config_of(tmp_path / "image.tar") == INHERITED
        # The pure form has only what the state says.
        own = Image(nginx, inherit_config=False).cmd(["mine"])
        client.solve(own, exports=[oci(tmp_path / "own.tar")])
    assert config_of(tmp_path / "own.tar") == {"Cmd": ["mine"], "WorkingDir": "/"}


def test_a_dockerfile_and_a_state_make_the_same_image_config(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f'FROM {nginx}\nENV MINE=1\nLABEL mine=yes\nRUN true\nCMD ["mine"]\n'
    )
    state = Image(nginx).env("MINE", "1").label("mine", "yes").run("true").cmd(["mine"])
    with Client(buildkit_host) as client:
        client.solve(state, exports=[oci(tmp_path / "state.tar")])
        client.solve(
            frontend="dockerfile.v0",
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            exports=[oci(tmp_path / "dockerfile.tar")],
        )
    ours, theirs = config_of(tmp_path / "state.tar"), config_of(tmp_path / "dockerfile.tar")
    # Dockerfiles add the default PATH to an image without one, and mark a CMD.
    theirs.pop("ArgsEscaped")
    theirs["Env"] = [entry for entry in theirs["Env"] if not entry.startswith("PATH=")]
    assert ours == theirs


def test_llb_build_inherits_the_config_of_an_image(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "build.py").write_text(
        "from llb import Image, main\n"
        f"state = Image({nginx!r}).mkfile('index.html', 'hello')\n"
        "main(state.env('MINE', '1').label('mine', 'yes'))\n"
    )
    options = ["-o", "type=oci,dest=image.tar", "--addr", buildkit_host]
    process = llb("build", "build.py", *options, cwd=tmp_path)
    assert config_of(tmp_path / "image.tar") == INHERITED
    assert f"load metadata for {nginx}:latest" in process.stderr
    assert "Warning" not in process.stderr


def test_images_are_pinned_and_resolved_once(
    golang: str, buildkit_host: str, tmp_path: Path
) -> None:
    events: list[Event] = []
    one, two = Image(golang).run("echo 1 > /1"), Image(golang).run("echo 2 > /2")
    state = Scratch().copy(one, "/", src="/1").copy(two, "/", src="/2")
    with Client(buildkit_host) as client:
        client.solve(state, exports=[local(tmp_path / "out")], on_event=events.append)
    names = {event.name for event in events if isinstance(event, Vertex)}
    digests = {event.digest for event in events if isinstance(event, Vertex)}
    loads = {e.digest for e in events if isinstance(e, Vertex) and "load metadata" in e.name}
    assert len(loads) == 1
    assert len(digests) == len(names)
    assert len([name for name in names if name.startswith(f"docker-image://{golang}@sha256:")]) == 1


def test_an_image_that_is_only_copied_is_not_resolved(
    golang: str, buildkit_host: str, tmp_path: Path
) -> None:
    events: list[Event] = []
    state = Scratch().copy(Image(golang), "/", src="/usr/local/go/bin/go")
    with Client(buildkit_host) as client:
        client.solve(state, exports=[local(tmp_path / "out")], on_event=events.append)
    names = {event.name for event in events if isinstance(event, Vertex)}
    assert not any("load metadata" in name for name in names)


def test_each_platform_inherits_its_own_image(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/test/bases/platforms"

    def index(_: Request, gateway: Gateway) -> Result:
        images = []
        for arch in ("amd64", "arm64"):
            state = Scratch().mkdir(f"/{arch}").env("ARCH", arch).workdir(f"/{arch}")
            platform = Platform("linux", arch)
            ref = gateway.solve(state.marshal())
            images.append(PlatformImage(ref, platform, state.image_config(platform=platform)))
        return Result.of_images(images, is_index=True)

    with Client(buildkit_host) as client:
        client.build(index, exports=[image(name, push=True)])
        for arch in ("amd64", "arm64"):
            archive = tmp_path / f"{arch}.tar"
            state = Image(name).mkfile("f", "x")
            client.solve(state, platform=f"linux/{arch}", exports=[oci(archive)])
            assert config_of(archive) == {"Env": [f"ARCH={arch}"], "WorkingDir": f"/{arch}"}


def test_a_frontend_function_inherits_base_images(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    def build(_: Request, gateway: Gateway) -> Result:
        state = resolve_images(derived(nginx), gateway)
        config = {"containerimage.config": state.image_config()}
        return Result(gateway.solve(state.marshal()), metadata=config)

    with Client(buildkit_host) as client:
        client.build(build, exports=[oci(tmp_path / "image.tar")])
        # A client is a resolver, too.
        state = resolve_images(derived(nginx), client)
    assert config_of(tmp_path / "image.tar") == INHERITED
    assert state.getenv("NGINX_VERSION") == "1.29"


def test_a_context_of_a_dockerfile_inherits_its_base_image(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN id -un > /tmp/user && pwd > /tmp/cwd\n")
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"context:base": "input:base"},
            frontend_inputs={"base": derived(nginx).run("touch /tmp/ran")},
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            exports=[oci(tmp_path / "image.tar")],
        )
    config = config_of(tmp_path / "image.tar")
    assert config["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert config["Labels"] == {"maintainer": "nginx", "mine": "yes"}


def test_processes_and_files_of_a_result_inherit_its_base_image(
    golang: str, nginx: str, buildkit_host: str
) -> None:
    with Client(buildkit_host) as client:
        with pytest.raises(ProcessError) as caught:
            client.run(Image(golang), "go version")
        # The program was found, and refuses these arguments.
        assert caught.value.exit_code == 64
        shown = client.run(Image(nginx), "id -un; pwd; echo $-")
        assert shown.command[:2] == ("/bin/sh", "-euc")
        assert shown.stdout_text.split()[:2] == ["daemon", "/srv"]
        assert client.read_text(Image(golang).run("pwd > here"), "here") == "/go\n"


def test_an_image_build_inherits_the_base_image_of_a_context(
    nginx: str, buildkit_host: str, tmp_path: Path
) -> None:
    build_file = (
        "from llb.buildfile import target\n\n\n"
        "@target\ndef app(build):\n    return build.image('base').mkfile('/tmp/x', 'y')\n"
    )
    dockerfile = "FROM base\nRUN touch /tmp/x\n"
    for name, text in {"build.py": build_file, "Dockerfile": dockerfile}.items():
        with Client(buildkit_host) as client, warnings.catch_warnings():
            warnings.simplefilter("error")
            client.build_image(
                {name: text},
                file=name,
                contexts={"base": derived(nginx)},
                outputs=oci(tmp_path / "image.tar"),
            )
        config = config_of(tmp_path / "image.tar")
        assert config["Cmd"] == ["nginx", "-g", "daemon off;"]
        assert config["Labels"] == {"maintainer": "nginx", "mine": "yes"}


def test_mounts_inherit_their_own_images(golang: str, buildkit_host: str, tmp_path: Path) -> None:
    tool = Image(golang).run("pwd > /cwd")
    state = Image("busybox").run("cp /tool/cwd /copied", mounts=[bind(tool, "/tool")])
    with Client(buildkit_host) as client:
        client.solve(Scratch().copy(state, "/", src="/copied"), exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "copied").read_text() == "/go\n"


def test_a_missing_image_points_at_its_line(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/test/bases/none-such"
    with Client(buildkit_host) as client, pytest.raises(RemoteError, match="not found") as caught:
        client.solve(Image(name).run("true"))
    span = caught.value.span
    assert span is not None
    assert span.text.splitlines()[span.line - 1].strip() == 'client.solve(Image(name).run("true"))'
    (tmp_path / "build.py").write_text(
        f"import llb\n\nbase = llb.Image({name!r})\nllb.main(base.run('true'))\n"
    )
    process = llb("build", "build.py", "--addr", buildkit_host, cwd=tmp_path, check=False)
    assert process.returncode == 1
    *excerpt, error = process.stderr.splitlines()
    assert error.startswith("error: build.py:3: ")
    assert "not found" in error
    assert f"3 | >>> base = llb.Image({name!r})" in excerpt


def test_a_definition_without_a_daemon_warns_once(
    nginx: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        f"import llb\nbase = llb.Image({nginx!r})\nllb.main(base.run('true').run('true'))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    piped = subprocess.run(
        [sys.executable, script], capture_output=True, check=True, env=environment
    )
    dumped = llb("dump", script, cwd=tmp_path)
    for errors in (piped.stderr.decode(), dumped.stderr):
        assert errors.startswith(f"{script}:2: BaseImageWarning: the config of {nginx}:latest")
        assert errors.count("BaseImageWarning") == 1
        for way_out in ("llb build or a Client", "resolver=", "inherit_config=False"):
            assert way_out in errors
    # The stock client builds what is piped.
    stock: list[str | Path] = [
        buildctl.program,
        "--addr",
        buildctl.address,
        "build",
        "--progress",
        "plain",
    ]
    process = subprocess.run(stock, input=piped.stdout, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr.decode()


def test_a_build_that_inherits_has_the_digest_of_the_eager_form(
    golang: str, buildkit_host: str
) -> None:
    with Client(buildkit_host) as client:
        eager = Image(golang, resolver=client, resolve_digest=True, platform="linux/amd64")
        late = resolve_images(Image(golang).run("go"), client, platform="linux/amd64")
    assert late.marshal(platform="linux/amd64").head == eager.run("go").marshal().head
    assert json.loads(late.image_config()) == json.loads(eager.run("go").image_config())
