"""The frontend as a daemon starts it: ``python -m frontend``."""

from __future__ import annotations

import sys

from frontend.build import build
from llb.gateway import serve

if __name__ == "__main__":
    sys.exit(serve(build, language="Dockerfile"))
