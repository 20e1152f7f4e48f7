"""A Go service: tested on the builder's platform, and compiled for every target platform."""

from llb import State, bind, cache
from llb.buildfile import Build, target
from llb.recipes import go


def tools(build: Build) -> State:
    """Set up Go, which compiles for other platforms."""
    image = build.image("golang:1.26", platform=build.build_platform)
    return image.env("CGO_ENABLED", "0").env("GOFLAGS", "-trimpath").workdir("/src")


@target
def test(build: Build) -> State:
    """Check and test the source."""
    source, caches = build.context(), (cache("/go/pkg/mod"), cache("/root/.cache/go-build"))
    return tools(build).run("go vet ./... && go test ./...", mounts=[bind(source, "/src"), *caches])


@target(default=True)
def image(build: Build, version: str = "dev") -> State:
    """Build the image: the program alone."""
    cross = tools(build).env("GOOS", build.platform.os).env("GOARCH", build.platform.architecture)
    flags = [f"-ldflags=-X main.version={version}"]
    built = cross.pipe(go.build, build.context(), "./cmd/app", output="/out/app", flags=flags)
    program = build.scratch().copy(built.requires("tested", test()), "/app", src="/out/app")
    return program.user("65532").expose(8080).entrypoint(["/app"])
