"""A development container: tools, and a user with the ids of yours, who may use sudo."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import apt

TOOLS = ("build-essential", "ca-certificates", "curl", "git", "less", "ripgrep", "sudo", "zsh")


@target
def image(build: Build, user: str = "dev", uid: int = 1000, gid: int = 1000) -> State:
    """Build the image."""
    return (
        build.image("python:3.13-slim")
        .pipe(apt.install, *TOOLS)
        .copy(build.image("ghcr.io/astral-sh/uv:0.9"), "/usr/local/bin/", src="/uv")
        .run(f"groupadd --gid {gid} {user} && useradd --uid {uid} --gid {gid} -ms /bin/zsh {user}")
        .mkdir("/etc/sudoers.d", mode=0o750, parents=True)
        .mkfile(f"/etc/sudoers.d/{user}", f"{user} ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
        .mkdir("/work", owner=f"{uid}:{gid}")
        .copy(build.context(), f"/home/{user}/", include=[".zshrc"], owner=f"{uid}:{gid}")
        .user(user)
        .workdir("/work")
        .env("SHELL", "/bin/zsh")
        .cmd(["zsh"])
    )
