"""Base images are inherited when they are resolved, as if they had been resolved from the start."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve, frozen

from llb import (
    BaseImageWarning,
    Image,
    ImageConfig,
    Local,
    Scratch,
    State,
    bind,
    cache,
    copy,
    diff,
    merge,
    mkdir,
    mkfile,
    passthrough,
    rebase,
    resolve_images,
    rm,
    secret,
    symlink,
)
from llb.buildfile.bases import from_image
from llb.errors import InvalidValueError, RemoteError
from llb.platforms import Platform
from llb.sources.base_images import BaseImage, needed_images
from llb.state.image_config import Healthcheck
from llb.testing import FakeImage, FakeImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb import Definition, ResolvedImage

AMD64 = "linux/amd64"
GO = FakeImage(
    ImageConfig(cmd=("bash",), labels=(("maintainer", "go"),)),
    env=(("PATH", "/go/bin:/usr/local/go/bin:/usr/bin:/bin"), ("GOPATH", "/go")),
    workdir="/go",
)
NGINX = FakeImage(
    ImageConfig(
        author="n",
        user="nginx",
        exposed_ports=("80/tcp",),
        entrypoint=("/entry.sh",),
        cmd=("nginx", "-g", "daemon off;"),
        volumes=("/cache",),
        labels=(("maintainer", "nginx"), ("v", "1")),
        stop_signal="SIGQUIT",
        healthcheck=Healthcheck(("CMD", "true"), retries=3),
        shell=("/bin/bash", "-ec"),
    ),
    workdir="/srv/",
)
IMAGES = {"golang": GO, "nginx": NGINX, "*": FakeImage(workdir="/other")}


@pytest.fixture
def images() -> FakeImages:
    return FakeImages(IMAGES)


def marshal(state: State) -> Definition:
    return state.marshal(platform=AMD64, local_unique_id="u", source_map=False)


def eager(ref: str) -> State:
    """Resolve an image when it is named, as build files do."""
    state = Image(ref, resolver=FakeImages(IMAGES), resolve_digest=True, platform=AMD64)
    return from_image(state, Platform("linux", "amd64"))


def late(ref: str) -> State:
    """Name an image that is resolved later."""
    return Image(ref, platform=AMD64)


PROGRAMS: dict[str, Callable[[Callable[[str], State]], State]] = {
    "nothing": lambda image: image("nginx"),
    "a command": lambda image: image("golang").run("go build"),
    "arguments": lambda image: image("golang").run(["go", "build"], user="me", workdir="src"),
    "variables": lambda image: (
        image("golang")
        .env("A", "1")
        .run("a")
        .env("GOPATH", "/mine")
        .run("b", env={"B": "2", "PATH": "/p"})
        .env("GOPATH", None)
        .env("A", "3")
        .run("c", env={str(n): str(n) for n in range(9)})
    ),
    "directories": lambda image: (
        image("nginx").run("a").workdir("x/../y").run("b").workdir("../../..").run("c")
    ),
    "an absolute directory": lambda image: image("nginx").workdir("/w").workdir("v").run("a"),
    "files": lambda image: (
        image("nginx")
        .workdir("sub")
        .file(
            mkdir("d"), mkfile("d/f", "x"), mkfile("/abs", "x"), rm("gone"), symlink("rel", "link")
        )
        .copy(Local("context"), ".")
        .copy(Local("context"), "dir/")
        .copy(image("golang"), "/bin/", src="src/*.go")
    ),
    "a file action of its own": lambda image: image("nginx").file(
        copy(image("golang").workdir("x"), "y", src="../z")
    ),
    "a shell of the image": lambda image: image("nginx").run("a").entrypoint("e").cmd("c"),
    "a shell of the state": lambda image: image("nginx").shell(["/sh"]).run("a").entrypoint("e"),
    "mounts": lambda image: (
        image("golang")
        .mount(bind(image("nginx").run("serve"), "/m"), secret("s"))
        .run("a", mounts=[cache("/c", source=image("nginx").run("c"))])
        .run("b")
    ),
    "a mounted tree": lambda image: (
        image("golang").run("a", mounts=[bind(Scratch(), "/out")]).mounted("/out").run(["b"])
    ),
    "merge": lambda image: merge([image("golang").run("a"), image("nginx").run("b")]).run("c"),
    "diff": lambda image: diff(image("golang"), image("golang").run("a")),
    "rebase": lambda image: rebase(
        image("nginx").run("a"), onto=image("golang").run("o"), base=image("nginx")
    ).run("b"),
    "passthrough": lambda image: passthrough(
        "p", [image("nginx").run("a"), image("golang").run("b")]
    )[0],
    "required": lambda image: image("nginx").requires("r", image("golang").run("t")),
    "a read-only process": lambda image: image("golang").run("a", readonly_root=True).run("b"),
    "a definition in a file": lambda image: image("golang").run("a").build("x"),
    "another tree": lambda image: image("golang").with_output(image("nginx").run("a")).run("b"),
    "the config": lambda image: (
        image("nginx")
        .author("me")
        .label("v", "2")
        .label("w", "3")
        .expose(8080)
        .expose(80)
        .volume("/data")
        .stop_signal("SIGTERM")
        .healthcheck(None)
        .user("app")
    ),
    "onbuild": lambda image: image("nginx").onbuild("RUN y"),
    "an entrypoint": lambda image: image("nginx").entrypoint(["/mine"]),
    "an entrypoint after a command": lambda image: image("nginx").cmd(["x"]).entrypoint(["/mine"]),
    "a command without an entrypoint": lambda image: image("nginx").entrypoint(None).cmd(["x"]),
    "no command": lambda image: image("nginx").cmd(None),
    "a removed entrypoint": lambda image: image("nginx").entrypoint(None),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_state_resolved_later_equals_one_resolved_from_the_start(
    name: str, images: FakeImages
) -> None:
    program = PROGRAMS[name]
    now, later = program(eager), resolve_images(program(late), images, platform=AMD64)
    # The images from which files are only copied are pinned with the others of the same name.
    assert marshal(later).ops == marshal(now).ops
    assert json.loads(later.image_config(platform=AMD64)) == json.loads(
        now.image_config(platform=AMD64)
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_resolved_state_continues_as_one_resolved_from_the_start(
    name: str, images: FakeImages
) -> None:
    def more(state: State) -> State:
        return state.run("more").mkfile("more", "m").env("MORE", "1").run(["more"])

    program = PROGRAMS[name]
    now, later = program(eager), resolve_images(program(late), images, platform=AMD64)
    assert (later.cwd, later.variables) == (now.cwd, now.variables)
    assert marshal(more(later)).ops == marshal(more(now)).ops


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_bytes_without_a_resolver_are_those_of_images_without_a_config(name: str) -> None:
    def pure(ref: str) -> State:
        return Image(ref, platform=AMD64, inherit_config=False)

    assert marshal(PROGRAMS[name](late)).ops == marshal(PROGRAMS[name](pure)).ops


def test_each_image_is_resolved_once(images: FakeImages) -> None:
    state = Image("golang").run("a").copy(Image("golang").run("b"), "/x").copy(Image("nginx"), "/y")
    resolve_images(state, images, platform=AMD64)
    assert images.asked == ["docker.io/library/golang:latest"]


def test_images_that_are_only_copied_or_mounted_are_not_resolved(images: FakeImages) -> None:
    state = Scratch().copy(Image("nginx"), "/x").mkfile("/y", "z")
    assert resolve_images(state, images) is state
    assert images.asked == []


def test_a_copied_image_is_pinned_if_it_is_also_a_base(images: FakeImages) -> None:
    state = Image("golang").run("a").copy(Image("golang"), "/x")
    sources = [
        vertex
        for vertex in marshal(resolve_images(state, images, platform=AMD64)).vertices()
        if vertex.kind == "source"
    ]
    assert len(sources) == 1
    assert "@sha256:" in sources[0].op["identifier"]


def test_images_are_resolved_for_the_platform_of_the_build() -> None:
    @frozen
    class ByPlatform:
        asked: list[tuple[str, str]]

        def resolve_image_config(
            self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
        ) -> ResolvedImage:
            self.asked.append((str(platform), resolve_mode))
            fake = FakeImage(env=(("ARCH", platform.architecture if platform else ""),))
            return FakeImages({"*": fake}).resolve_image_config(ref, platform=platform)

    resolver = ByPlatform([])
    state = Image("a", resolve_mode="pull").run("x")
    other = Image("a", platform="linux/arm/v6").run("y")
    both = resolve_images(merge([state.platform("linux/s390x"), state]), resolver, platform=AMD64)
    assert both.getenv("ARCH") == "amd64"
    resolve_images(other, resolver, platform=AMD64)
    assert resolver.asked == [(AMD64, "pull"), ("linux/arm/v6", "default")]


def test_images_are_resolved_in_parallel() -> None:
    barrier = threading.Barrier(3)

    class Waiting:
        def resolve_image_config(self, ref: str, **_: Any) -> ResolvedImage:
            # Breaks unless all three lookups run at the same time.
            barrier.wait(60)
            return FakeImages(IMAGES).resolve_image_config(ref)

    parts = [Image(ref).run("x") for ref in ("a", "b", "c")]
    state = resolve_images(merge(parts), Waiting(), platform=AMD64)
    assert state.cwd == "/other"


def test_steps_run_as_the_user_of_the_image(images: FakeImages) -> None:
    state = resolve_images(Image("nginx").run("id"), images, platform=AMD64)
    (run,) = [vertex for vertex in marshal(state).vertices() if vertex.kind == "exec"]
    assert run.op["meta"]["user"] == "nginx"


@pytest.mark.parametrize("options", [{}, {"locations": ()}])
def test_onbuild_instructions_are_not_inherited_which_is_a_warning(options: Any) -> None:
    state = Image("example.com/onbuild", **options).run("x")
    message = (
        "the ONBUILD instructions of example.com/onbuild:latest are not run: COPY package.json"
    )
    with pytest.warns(BaseImageWarning, match=message) as caught:
        resolved = resolve_images(state, FakeImages(), platform=AMD64)
    assert "OnBuild" not in json.loads(resolved.image_config())["config"]
    assert caught[0].filename.endswith("example.com/onbuild:latest" if options else ".py")


def test_a_windows_image_has_the_windows_shell() -> None:
    images = FakeImages()
    ref = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
    state = resolve_images(Image(ref).run("dir"), images, platform="windows/amd64")
    (run,) = [
        vertex for vertex in state.marshal(platform=AMD64).vertices() if vertex.kind == "exec"
    ]
    assert run.op["meta"]["args"] == ("cmd", "/S", "/C", "dir")


def test_a_config_of_ones_own_replaces_that_of_the_image(images: FakeImages) -> None:
    state = Image("nginx").with_image_config('{"config": {"Env": ["A=b"]}}')
    assert state.variables == (("A", "b"),)
    assert state.cwd == "/"
    assert resolve_images(state.run("x"), images).getenv("A") == "b"
    assert images.asked == []


def test_a_missing_image_is_an_error_at_its_line() -> None:
    state = Image("missing:1").run("x")
    with pytest.raises(RemoteError, match="not found") as caught:
        resolve_images(state, FakeImages({}), platform=AMD64)
    span = caught.value.span
    assert span is not None
    assert span.text.splitlines()[span.line - 1].strip() == 'state = Image("missing:1").run("x")'


def test_a_missing_image_without_locations_has_no_line() -> None:
    with pytest.raises(RemoteError) as caught:
        resolve_images(Image("missing", locations=()).run("x"), FakeImages({}))
    assert caught.value.span is None


def test_a_malformed_config_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="invalid image config"):
        resolve_images(Image("a").run("x"), FakeImages({"a": "[]"}), platform=AMD64)


def test_a_policy_may_change_the_reference() -> None:
    class Policy:
        def resolve_image_config(self, ref: str, **_: Any) -> ResolvedImage:
            return evolve(FakeImages(IMAGES).resolve_image_config(ref), ref="example.com/mirror:1")

    state = resolve_images(Image("golang").run("x"), Policy(), platform=AMD64)
    source = marshal(state).vertices()[0].op["identifier"]
    assert source.startswith("docker-image://example.com/mirror:1@sha256:")


def test_the_image_config_alone_needs_no_image_of_steps() -> None:
    state, platform = Image("nginx").mkfile("/x", "y"), Platform("linux", "amd64")
    image = BaseImage("docker.io/library/nginx:latest", platform)
    assert needed_images(state, platform=platform) == (image,)
    assert needed_images(state, platform=platform, with_config=False) == ()
    assert needed_images(state.mkfile("y", "z"), platform=platform, with_config=False) == (image,)


def test_a_chain_may_be_longer_than_the_recursion_limit(images: FakeImages) -> None:
    state, length = Image("golang"), 5_000
    for number in range(length):
        state = state.env("N", str(number)).run(["true"])
    resolved = resolve_images(state, images, platform=AMD64)
    assert resolved.getenv("N") == str(length - 1)
    assert len(marshal(resolved).ops) == length + 2
