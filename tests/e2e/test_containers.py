"""Containers of frontends: their processes, entitlements and lifetime."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any, Literal

import pytest

import llb
import llb.gateway
from llb import Image, secret
from llb.client import Client
from llb.errors import (
    CancelledError,
    InvalidValueError,
    LLBError,
    ProcessError,
    RemoteError,
    SolveError,
    TransportError,
    render,
)
from llb.gateway import (
    Completed,
    Container,
    Gateway,
    Process,
    Ref,
    Request,
    Result,
)
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay


# A process that waits until its input is closed.
WAITING = ["cat"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENDLESS = "echo here; exec tail -f /dev/null"


@pytest.mark.feature("K5")
def test_a_process_returns_its_output(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> Completed:
        with gateway.new_container(tree) as container:
            return container.run(["sh", "-c", "echo out; echo err >&2"])

    command = ("sh", "-c", "echo out; echo err >&2")
    assert run_with_tree(use) == Completed(command, 0, b"out\n", b"err\n")


@pytest.mark.feature("K5")
def test_processes_share_a_tree_that_is_discarded_afterwards(
    run_with_tree: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> tuple[bytes, int]:
        with gateway.new_container(tree, init=WAITING) as container:
            container.run("echo written > /file")
            content = container.run(["cat", "/file"]).stdout
        with gateway.new_container(tree) as container:
            return content, container.run("test -e /file", check=False).exit_code

    assert run_with_tree(use) == (b"written\n", 1)


@pytest.mark.feature("K5")
def test_a_process_that_fails_is_an_error_with_its_last_lines(
    run_with_tree: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            container.run("echo out; echo one >&2; echo two >&2; exit 99")

    with pytest.raises(ProcessError) as caught:
        run_with_tree(use)
    error = caught.value
    command = "/bin/sh -c echo out; echo one >&2; echo two >&2; exit 99"
    assert render(error) == (
        f"  | one\n  | two\nerror: process '{command}' ended with exit code 99: two"
    )
    assert (error.exit_code, error.stdout, error.stderr) == (99, b"out\n", b"one\ntwo\n")
    assert error.command == ("/bin/sh", "-c", command.removeprefix("/bin/sh -c "))


@pytest.mark.feature("K5")
def test_the_exit_code_reaches_the_caller_of_a_build(buildkit_host: str) -> None:
    def build(_: Request, gateway: Gateway) -> Result:
        tree = gateway.solve(Image("busybox").marshal())
        with gateway.new_container(tree) as container:
            container.run("exit 99")
        return Result(tree)

    with Client(buildkit_host) as client, pytest.raises(ProcessError, match=r"99$") as caught:
        client.build(build)
    assert caught.value.exit_code == 99


@pytest.mark.feature("K5")
def test_an_unchecked_exit_code_is_a_value(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[int]:
        codes = []
        for code in (3, 255):
            with gateway.new_container(tree) as container:
                codes.append(container.run(f"exit {code}", check=False).exit_code)
        with gateway.new_container(tree) as container:
            process = container.start("exit 7")
            codes.append(process.wait())
            assert process.exit_code == 7
            with pytest.raises(ProcessError, match=r"exit 7' ended with exit code 7$"):
                process.check()
        return codes

    assert run_with_tree(use) == [3, 255, 7]


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        (
            {"command": ["none-such", "x"]},
            ProcessError,
            r"process 'none-such x' ended with exit code \d+: .* executable file not found in",
        ),
        (
            {"command": ["id"], "user": "nobody-such"},
            RemoteError,
            "cannot run process 'id': unable to find user nobody-such: no matching entries in",
        ),
        ({"command": []}, InvalidValueError, "invalid arguments"),
        ({"command": ["id"], "work_dir": "/"}, TypeError, "argument 'work_dir'; did you mean"),
        ({"command": ["id"], "stdin": "text"}, InvalidValueError, "invalid stdin 'text'"),
        ({"command": ["id"], "stdin": io.BytesIO()}, InvalidValueError, "invalid stdin"),
        ({"command": ["id"], "stdin": "pipe"}, InvalidValueError, "cannot write to it"),
        (
            {"command": ["id"], "stdin": b"text", "tty": True},
            InvalidValueError,
            "a terminal takes no bytes",
        ),
        ({"command": ["id"], "stdout": "pipes"}, InvalidValueError, "invalid stdout 'pipes'"),
        ({"command": ["id"], "stderr": None}, InvalidValueError, "invalid stderr None"),
        (
            {"command": ["id"], "stdout": sys.stdout},
            InvalidValueError,
            "expected a binary file, got a text file",
        ),
        (
            {"command": ["id"], "secrets": [secret("token")]},
            InvalidValueError,
            "invalid mount /run/secrets/token of a process: only containers have mounts",
        ),
        (
            {"command": ["id"], "secrets": [secret("token", env="TOKEN")]},
            RemoteError,
            "secret token: not found",
        ),
    ],
)
def test_a_process_that_cannot_run_is_an_error(
    run_with_tree: Callable[..., Any], options: dict[str, Any], error: type[Exception], reason: str
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree, init=WAITING) as container:
            container.run(options.pop("command"), **options)

    start = time.monotonic()
    with pytest.raises(error, match=reason):
        run_with_tree(use)
    assert time.monotonic() - start < PATIENCE


@pytest.mark.feature("K5")
def test_a_process_has_its_environment_directory_user_and_hosts(
    run_with_tree: Callable[..., Any],
) -> None:
    script = 'echo "$USER_GIVEN:$PATH:$HOME"; pwd; id -un; hostname; grep other.host /etc/hosts'

    def use(gateway: Gateway, tree: Ref) -> list[str]:
        with gateway.new_container(
            tree, hostname="builder", extra_hosts={"other.host": "169.254.11.22"}
        ) as container:
            completed = container.run(
                script, env={"USER_GIVEN": "yes"}, workdir="/tmp", user="daemon"
            )
            return completed.stdout.decode().splitlines()

    assert run_with_tree(use) == [
        f"yes:{PATH}:/usr/sbin",
        "/tmp",
        "daemon",
        "builder",
        "169.254.11.22\tother.host",
    ]


@pytest.mark.feature("K5")
def test_the_platform_determines_the_default_path(
    run_with_tree: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        paths = []
        for platform in (None, "linux/arm64", "windows/amd64"):
            with gateway.new_container(tree, platform=platform) as container:
                paths.append(container.run(["/bin/sh", "-c", "echo -n $PATH"]).stdout)
        return paths

    linux, arm64, windows = run_with_tree(use)
    assert (linux, arm64) == (PATH.encode(), PATH.encode())
    assert windows.startswith(rb"c:\Windows\System32;c:\Windows")


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_network_and_security_need_an_entitlement(
    run_with_tree: Callable[..., Any],
) -> None:
    def links(gateway: Gateway, tree: Ref, network: Literal["host", "none"]) -> list[str]:
        with gateway.new_container(tree, network=network) as container:
            return sorted(container.run(["ls", "/sys/class/net"]).stdout.decode().split())

    def use(gateway: Gateway, tree: Ref) -> list[str]:
        with (
            gateway.new_container(tree, security="insecure") as container,
            pytest.raises(RemoteError, match=r"security\.insecure is not allowed"),
        ):
            container.run(["id"])
        with pytest.raises(RemoteError, match=r"network\.host is not allowed"):
            links(gateway, tree, "host")
        return links(gateway, tree, "none")

    assert run_with_tree(use) == ["lo"]
    host = run_with_tree(lambda gateway, tree: links(gateway, tree, "host"), allow=["network.host"])
    assert "lo" in host


@pytest.mark.feature("K5")
def test_an_insecure_container_has_all_capabilities(run_with_tree: Callable[..., Any]) -> None:
    def capabilities(gateway: Gateway, tree: Ref) -> list[int]:
        masks = []
        for security in ("sandbox", "insecure"):
            with gateway.new_container(tree, init=WAITING, security=security) as container:
                line = container.run("grep CapEff /proc/self/status").stdout
                masks.append(int(line.split()[1], 16))
        return masks

    plain, all_of_them = run_with_tree(capabilities, allow=["security.insecure"])
    assert all_of_them & plain == plain
    assert all_of_them != plain


@pytest.mark.feature("K5")
def test_a_secret_is_a_variable_of_one_process(
    run_with_tree: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            secrets = [secret("token", env="TOKEN"), secret("none", env="NONE", optional=True)]
            command = 'echo "$TOKEN,${NONE-unset}"'
            with_secrets = container.run(command, secrets=secrets).stdout
            return [with_secrets, container.run('echo "${TOKEN-unset}"').stdout]

    assert run_with_tree(use, secrets={"token": b"of the client"}) == [
        b"of the client,\n",
        b"unset\n",
    ]


def start_running(container: Container, command: str = ENDLESS, **options: Any) -> Process:
    """Start a process that prints "here", and wait for this line.

    A daemon reports the start of a process before the process runs.
    """
    process = container.start(command, **options)
    assert process.stdout is not None
    assert process.stdout.readline().rstrip() == b"here"
    return process


@pytest.mark.feature("K5")
def test_the_release_stops_all_processes(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> float:
        container = gateway.new_container(tree)
        processes = [
            start_running(container),
            start_running(container),
            start_running(container, "echo here; exec cat", stdin="pipe"),
            start_running(container, "echo here; exec sh", stdin="pipe", tty=True),
            # This output exceeds every buffer, and nobody reads it.
            start_running(container, "echo here; exec yes"),
        ]
        start = time.monotonic()
        container.release()
        container.release()
        for process in processes:
            with pytest.raises(CancelledError, match="was stopped with its container"):
                process.wait(PATIENCE)
            assert process.exit_code is None
        with pytest.raises(InvalidValueError, match="the container was released"):
            container.start(["true"])
        return time.monotonic() - start

    assert run_with_tree(use) < PATIENCE


@pytest.mark.feature("K5")
def test_an_exception_releases_the_container(run_with_tree: Callable[..., Any]) -> None:
    processes: list[Process] = []

    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            processes.append(start_running(container))
            raise ZeroDivisionError("of mine")

    with pytest.raises(ZeroDivisionError, match="of mine"):
        run_with_tree(use)
    with pytest.raises(CancelledError, match="was stopped with its container"):
        processes[0].wait(PATIENCE)


@pytest.mark.feature("K5")
@pytest.mark.since("v0.34.0", "parts of files of containers")
def test_a_large_file_of_a_container_is_read_in_parts(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> int:
        with gateway.new_container(tree, init=["cat"]) as container:
            container.run(["dd", "if=/dev/zero", "of=/large", "bs=1M", "count=20"])
            return len(container.read_file("/large"))

    assert run_with_tree(use) == 20 * 1024 * 1024


@pytest.mark.feature("K5")
def test_a_container_ends_with_its_first_process(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> tuple[int, int]:
        with gateway.new_container(tree) as container:
            first = container.start(["cat"], stdin="pipe")
            second = start_running(container)
            assert first.stdin is not None
            first.stdin.close()
            codes = first.wait(PATIENCE), second.wait(PATIENCE)
            assert container.read_file("/etc/passwd").startswith(b"root:")
            with pytest.raises(InvalidValueError, match="the container has ended") as caught:
                container.run("true")
            assert caught.value.message.endswith("process 'cat' ended with exit code 0")
            return codes

    assert run_with_tree(use) == (0, 137)


@pytest.mark.feature("K5")
def test_a_container_ends_with_a_process_that_fails(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> int:
        with gateway.new_container(tree, init=WAITING) as container:
            waiting = start_running(container)
            assert container.run("exit 3", check=False).exit_code == 3
            with pytest.raises(
                InvalidValueError, match=r"the container has ended: .* code 3 \(a cont"
            ):
                container.run("true")
            return waiting.wait(PATIENCE)

    assert run_with_tree(use) == 137


@pytest.mark.feature("K5")
def test_several_containers_run_at_once(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        all_run = Barrier(5)

        def run_one(number: int) -> bytes:
            with (
                gateway.new_container(tree, hostname=f"host{number}") as container,
                container.start("hostname; cat", stdin="pipe") as process,
            ):
                assert process.stdin is not None
                assert process.stdout is not None
                name = process.stdout.readline()
                all_run.wait(PATIENCE)
                assert not process.is_over
                process.stdin.close()
                process.check(PATIENCE)
                return name

        with ThreadPoolExecutor(5) as pool:
            return list(pool.map(run_one, range(5)))

    assert run_with_tree(use) == [f"host{number}\n".encode() for number in range(5)]


@pytest.mark.feature("K5")
def test_a_broken_connection_ends_waiting_calls(
    run_with_tree: Callable[..., Any], relay: Relay
) -> None:
    durations: list[float] = []
    reasons: list[str] = []

    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            process = start_running(container, stdin="pipe")
            assert process.stdout is not None
            start = time.monotonic()
            relay.cut_newest()
            with pytest.raises(TransportError) as caught:
                process.wait()
            reasons.append(caught.value.message)
            with pytest.raises(TransportError):
                process.stdout.read()
            assert process.exit_code is None
            durations.append(time.monotonic() - start)

    with pytest.raises(LLBError):
        run_with_tree(use, address=relay.address)
    assert len(reasons) == 1
    assert durations[0] < PATIENCE


PROGRAM = """\
    import sys
    from llb import Image, Scratch
    from llb.gateway import Result, serve

    def build(request, gateway):
        tree = gateway.solve(Image("busybox").marshal())
        with gateway.new_container(tree, init=["cat"]) as container:
            env = {"PS1": "% "}
            with container.start(["sh"], stdin="pipe", tty=True, env=env) as shell:
                shell.resize(12, 34)
                shown = b""
                while b"% " not in shown:
                    shown += shell.stdout.read1()
                # A daemon may apply a new size after the input that follows it.
                until = b"until stty size | grep -qx '12 34'; do sleep 0.1; done; "
                shell.stdin.write(until + b"stty size; exit\\n")
                sizes = b"\\n12 34\\r" in shell.stdout.read()
            done = container.run(request.options["command"], stdin=b"given")
        text = done.stdout + (b", on a terminal" if sizes else b"")
        return Result(gateway.solve(Scratch().mkfile("/out", text).marshal()))

    sys.exit(serve(build))
    """


@pytest.mark.feature("K5")
def test_a_frontend_in_an_image_has_containers(
    push_frontend: Callable[[str], str], buildctl: Buildctl, tmp_path: Path
) -> None:
    name = push_frontend(PROGRAM)
    command = ("build", "--frontend", "gateway.v0", "--opt", f"source={name}")
    failing = ("--opt", "command=echo this is why >&2; exit 99")
    out = tmp_path / "out"
    buildctl(*command, "--opt", "command=cat", "--output", f"type=local,dest={out}")
    assert (out / "out").read_text() == "given, on a terminal"
    process = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, *command, *failing],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    reason = "process '/bin/sh -c echo this is why >&2; exit 99' ended with exit code 99: "
    assert f"{reason}this is why" in process.stderr
    attrs = {"source": name, "command": "exit 98"}
    with Client(buildctl.address) as client, pytest.raises(SolveError) as caught:
        client.solve(frontend="gateway.v0", frontend_attrs=attrs)
    assert caught.value.exit_code == 98


PAGE = Path(__file__).parents[2] / "docs" / "containers.md"


@pytest.mark.feature("K5", "K19")
def test_the_examples_of_the_containers_page_run(run_with_tree: Callable[..., Any]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

    def use(gateway: Gateway, tree: Ref) -> int:
        # The modules import their public names when these are first used.
        names = {name: getattr(face, name) for face in (llb.gateway, llb) for name in face.__all__}
        names |= {"gateway": gateway, "tree": tree, "RemoteError": RemoteError}
        for block in blocks:
            exec(block, names)
        return len(blocks)

    assert run_with_tree(use) == 7
