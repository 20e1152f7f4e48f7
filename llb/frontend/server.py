"""Serve the Dockerfile frontend, optionally with an extended language."""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import TYPE_CHECKING

from llb import gateway
from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.frontend.dockerui.prefetch import prefetch

with lazy_imports(__name__):
    from llb.dockerfile import language as languages  # 59 ms
    from llb.frontend import build  # 67 ms

if TYPE_CHECKING:
    from llb.dockerfile.language import Language
    from llb.gateway import Gateway, Request, Result

# How long a thread may run while others wait, in seconds: Python's default of 5 ms is long for
# a connection whose answers take 1 ms.
_SWITCH_INTERVAL = 0.0002


@checked
def serve_dockerfile(language: Language | None = None) -> int:
    """Build a Dockerfile for the daemon that started this process.

    ``language`` may add instructions and checks to those of Docker. Pass the exit status to
    ``sys.exit``.
    """
    return gateway.serve(partial(_build, language=language), language="Dockerfile")


def _build(request: Request, gateway: Gateway, language: Language | None) -> Result:
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gateway = prefetch(request, gateway)
    # The modules are imported now, while the daemon loads what was prefetched.
    plain = languages.PLAIN
    gc.freeze()
    return build.build(request, gateway, language or plain)
