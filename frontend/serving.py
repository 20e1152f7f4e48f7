"""A frontend for Dockerfiles, in Docker's language or in one that says more."""

from __future__ import annotations

from functools import partial

from frontend.build import build
from frontend.dockerfile.language import PLAIN, Language
from llb import gateway


def serve(language: Language = PLAIN, *, labs: bool = False) -> int:
    """Answer the daemon that started this process with the build of a Dockerfile.

    ``language`` may add instructions and checks to those of Docker, and ``labs`` allows what
    Docker's frontend has in its labs channel alone. The exit status is for ``sys.exit``.
    """
    return gateway.serve(partial(build, language=language, labs=labs), language="Dockerfile")
