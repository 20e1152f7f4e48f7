"""A site that npm builds, served by nginx."""

from llb import State
from llb.buildfile import Build, target
from llb.recipes import npm


@target
def image(build: Build) -> State:
    """Build the site and its image."""
    source = build.context()
    built = build.image("node:24-alpine").workdir("/app").pipe(npm.ci, source).run("npm run build")
    site = build.image("nginx:alpine").copy(built, "/usr/share/nginx/html", src="/app/dist")
    return site.copy(source, "/etc/nginx/conf.d/default.conf", src="nginx.conf")
