"""For people who write frontends: run one from its checkout, pack it, try it.

:mod:`llb.gateway` is what a frontend is written with; ``llb frontend`` is the command for this.
"""

from llb.frontend.kit.packing import Packed, pack
from llb.frontend.kit.programs import load

__all__ = ["Packed", "load", "pack"]
