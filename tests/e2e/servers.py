"""Private servers for tests: a Docker Engine and an sshd."""

from __future__ import annotations

import json
import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from tests.e2e.conftest import unmount_below
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPABILITY = "CAP_SYS_RESOURCE"
HOST_GATEWAY = "192.0.2.7"
"""The address of this machine in the containers of an engine, which has no bridge network."""
RUNTIME = """\
#!{python}
import json, os, sys

for option, value in zip(sys.argv, sys.argv[1:]):
    if option in ("--bundle", "--process"):
        path = os.path.join(value, "config.json") if option == "--bundle" else value
        with open(path) as file:
            content = json.load(file)
        for names in content.get("process", content)["capabilities"].values():
            names[:] = [name for name in names if name != "{lacking}"]
        with open(path, "w") as file:
            json.dump(content, file)
os.execvp("runc", ["runc", *sys.argv[1:]])
"""
USER = pwd.getpwuid(os.getuid()).pw_name


@frozen
class DockerEngine:
    """A Docker Engine: the folder of its programs, unless they are on PATH, and its image store."""

    programs: str | None = None
    has_containerd_store: bool = False

    @property
    def features(self) -> dict[str, bool]:
        """The features in the configuration of the daemon."""
        return {"containerd-snapshotter": self.has_containerd_store}


@frozen
class Sshd:
    """An sshd on the loopback, and the folder with an ``ssh`` that can log in."""

    port: int
    programs: Path

    @property
    def address(self) -> str:
        return f"ssh://{USER}@127.0.0.1:{self.port}"


@contextmanager
def running_sshd(folder: Path, programs: Path) -> Iterator[Sshd]:
    """Run an sshd whose sessions have a folder of programs on PATH, in addition to Debian's."""
    folder.mkdir()
    for key in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
        )
    port = free_port()
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/user.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "PermitRootLogin yes\n"
        f"SetEnv PATH={programs}:/usr/sbin:/usr/bin:/sbin:/bin\n"
    )
    (folder / "ssh_config").write_text(
        f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
    )
    (folder / "bin").mkdir()
    # No variable sets the configuration file of ssh, and ssh ignores HOME.
    write_program(folder / "bin" / "ssh", f'exec /usr/bin/ssh -F {folder}/ssh_config "$@"')
    # Debian's sshd needs this folder, which is missing if no service manager starts it.
    Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config"], stderr=log
        )
        try:
            wait_for(lambda: accepts(socket.AF_INET, ("127.0.0.1", port)), server)
            yield Sshd(port, folder / "bin")
        finally:
            server.terminate()
            server.wait(PATIENCE)


@contextmanager
def running_dockerd(
    folder: Path, registry: str, *arguments: str | Path, engine: DockerEngine | None = None
) -> Iterator[Path]:
    """Run a Docker Engine without a bridge network; yield the path of its socket.

    By default it is this machine's.
    """
    folder.mkdir()
    socket_path = folder / "docker.sock"
    engine = engine or DockerEngine()
    (folder / "daemon.json").write_text(json.dumps({"features": engine.features}))
    command = [
        *("dockerd", "--host", f"unix://{socket_path}", "--pidfile", folder / "pid"),
        *("--config-file", folder / "daemon.json"),
        *("--data-root", folder / "root", "--exec-root", folder / "exec"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
        f"--host-gateway-ip={HOST_GATEWAY}",
        *("--insecure-registry", registry, "--registry-mirror", f"http://{registry}"),
        *arguments,
    ]
    path = f"{engine.programs or ''}:{os.environ['PATH']}:/usr/sbin:/sbin".lstrip(":")
    command[0] = shutil.which("dockerd", path=path) or "dockerd"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PATH": path})
        try:
            wait_for(lambda: accepts(socket.AF_UNIX, str(socket_path)), server)
            yield socket_path
        finally:
            server.terminate()
            server.wait(PATIENCE)
            unmount_below(folder)


def write_runtime(path: Path) -> None:
    """Write a runc wrapper that drops a capability which root may lack on this machine."""
    path.write_text(RUNTIME.format(python=sys.executable, lacking=CAPABILITY))
    path.chmod(0o755)


def write_program(path: Path, script: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def free_port() -> int:
    """Find a port of the loopback on which nothing listens.

    The port is outside the range from which the kernel assigns ports to connections. A port in
    that range could be taken before a server listens, or while a test expects it to be free.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [*range(10_000, first), *range(last + 1, 1 << 16)]
    while True:
        # A test may have seeded the default generator.
        port: int = random.SystemRandom().choice(ports)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def accepts(family: int, address: str | tuple[str, int]) -> bool:
    """Check whether a server listens at an address."""
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def wait_for(condition: Callable[[], bool], server: subprocess.Popen[bytes]) -> None:
    """Wait until a server is up; raises AssertionError if it exits first."""

    def is_up() -> bool:
        assert server.poll() is None, f"{server.args!r} ended"
        return condition()

    wait_until(is_up)
