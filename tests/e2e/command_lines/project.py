"""The working directory of the lines: a git checkout with Dockerfiles, archives and keys."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.command_lines.page import PAGE
from tests.e2e.git_server import serving_git
from tests.e2e.test_attestations import SCANNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EPOCH = 1700000000
_REMOTE = "https://me:secret@example.com/me/app.git"
_STEP = "FROM busybox AS step\n{}\nFROM scratch\nCOPY --from=step /found /\n"
_FILES = {
    "README.md": "an app\n",
    "docs/guide.md": "a guide\n",
    "docs/Dockerfile": "FROM scratch\nCOPY guide.md /\n",
    "web/Dockerfile": "FROM scratch\nCOPY . /web\n",
    "web/README.md": "a site\n",
    "web/index.html": "hello\n",
    "lower/dockerfile": "FROM scratch\nCOPY . /lower\n",
    "ci/release.Dockerfile": "FROM scratch\nCOPY *.md /\n",
    "plain.Dockerfile": "FROM scratch\nCOPY <<end /found\nplain\nend\n",
    "git.Dockerfile": "FROM scratch\nCOPY .git/HEAD /\n",
    "named.Dockerfile": "FROM scratch AS files\nCOPY <<end /README.md\nfiles\nend\n"
    "FROM scratch\nCOPY --from=docs . /docs\n",
    "two.Dockerfile": "FROM scratch\nCOPY --from=docs . /docs\nCOPY --from=more . /more\n",
    "proxy.Dockerfile": _STEP.format('RUN echo "$HTTP_PROXY" > /found'),
    "secret.Dockerfile": _STEP.format(
        "RUN --mount=type=secret,id=token cat /run/secrets/token > /found || echo none > /found"
    ),
    "ssh.Dockerfile": _STEP.format("RUN --mount=type=ssh,required test -S $SSH_AUTH_SOCK; echo $? > /found"),
    "hosts.Dockerfile": _STEP.format("RUN grep example /etc/hosts > /found"),
    "network.Dockerfile": _STEP.format("RUN ls /sys/class/net | grep -c . > /found"),
    "host-network.Dockerfile": _STEP.format("RUN --network=host ls /sys/class/net > /found"),
    "insecure.Dockerfile": _STEP.format("RUN --security=insecure id -u > /found"),
    "shm.Dockerfile": _STEP.format("RUN df -k /dev/shm | tail -n 1 > /found"),
    "ulimit.Dockerfile": _STEP.format("RUN ulimit -S -n > /found; ulimit -H -n >> /found"),
    "memory.Dockerfile": _STEP.format("RUN cat /sys/fs/cgroup/*max > /found || echo none > /found"),
    "warning.Dockerfile": "from scratch\nCOPY README.md /\nENV a b\n",
    "mistake.Dockerfile": "FROM scratch\nCOPPY README.md /\n",
    "failing.Dockerfile": "FROM busybox\nRUN echo failing; exit 7\n",
    "token.txt": "t0ken",
    ".dockerignore": ".git\n*.tar*\nbase\nid_*\n",
}  # fmt: skip


def dockerfile() -> str:
    """Read the Dockerfile that the page shows."""
    match = re.search(r"```dockerfile\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def make_project(folder: Path) -> None:
    """Create the files, commit them, and add archives and keys."""
    for name, text in {"Dockerfile": dockerfile(), **_FILES}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in folder.rglob("*"):
        os.utime(path, (EPOCH, EPOCH))
    make_repository(folder)
    for name, mode in (("context.tar", "w"), ("context.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as archive:  # type: ignore[call-overload]
            for file in ("Dockerfile", *_FILES):
                archive.add(folder / file, file)
    for name in ("id_ed25519", "id_second"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)


def make_repository(folder: Path) -> None:
    """Commit all files, tag the commit, and add the repository that they come from."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    dates = {f"GIT_{who}_DATE": f"{EPOCH} +0000" for who in ("AUTHOR", "COMMITTER")}
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        (*identity, "commit", "-q", "-m", "first"),
        ("tag", "v1"),
        ("remote", "add", "origin", _REMOTE),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True, env=os.environ | dates)


@contextmanager
def serving_project(project: Path, folder: Path) -> Iterator[str]:
    """Serve the repository of the project and some of its files; yield the URL of the server."""
    clone = ["git", "clone", "-q", "--bare", str(project), str(folder / "app.git")]
    subprocess.run(clone, check=True)
    for name in ("context.tar.gz", "plain.Dockerfile"):
        shutil.copy(project / name, folder / name)
    (folder / "Dockerfile").write_text(_FILES["plain.Dockerfile"])
    with serving_git(folder) as url:
        yield url


def provide_images(folder: Path, registry: str, buildx: Callable[..., object]) -> None:
    """Push the images that the lines use, and write one as an OCI layout into the project."""
    base = "FROM scratch\nCOPY guide.md /\nCOPY guide.md /base\n"
    scanner = "FROM busybox\nCOPY <<'end' /scan\n" + SCANNER + "end\n"
    scanner += 'RUN chmod +x /scan\nENTRYPOINT ["/scan"]\n'
    plain = "--provenance=false"
    buildx(
        "build", plain, "-t", f"{registry}/base", "--push", "-f-", "docs", cwd=folder, stdin=base
    )
    buildx("build", plain, "-o", "type=oci,tar=false,name=base,dest=base", "-f-", "docs",
           cwd=folder, stdin=base)  # fmt: skip
    buildx("build", plain, "-t", f"{registry}/scanner", "--push", "-", cwd=folder, stdin=scanner)
