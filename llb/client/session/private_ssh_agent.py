"""Start a temporary ssh agent for the key files of a build."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from llb.child_processes import environment
from llb.client.session.ssh_agent_spec import VARIABLE
from llb.errors import InputError
from llb.local_files import paths

if TYPE_CHECKING:
    from contextlib import ExitStack

    from llb.client.session.ssh_agent_spec import AgentSpec

_ADD_SECONDS = 20.0
# Ends an agent when standard input ends, which it does with this process, even if that is killed.
_GUARD = """
"$1" -D -a "$2" &
exec >/dev/null
read -r _
kill $!
wait
rmdir "$3"
"""


def private_agent(stack: ExitStack, spec: AgentSpec) -> Path:
    """Start an agent with only the given keys, stopped when the stack closes; return its socket.

    Raises InputError for unusable keys.
    """
    for key in spec.keys:
        if not paths.is_file(key):
            raise InputError(f"ssh {spec.id}: key {key} does not exist")
    agent, add = shutil.which("ssh-agent"), shutil.which("ssh-add")
    if agent is None or add is None:
        raise InputError(
            f"ssh {spec.id}: keys need ssh-agent and ssh-add, which are not on PATH",
            hint="install OpenSSH's client, or name the socket of a running agent",
        )
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="llb-ssh-"))
    socket = Path(folder) / "agent"
    _start_guarded(stack, agent, socket)
    result = subprocess.run(
        [add, *spec.keys],
        env=environment({VARIABLE: str(socket), "SSH_ASKPASS_REQUIRE": "never"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_ADD_SECONDS,
        start_new_session=True,
    )
    if result.returncode:
        message = " ".join(result.stderr.split())
        raise InputError(
            f"ssh {spec.id}: cannot use {', '.join(map(str, spec.keys))}: {message}",
            hint="add a key with a passphrase to your own agent",
        )
    return socket


def _start_guarded(stack: ExitStack, agent: str, socket: Path) -> None:
    """Start an agent that ends with the stack, or with this process."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", agent, socket, socket.parent],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Otherwise Ctrl-C would end the agent before the build.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stack.enter_context(process.stdout)
    stack.callback(process.wait)
    stack.callback(process.stdin.close)
    # The agent prints its socket once it listens.
    process.stdout.readline()
