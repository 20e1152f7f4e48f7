"""Backups of a database: programs from Debian packages, which are downloaded once."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import apt, expect_command


@target
def image(build: Build) -> State:
    """Build the image, and check that the programs of the script exist."""
    return (
        build.image("debian:trixie-slim")
        .pipe(apt.install, "ca-certificates", "postgresql-client", "zstd")
        .copy(build.context(), "/usr/local/bin/backup", src="backup.sh", mode=0o755)
        .run("useradd --uid 1000 backups && install -d -o backups /backup")
        .user("backups")
        .volume("/backup")
        .entrypoint(["backup"])
        .pipe(expect_command, "command -v pg_dump zstd && sh -n /usr/local/bin/backup")
    )
