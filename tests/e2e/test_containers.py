"""Containers of frontends: processes at will, on the daemon, in trees and mounts."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

import llb
import llb.gateway
from llb import Image, Local, Scratch, bind, cache, secret, ssh, tmpfs
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
    bind_ref,
    failed_step,
    is_not_found,
)
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay


# A process that ends when its input does, and so waits while that is open.
WAITING = ["cat"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENDLESS = "echo here; exec tail -f /dev/null"


@pytest.mark.feature("K5")
def test_a_process_runs_and_says_what_it_wrote(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> Completed:
        with gateway.new_container(tree) as container:
            return container.run(["sh", "-c", "echo out; echo err >&2"])

    command = ("sh", "-c", "echo out; echo err >&2")
    assert frontend_in(use) == Completed(command, 0, b"out\n", b"err\n")


@pytest.mark.feature("K5")
def test_processes_share_a_tree_that_is_gone_afterwards(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> tuple[bytes, int]:
        with gateway.new_container(tree, init=WAITING) as container:
            container.run("echo written > /file")
            text = container.run(["cat", "/file"]).stdout
        with gateway.new_container(tree) as container:
            return text, container.run("test -e /file", check=False).exit_code

    assert frontend_in(use) == (b"written\n", 1)


@pytest.mark.feature("K5")
def test_a_process_that_fails_is_an_error_with_its_last_lines(
    frontend_in: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            container.run("echo out; echo one >&2; echo two >&2; exit 99")

    with pytest.raises(ProcessError) as caught:
        frontend_in(use)
    error = caught.value
    command = "/bin/sh -c echo out; echo one >&2; echo two >&2; exit 99"
    assert render(error) == (
        f"error: process '{command}' ended with exit code 99: two\n  | one\n  | two"
    )
    assert (error.exit_code, error.stdout, error.stderr) == (99, b"out\n", b"one\ntwo\n")
    assert error.command == ("/bin/sh", "-c", command.removeprefix("/bin/sh -c "))


@pytest.mark.feature("K5")
def test_the_caller_of_a_build_is_told_the_exit_code(buildkit_host: str) -> None:
    def build(_: Request, gateway: Gateway) -> Result:
        tree = gateway.solve(Image("busybox").marshal())
        with gateway.new_container(tree) as container:
            container.run("exit 99")
        return Result(tree)

    with Client(buildkit_host) as client, pytest.raises(ProcessError, match=r"99$") as caught:
        client.build(build)
    assert caught.value.exit_code == 99


@pytest.mark.feature("K5")
def test_an_exit_code_is_a_value_where_it_is_not_checked(frontend_in: Callable[..., Any]) -> None:
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

    assert frontend_in(use) == [3, 255, 7]


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
        ({"command": ["id"], "stdin": "pipe"}, InvalidValueError, "run() cannot write to it"),
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
def test_what_cannot_be_run_says_so(
    frontend_in: Callable[..., Any], options: dict[str, Any], error: type[Exception], reason: str
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree, init=WAITING) as container:
            container.run(options.pop("command"), **options)

    begun = time.monotonic()
    with pytest.raises(error, match=reason):
        frontend_in(use)
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.feature("K5")
def test_how_a_process_is_run(frontend_in: Callable[..., Any]) -> None:
    script = 'echo "$USER_GIVEN:$PATH:$HOME"; pwd; id -un; hostname; grep other.host /etc/hosts'

    def use(gateway: Gateway, tree: Ref) -> list[str]:
        with gateway.new_container(
            tree, hostname="builder", extra_hosts={"other.host": "169.254.11.22"}
        ) as container:
            done = container.run(script, env={"USER_GIVEN": "yes"}, workdir="/tmp", user="daemon")
            return done.stdout.decode().splitlines()

    assert frontend_in(use) == [
        f"yes:{PATH}:/usr/sbin",
        "/tmp",
        "daemon",
        "builder",
        "169.254.11.22\tother.host",
    ]


@pytest.mark.feature("K5")
def test_the_platform_says_which_path_programs_are_looked_for_in(
    frontend_in: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        found = []
        for platform in (None, "linux/arm64", "windows/amd64"):
            with gateway.new_container(tree, platform=platform) as container:
                found.append(container.run(["/bin/sh", "-c", "echo -n $PATH"]).stdout)
        return found

    linux, other, windows = frontend_in(use)
    assert (linux, other) == (PATH.encode(), PATH.encode())
    assert windows.startswith(rb"c:\Windows\System32;c:\Windows")


@pytest.mark.feature("K5")
def test_networks_and_privileges_are_what_the_client_allows(
    frontend_in: Callable[..., Any],
) -> None:
    def links(gateway: Gateway, tree: Ref, network: str) -> list[str]:
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

    assert frontend_in(use) == ["lo"]
    host = frontend_in(lambda gateway, tree: links(gateway, tree, "host"), allow=["network.host"])
    assert "lo" in host


@pytest.mark.feature("K5")
def test_what_the_client_allows_runs_with_all_capabilities(frontend_in: Callable[..., Any]) -> None:
    def capabilities(gateway: Gateway, tree: Ref) -> list[int]:
        found = []
        for security in ("sandbox", "insecure"):
            with gateway.new_container(tree, init=WAITING, security=security) as container:
                text = container.run("grep CapEff /proc/self/status").stdout
                found.append(int(text.split()[1], 16))
        return found

    plain, all_of_them = frontend_in(capabilities, allow=["security.insecure"])
    assert all_of_them & plain == plain
    assert all_of_them != plain


@pytest.mark.feature("K5")
def test_secrets_are_variables_of_the_process_that_is_given_them(
    frontend_in: Callable[..., Any],
) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            given = [secret("token", env="TOKEN"), secret("none", env="NONE", optional=True)]
            command = 'echo "$TOKEN,${NONE-unset}"'
            with_it = container.run(command, secrets=given).stdout
            return [with_it, container.run('echo "${TOKEN-unset}"').stdout]

    assert frontend_in(use, secrets={"token": b"of the client"}) == [
        b"of the client,\n",
        b"unset\n",
    ]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """The socket of an ssh-agent without keys."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # It prints its address when it listens.
        assert process.stdout.readline()
        yield path
        process.terminate()


