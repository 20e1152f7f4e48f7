from llb import Device, Git, State, bind, secret
from llb.buildfile import Build, instructions, target


@target
def tools(build: Build) -> State:
    return build.image("alpine").run("apk add git")


# The image that is made.
@target(default=True)
def out(build: Build) -> State:
    from_tools = tools()
    return (
        build.scratch()
        .pipe(instructions.copy, from_tools, "/usr/bin/git", "/bin/")
        .pipe(
            instructions.copy, from_tools, "/etc/ssl/certs/ca-certificates.crt", "/", parents=True
        )
        .pipe(instructions.copy, build.image("busybox:1.36"), "/bin/busybox", "/bin/sh", mode=0o755)
        .pipe(
            instructions.clone,
            Git(
                "https://github.com/moby/buildkit.git",
                ref="v0.20.0",
                subdir="docs",
                keep_git_dir=True,
            ),
            "/docs",
        )
        .pipe(
            instructions.fetch,
            "https://example.com/a.tar",
            "/",
            checksum="sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d",
        )
        .pipe(
            instructions.copy, build.context(), ["archive.tar.gz", "rootfs.tar"], "/", unpack=True
        )
        .run(
            ["/bin/sh", "-c", "env"],
            mounts=[
                bind(from_tools, "/usr", path="/usr", discard=True),
                instructions.cache(
                    "/var/cache", id="packages", sharing="locked", uid=1000, mode=0o700
                ),
                instructions.ssh(required=True),
                secret("config", target="/root/.netrc", mode=0o600),
            ],
            network="none",
            security="insecure",
        )
        .run(
            "true",
            devices=[Device("vendor.example/gpu=0"), Device("vendor.example/nic", optional=True)],
        )
    )
