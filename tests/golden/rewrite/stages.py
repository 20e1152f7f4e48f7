# Copyright me.
# The versions that we use.

from llb import State, secret
from llb.buildfile import Build, instructions, target


@target
def deps(build: Build, GO_VERSION: str = "1.22") -> State:
    """Downloads the modules."""
    return (
        build.image(f"golang:{GO_VERSION}-alpine", platform=build.build_platform)
        .pipe(instructions.workdir, "/src")
        .pipe(instructions.copy, build.context(), ["go.mod", "go.sum"], "./")
        .run(
            "go mod download",
            mounts=[
                instructions.cache("/root/.cache"),
                secret("token", env="TOKEN", optional=True),
            ],
        )
    )


@target(name="build")
def build_stage(build: Build, VERSION: str | None = None, LDFLAGS: str | None = None) -> State:
    tree = (
        deps()
        .pipe(instructions.args, TARGETOS=build.platform.os, TARGETARCH=build.platform.architecture)
        .pipe(instructions.args, VERSION=VERSION)
    )
    if LDFLAGS is None:
        LDFLAGS = f"-s -X main.version={tree.getenv('VERSION') or 'dev'}"
    return (
        tree.pipe(instructions.args, LDFLAGS=LDFLAGS)
        .pipe(instructions.copy, build.context(), ".", ".", exclude=["*.md"])
        # The binary.
        .run('go build -ldflags "$LDFLAGS" -o /out/app ./cmd/app')
    )


@target(default=True)
def image(build: Build, ALPINE: str = "3.20") -> State:
    tree = build.image(f"alpine:{ALPINE}")
    tree = (
        tree.env("PATH", f"/opt/bin:{tree.getenv('PATH')}")
        .env("HOME", "/home/app")
        .pipe(
            instructions.copy, build_stage(), "/out/app", "/usr/bin/app", owner="65532", link=True
        )
        .pipe(
            instructions.write,
            {
                "EOF": """\
[app]
home = "/home/app"
listen = 8080
""",
            },
            "/etc/app.toml",
        )
    )
    return (
        tree.pipe(
            instructions.fetch, f"https://example.com/data-{tree.getenv('ALPINE')}.tar.gz", "/data/"
        )
        .user("app")
        .expose("53/udp")
        .expose(8080)
        .healthcheck("wget -q localhost:8080", interval=30)
        .entrypoint(["app"])
        .cmd(["serve"])
    )


# The end.
