"""Convert stages to LLB: each instruction changes files, settings or the image config.

Private to :mod:`llb.dockerfile`.
"""

from __future__ import annotations

from llb.dockerfile.to_llb.convert import Converted, convert_stages

__all__ = ["Converted", "convert_stages"]
