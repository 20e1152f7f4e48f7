"""The private daemon of an unprivileged user (rootless BuildKit)."""

from __future__ import annotations

import os
import pwd
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_daemon import registry_sections
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Buildctl

ROOT = Path(__file__).parents[2]
# The name is unique, because test runs may be concurrent, or leave users if interrupted.
USER = f"pyllb-{os.getpid()}"
PACKAGES = ("attr", "attrs", "click", "google", "h11", "hpack", "rich", "pygments", "markdown_it")
MODULES = ("mdurl", "typing_extensions.py")


class Rootless:
    """A user with copies of all programs, because other users may not be able to read root's."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.home = home
        self.programs = programs

    def llb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.home),
            "PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(self.home / "site"),
        }
        return subprocess.run(
            [
                *("setpriv", "--reuid", USER, "--regid", USER, "--init-groups"),
                *(self.python(), "-m", "llb", *arguments),
            ],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    @staticmethod
    def python() -> str:
        """Find an interpreter of this version that every user may run."""
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        path = shutil.which(name, path="/usr/local/bin:/usr/bin")
        assert path is not None, f"{name} is not where users look for it"
        return path


@pytest.fixture
def rootless(stack: dict[str, str], buildctl: Buildctl) -> Iterator[Rootless]:
    subprocess.run(["useradd", "--create-home", USER], check=True, capture_output=True)
    home = Path(pwd.getpwnam(USER).pw_dir)
    installed = Path(site.getsitepackages()[0])
    for name in PACKAGES:
        shutil.copytree(installed / name, home / "site" / name)
    for name in MODULES:
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, home / "site" / name)
        elif source.exists():
            shutil.copy(source, home / "site" / name)
    (info,) = installed.glob("pyllb-*.dist-info")
    shutil.copytree(info, home / "site" / info.name)
    shutil.copytree(ROOT / "llb", home / "site" / "llb")
    shutil.copytree(buildctl.program.parent, home / "bin")
    config = Path(stack["PYLLB_STATE"]) / "run" / "buildkitd.toml"
    state_folder = home / ".cache" / "pyllb" / "buildkitd"
    state_folder.mkdir(parents=True)
    mirrors = registry_sections(config.read_text().splitlines())
    (state_folder / "buildkitd.toml").write_text("\n".join(mirrors))
    subprocess.run(["chown", "-R", f"{USER}:{USER}", home], check=True)
    user = Rootless(home, home / "bin")
    yield user
    user.llb("daemon", "stop")
    subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


@pytest.mark.feature("J9")
def test_an_unprivileged_user_builds_with_a_private_daemon(rootless: Rootless) -> None:
    (rootless.home / "build.py").write_text(
        "from llb import Image, main\nmain(Image('busybox').run('id -u > /id'))\n"
    )
    process = rootless.llb("build", "build.py", "-o", "out")
    assert process.returncode == 0, process.stderr
    assert (rootless.home / "out" / "id").read_text() == "0\n"
    assert (rootless.home / "out" / "id").stat().st_uid == pwd.getpwnam(USER).pw_uid
    assert os.geteuid() == 0
    assert "running, process" in rootless.llb("daemon", "status").stdout
    assert rootless.llb("daemon", "stop").stdout == "stopped\n"
