"""The graphs to measure, the same as in program/main.go and program/real.go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Image, Local, Scratch, State, bind, cache, merge, shlex

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.state.settings import MountValue

BASE = "docker.io/library/alpine:latest"


def chain(size: int) -> State:
    """Build a chain of runs, each with its own environment variable."""
    state = Image(BASE)
    for number in range(size):
        state = state.run(["make", str(number)], env={"STEP": str(number)})
    return state


def reassigned(size: int) -> State:
    """Build a chain of runs; before each, the same variable of the state changes."""
    state = Image(BASE)
    for number in range(size):
        state = state.env("STEP", str(number)).run(["make", str(number)])
    return state


def growing(size: int) -> State:
    """Build a chain of runs; before each, the state gets one more variable."""
    state = Image(BASE)
    for number in range(size):
        state = state.env(f"STEP_{number}", "1").run(["make", str(number)])
    return state


def merged(size: int) -> State:
    """Build parallel runs on one image, and merge their results."""
    base = Image(BASE)
    return merge([base.run(["make", str(number)]) for number in range(size)])


def real(size: int) -> State:
    """Build a realistic project ``size`` times."""
    for _ in range(size - 1):
        _release()
    return _release()


def _release() -> State:
    source = Local("context", session_id="session", exclude=[".git", "**/*.md"])
    tools = (
        Image("docker.io/library/golang:1.26")
        .env("CGO_ENABLED", "0")
        .run(shlex("apt-get update"))
        .run(shlex("apt-get install -y make git"))
    )
    modules = (
        tools.workdir("/src")
        .copy(source, "/src/", src="/go.mod", contents_only=False, wildcard=False)
        .copy(source, "/src/", src="/go.sum", contents_only=False, wildcard=False)
        .run(shlex("go mod download"), mounts=[cache("/go/pkg/mod", id="modules")])
    )
    base = Image(BASE).run(shlex("apk add ca-certificates"), name="install certificates")
    services = [_service(f"service-{number}", modules, source) for number in range(12)]
    return (
        merge([base, *services])
        .mkdir("/var/lib/app", parents=True)
        .mkfile("/etc/app.conf", "mode = production\n")
    )


def _service(name: str, modules: State, source: State) -> State:
    mounts: list[MountValue] = [
        cache("/root/.cache/go-build", id="build"),
        bind(source, "/src", readonly=True),
    ]
    built = (
        modules.env("SERVICE", name)
        .run(
            ["go", "build", "-o", f"/out/{name}", f"./cmd/{name}"],
            mounts=[cache("/go/pkg/mod", id="modules"), *mounts, bind(Scratch(), "/out")],
        )
        .mounted("/out")
    )
    tested = modules.run(
        ["go", "test", f"./cmd/{name}"], mounts=[*mounts, bind(Scratch(), "/report")]
    ).mounted("/report")
    return (
        Scratch()
        .copy(built, f"/usr/bin/{name}", src=f"/{name}", contents_only=False, wildcard=False)
        .copy(tested, f"/reports/{name}/", wildcard=False)
    )


CASES: dict[str, Callable[[int], State]] = {
    "chain": chain,
    "reassigned": reassigned,
    "growing": growing,
    "merged": merged,
    "real": real,
}