@pytest.mark.feature("K5")
def test_mounts_of_all_kinds(frontend_in: Callable[..., Any], agent: Path, tmp_path: Path) -> None:
    name = f"containers-{tmp_path.name}-{os.getpid()}"
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "local-file").write_text("of the client")
    sources = Scratch().mkdir("/src").mkfile("/src/a", "in a part").mkfile("/b", "whole")
    reading = Image("busybox").run("cp /cached/kept /seen", mounts=[cache("/cached", id=name)])

    def use(gateway: Gateway, tree: Ref) -> dict[str, object]:
        parts = gateway.solve(sources.marshal())
        files = gateway.solve(Local("context").marshal())
        mounts: list[Any] = [
            bind_ref(parts, "/whole"),
            bind_ref(parts, "/part/", path="/src", readonly=True),
            bind_ref(parts, "/one", path="/b"),
            bind_ref(files, "/local"),
            bind_ref(Ref(""), "/empty"),
            cache("/cached", id=name),
            tmpfs("/memory"),
            secret("token", uid=1, mode=0o440),
            secret("missing", optional=True),
            ssh(),
        ]
        script = (
            "cat /whole/b /part/a /one /local/local-file /run/secrets/token; ls /empty; "
            "stat -c %u:%a /run/secrets/token; echo kept > /cached/kept; "
            "touch /memory/x && grep -c ' /memory tmpfs ' /proc/mounts; test -S $SSH_AUTH_SOCK; "
            "echo changed > /whole/b; touch /part/x 2>&1; test ! -e /run/secrets/missing"
        )
        with gateway.new_container(tree, mounts=mounts) as container:
            out = container.run(script).stdout.decode()
            read = [container.read_file(each) for each in ("/whole/b", "/part/a", "/one")]
            listed = [each.path for each in container.read_dir("/part/")]
            kept = container.read_file("/cached/kept")
        with gateway.new_container(tree, mounts=mounts) as container:
            anew = container.run("cat /whole/b /cached/kept").stdout
        seen = gateway.read_file(gateway.solve(reading.marshal()), "/seen")
        return {
            "out": out,
            "read": read,
            "listed": listed,
            "kept": kept,
            "anew": anew,
            "seen": seen,
        }

    assert frontend_in(
        use,
        local_dirs={"context": tmp_path / "context"},
        secrets={"token": b"hidden\n"},
        ssh=[f"default={agent}"],
    ) == {
        "out": "wholein a partwholeof the clienthidden\n1:440\n1\n"
        "touch: /part/x: Read-only file system\n",
        "read": [b"changed\n", b"in a part", b"whole"],
        "listed": ["a"],
        "kept": b"kept\n",
        "anew": b"wholekept\n",
        "seen": b"kept\n",
    }


