"""Dockerfiles with APT, which installs Debian packages, and a check for RUN apt-get."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from llb import cache
from llb.frontend import Check, Finding, Language, NewInstruction, Site, Trail, serve_dockerfile

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(=[\w.+~:-]+)?")
CACHES = [cache("/var/cache/apt", sharing="locked"), cache("/var/lib/apt/lists", sharing="locked")]


def install(site: Site) -> None:
    """APT [--recommends] PACKAGE...: install packages, and cache the downloads."""
    for word in site.words:
        if not PACKAGE.fullmatch(word):
            raise site.error(f"invalid package name {word}", word=word, hint="git, or git=1:2.47")
    recommends = "" if site.switch("recommends") else "--no-install-recommends"
    names = " ".join(site.words)
    site.run(f"apt-get update -q && apt-get install -qy {recommends} {names}", mounts=CACHES)


def find_apt_get(trail: Trail) -> Iterator[Finding]:
    """Find each RUN that calls apt-get."""
    for step in trail.steps:
        origin = step.instruction.origin
        if origin.name.upper() == "RUN" and "apt-get" in origin.code:
            yield Finding(origin)


APT = NewInstruction("APT", install, switches=("recommends",))
RUN_APT_GET = Check(
    "RunAptGet",
    find_apt_get,
    message="APT keeps what it loads for other builds, RUN apt-get does not",
    description="Packages should be installed with APT",
)
LANGUAGE = Language([APT], [RUN_APT_GET])

if __name__ == "__main__":
    sys.exit(serve_dockerfile(LANGUAGE))
