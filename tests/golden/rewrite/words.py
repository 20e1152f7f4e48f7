from llb import State, bind, tmpfs
from llb.buildfile import Build, instructions, target


@target(name="build-stage")
def build_stage(
    build: Build,
    REGISTRY: str = "docker.io/library",
    BASE: str | None = None,
    VERSION: str = "1.2.3",
    CHANNEL: str | None = None,
) -> State:
    if BASE is None:
        BASE = f"{REGISTRY}/python:3.12"
    tree = (
        build.image(BASE)
        .shell(["/bin/bash", "-o", "pipefail", "-c"])
        .pipe(instructions.args, VERSION=VERSION, CHANNEL=CHANNEL)
        .env("MAJOR", VERSION.split(".", 1)[0])
        .env("MINOR", VERSION.rsplit(".", 1)[0])
        .env("NAME", f"app-{VERSION.replace('.', '_', 1)}")
    )
    tree = tree.env(
        "LD_LIBRARY_PATH",
        "/opt/lib"
        f"{(':' + tree.getenv('LD_LIBRARY_PATH')) if tree.getenv('LD_LIBRARY_PATH') else ''}",
    )
    return (
        tree.pipe(
            instructions.workdir,
            f"{tree.getenv('CHANNEL') or '/work'}/app-{VERSION.replace('.', '_', 1)}",
        )
        .label("version", VERSION)
        .label("said", "\"quoted\" and 'single'")
        # Install what is needed,
        # quietly.
        # not much
        .run(
            "apt-get update && "
            "    apt-get install -y --no-install-recommends "
            "        git curl "
            "    && rm -rf /var/lib/apt/lists/*"
        )
        .run(
            """\
set -e
printf '%s\\n' "${VERSION}"
""",
            mounts=[tmpfs("/tmp", size=67108864)],
        )
        .run(
            "/dev/pipes/EOF",
            mounts=[
                bind(
                    instructions.scratch().mkfile(
                        "EOF",
                        """\
#!/usr/bin/env python3
print("hello")
""",
                        mode=0o755,
                    ),
                    "/dev/pipes/",
                    path="/",
                    readonly=True,
                ),
            ],
        )
        .cmd('serve "$NAME"')
    )


@target(default=True)
def image(PORT: str = "8000") -> State:
    return (
        instructions.from_stage(build_stage())
        .pipe(instructions.args, PORT=PORT)
        .volume("/data")
        .volume("/cache")
        .stop_signal("SIGINT")
        .pipe(instructions.expose, PORT)
        .entrypoint(["python", "-m", "app"])
    )