@pytest.mark.feature("K5")
@pytest.mark.parametrize(
    ("mounts", "error", "reason"),
    [
        ([secret("missing")], RemoteError, "secret missing: not found"),
        ([ssh()], RemoteError, "unset ssh forward key default"),
        ([bind_ref(Ref("none"), "/x")], RemoteError, 'failed to find ref none for "/x" mount'),
        ([tmpfs("/x", size=4096)], InvalidValueError, "a tmpfs of a container has no limit"),
        ([tmpfs("/x"), cache("/x/")], InvalidValueError, "a container has two mounts at /x"),
        (
            [bind(Image("busybox").run("true"), "/x")],
            InvalidValueError,
            "the tree mounted at /x is not solved",
        ),
        (
            [secret("token", env="TOKEN")],
            InvalidValueError,
            "invalid secret TOKEN of a container: only processes have variables",
        ),
    ],
)
def test_what_cannot_be_mounted_says_so(
    frontend_in: Callable[..., Any], mounts: list[Any], error: type[LLBError], reason: str
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        gateway.new_container(tree, mounts=mounts)

    with pytest.raises(error, match=reason):
        frontend_in(use)


@pytest.mark.feature("K5")
@pytest.mark.parametrize("target", ["/", "x", ""])
def test_trees_are_mounted_at_absolute_paths_below_the_root(target: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid mount target"):
        bind_ref(Ref(""), target)


@pytest.mark.feature("K5")
def test_files_of_a_container_are_read(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> dict[str, object]:
        found: dict[str, object] = {}
        with gateway.new_container(tree, mounts=[tmpfs("/memory")]) as container:
            container.run("mkdir /d; echo text > /d/text; chmod 741 /d/text; ln -s text /d/link")
            found["text"] = container.read_file("/d/../d/text")
            text = container.stat_file("/d/link")
            found["stat"] = (text.path, stat.filemode(text.mode), text.size)
            entries = container.read_dir("/d")
            found["names"] = [(each.path, each.target) for each in entries]
            for read in (container.read_file, container.stat_file, container.read_dir):
                with pytest.raises(RemoteError) as caught:
                    read("/none")
                assert is_not_found(caught.value)
            with pytest.raises(InvalidValueError, match="invalid path 'd/text'"):
                container.read_file("d/text")
        return found

    assert frontend_in(use) == {
        "text": b"text\n",
        "stat": ("link", "-rwxr----x", 5),
        "names": [("link", "text"), ("text", "")],
    }


def running(container: Container, command: str = ENDLESS, **options: Any) -> Process:
    """Start a process that prints "here", and return it when it has.

    A daemon reports the start of a process before the process runs.
    """
    process = container.start(command, **options)
    assert process.stdout is not None
    assert process.stdout.readline().rstrip() == b"here"
    return process


@pytest.mark.feature("K5")
def test_the_release_ends_what_runs(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> float:
        container = gateway.new_container(tree)
        processes = [
            running(container),
            running(container),
            running(container, "echo here; exec cat", stdin="pipe"),
            running(container, "echo here; exec sh", stdin="pipe", tty=True),
            # More than anyone keeps, and nobody reads it.
            running(container, "echo here; exec yes"),
        ]
        begun = time.monotonic()
        container.release()
        container.release()
        for process in processes:
            with pytest.raises(CancelledError, match="was stopped with its container"):
                process.wait(PATIENCE)
            assert process.exit_code is None
        with pytest.raises(InvalidValueError, match="the container was released"):
            container.start(["true"])
        return time.monotonic() - begun

    assert frontend_in(use) < PATIENCE


@pytest.mark.feature("K5")
def test_an_exception_releases_the_container(frontend_in: Callable[..., Any]) -> None:
    kept: list[Process] = []

    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            kept.append(running(container))
            raise ZeroDivisionError("of mine")

    with pytest.raises(ZeroDivisionError, match="of mine"):
        frontend_in(use)
    with pytest.raises(CancelledError, match="was stopped with its container"):
        kept[0].wait(PATIENCE)


@pytest.mark.feature("K5")
def test_a_container_ends_with_its_first_process(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> tuple[int, int]:
        with gateway.new_container(tree) as container:
            first = container.start(["cat"], stdin="pipe")
            other = running(container)
            assert first.stdin is not None
            first.stdin.close()
            codes = first.wait(PATIENCE), other.wait(PATIENCE)
            assert container.read_file("/etc/passwd").startswith(b"root:")
            with pytest.raises(InvalidValueError, match="the container has ended") as caught:
                container.run("true")
            assert caught.value.message.endswith("process 'cat' ended with exit code 0")
            return codes

    assert frontend_in(use) == (0, 137)


@pytest.mark.feature("K5")
def test_a_container_ends_with_a_process_that_fails(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> int:
        with gateway.new_container(tree, init=WAITING) as container:
            other = running(container)
            assert container.run("exit 3", check=False).exit_code == 3
            with pytest.raises(InvalidValueError, match=r"the container has ended: .* code 3$"):
                container.run("true")
            return other.wait(PATIENCE)

    assert frontend_in(use) == 137


@pytest.mark.feature("K5")
def test_several_containers_at_once(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        all_run = Barrier(5)

        def one(number: int) -> bytes:
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
            return list(pool.map(one, range(5)))

    assert frontend_in(use) == [f"host{number}\n".encode() for number in range(5)]


@pytest.mark.feature("K5")
def test_a_connection_that_breaks_ends_what_waits(
    frontend_in: Callable[..., Any], relay: Relay
) -> None:
    waited: list[float] = []
    reasons: list[str] = []

    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            process = running(container, stdin="pipe")
            assert process.stdout is not None
            begun = time.monotonic()
            relay.cut_newest()
            with pytest.raises(TransportError) as caught:
                process.wait()
            reasons.append(caught.value.message)
            with pytest.raises(TransportError):
                process.stdout.read()
            assert process.exit_code is None
            waited.append(time.monotonic() - begun)

    with pytest.raises(LLBError):
        frontend_in(use, address=relay.address)
    assert len(reasons) == 1
    assert waited[0] < PATIENCE


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
    serving: Callable[[str], str], buildctl: Buildctl, tmp_path: Path
) -> None:
    name = serving(PROGRAM)
    asked = ("build", "--frontend", "gateway.v0", "--opt", f"source={name}")
    failing = ("--opt", "command=echo this is why >&2; exit 99")
    out = tmp_path / "out"
    buildctl(*asked, "--opt", "command=cat", "--output", f"type=local,dest={out}")
    assert (out / "out").read_text() == "given, on a terminal"
    done = subprocess.run(
        [buildctl.program, "--addr", buildctl.address, *asked, *failing],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    reason = "process '/bin/sh -c echo this is why >&2; exit 99' ended with exit code 99: "
    assert f"{reason}this is why" in done.stderr
    attrs = {"source": name, "command": "exit 98"}
    with Client(buildctl.address) as client, pytest.raises(SolveError) as caught:
        client.solve(frontend="gateway.v0", frontend_attrs=attrs)
    assert caught.value.exit_code == 98


PAGE = Path(__file__).parents[2] / "docs" / "containers.md"


@pytest.mark.feature("K5", "K19")
def test_what_the_page_about_containers_shows_is_so(frontend_in: Callable[..., Any]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

    def use(gateway: Gateway, tree: Ref) -> int:
        names = {**vars(llb), **vars(llb.gateway), "bind": bind, "failed_step": failed_step}
        names |= {"gateway": gateway, "tree": tree, "RemoteError": RemoteError}
        for block in blocks:
            exec(block, names)
        return len(blocks)

    assert frontend_in(use) == 6
