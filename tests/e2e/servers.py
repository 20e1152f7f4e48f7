"""Servers of a test's own: a Docker Engine, an sshd, and certificates for them."""

from __future__ import annotations

import os
import pwd
import random
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
class Sshd:
    """An sshd on the loopback, and the folder with an ``ssh`` that may log in."""

    port: int
    programs: Path

    @property
    def address(self) -> str:
        return f"ssh://{USER}@127.0.0.1:{self.port}"


@contextmanager
def running_sshd(folder: Path, programs: Path) -> Iterator[Sshd]:
    """Run an sshd whose sessions find the programs of a folder, and Debian's."""
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
    # There is no variable that names a configuration, and HOME does not move it.
    write_program(folder / "bin" / "ssh", f'exec /usr/bin/ssh -F {folder}/ssh_config "$@"')
    # Where no service manager starts it, nobody else makes this folder of Debian's sshd.
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
def running_dockerd(folder: Path, registry: str, *arguments: str | Path) -> Iterator[Path]:
    """Run a Docker Engine without a network of its own; give its socket."""
    folder.mkdir()
    sock = folder / "docker.sock"
    command = [
        *("dockerd", "--host", f"unix://{sock}", "--pidfile", folder / "pid"),
        *("--data-root", folder / "root", "--exec-root", folder / "exec"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
        *("--insecure-registry", registry, "--registry-mirror", f"http://{registry}"),
        *arguments,
    ]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PATH": path})
        try:
            wait_for(lambda: accepts(socket.AF_UNIX, str(sock)), server)
            yield sock
        finally:
            server.terminate()
            server.wait(PATIENCE)
            unmount_below(folder)


def write_runtime(path: Path) -> None:
    """Write a runc that leaves out a capability which a machine's root may not have to give."""
    path.write_text(RUNTIME.format(python=sys.executable, lacking=CAPABILITY))
    path.chmod(0o755)


def write_program(path: Path, script: str) -> None:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on.

    It is outside the range from which the kernel assigns ports to connections: any of those
    could be taken before a server listens, or while a test expects that nobody does.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [*range(10_000, first), *range(last + 1, 1 << 16)]
    while True:
        # Not from the generator that a test may have seeded.
        port: int = random.SystemRandom().choice(ports)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def accepts(family: int, address: str | tuple[str, int]) -> bool:
    """Return whether somebody listens."""
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def wait_for(done: Callable[[], bool], server: subprocess.Popen[bytes]) -> None:
    """Wait until a server is up; raises AssertionError when it ends before."""

    def is_up() -> bool:
        assert server.poll() is None, f"{server.args!r} ended"
        return done()

    wait_until(is_up)
