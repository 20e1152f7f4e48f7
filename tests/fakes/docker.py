"""A fake ``docker`` command with one container, whose ``exec`` connects to a given daemon."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# It stores the state of one container; `docker exec` connects to the daemon.
PROGRAM = """\
#!{python}
import json, os, sys
from pathlib import Path

folder = Path({folder!r})
state = folder / "state"
arguments = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
name, *rest = arguments
if name == (folder / "failing").read_text():
    sys.exit("it  cannot\\nbe done")
if name == "ps":
    print(state.read_text() if state.exists() else "", end="")
elif name in ("run", "start"):
    state.write_text((folder / "next").read_text())
elif name == "stop":
    state.write_text("exited")
elif name == "rm":
    state.unlink()
elif name == "logs":
    print("no runc")
    print("giving up", file=sys.stderr)
elif name == "exec":
    if state.read_text() != "running":
        sys.exit("container is not running")
    os.execv(sys.executable, [sys.executable, "-m", "llb", "dial-stdio", "--addr", {address!r}])
"""


class FakeDocker:
    """The command on PATH; tests set which subcommand fails and what a started container becomes."""

    def __init__(self, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        program = folder / "docker"
        program.write_text(
            PROGRAM.format(python=sys.executable, folder=str(folder), address=address)
        )
        program.chmod(0o755)
        self.failing("nothing")
        self.becomes("running")
        monkeypatch.setenv("PATH", str(folder))

    def failing(self, command: str) -> None:
        """Make a subcommand fail from now on."""
        (self._folder / "failing").write_text(command)

    def becomes(self, state: str) -> None:
        """Set the state of a container after its start."""
        (self._folder / "next").write_text(state)

    @property
    def state(self) -> str | None:
        """The state of the container, or None if there is no container."""
        path = self._folder / "state"
        return path.read_text() if path.exists() else None

    @state.setter
    def state(self, state: str) -> None:
        (self._folder / "state").write_text(state)

    @property
    def calls(self) -> list[list[str]]:
        """The calls that change something, in order."""
        path = self._folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if call[0] not in ("ps", "exec", "logs")]
