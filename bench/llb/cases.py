"""The graphs that are measured, as program/main.go and program/real.go have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Image, Local, Scratch, State, bind, cache, merge, shlex

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.state.settings import MountValue

BASE = "docker.io/library/alpine:latest"


def chain(size: int) -> State:
    """Return runs after each other, each with a variable of its own."""
    state = Image(BASE)
    for number in range(size):
        state = state.run(["make", str(number)], env={"STEP": str(number)})
    return state


def reassigned(size: int) -> State:
    """Return runs after each other, before each of which one variable of the state changes."""
    state = Image(BASE)
    for number in range(size):
        state = state.env("STEP", str(number)).run(["make", str(number)])
    return state


def growing(size: int) -> State:
    """Return runs after each other, before each of which the state gets one variable more."""
    state = Image(BASE)
    for number in range(size):
        state = state.env(f"STEP_{number}", "1").run(["make", str(number)])
    return state


def merged(size: int) -> State:
    """Return runs side by side on one image, and their results merged."""
    base = Image(BASE)
    return merge([base.run(["make", str(number)]) for number in range(size)])


def real(size: int) -> State:
    """Return a build as projects have it, made anew ``size`` times."""
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
