"""Serve the frontend for Dockerfiles, in Docker's language or in one that says more."""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import TYPE_CHECKING

from llb import gateway
from llb.frontend.dockerui.prefetch import foresee

if TYPE_CHECKING:
    from llb.dockerfile.language import Language
    from llb.gateway import Gateway, Request, Result

# How long a thread may keep others waiting, in seconds: Python's own 5 ms are much for a
# conversation whose answers come in one.
_SWITCH_INTERVAL = 0.0002


def serve_dockerfile(language: Language | None = None, *, labs: bool = False) -> int:
    """Answer the daemon that started this process with the build of a Dockerfile.

    ``language`` may add instructions and checks to those of Docker, and ``labs`` allows what
    Docker's frontend has in its labs channel alone. The exit status is for ``sys.exit``.
    """
    return gateway.serve(partial(_build, language=language, labs=labs), language="Dockerfile")


def _build(request: Request, gateway: Gateway, language: Language | None, *, labs: bool) -> Result:
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gateway = foresee(request, gateway)
    # It takes 20 ms to import, in which the daemon loads what is read first.
    from llb.dockerfile.language import PLAIN  # noqa: PLC0415
    from llb.frontend.build import build  # noqa: PLC0415

    gc.freeze()
    return build(request, gateway, language or PLAIN, labs=labs)
