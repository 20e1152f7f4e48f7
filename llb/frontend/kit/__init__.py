"""Tools for frontend authors: run a frontend from its checkout, pack it, try it.

Write a frontend with :mod:`llb.frontend` or :mod:`llb.gateway`; the command for these tools is
``llb frontend``.
"""

from llb.frontend.kit.packing import Packed, pack, pack_builtin
from llb.frontend.kit.programs import load

__all__ = ["Packed", "load", "pack", "pack_builtin"]
