"""Recipes for common build steps, with the caches they need, and checks that run with a build.

Each package manager is a module, and each function a command that it runs, for use with
:meth:`State.pipe`. Recipes use only the public API of :mod:`llb`.

>>> from llb import Image
>>> from llb.recipes import apt, expect_command
>>> state = Image("debian").pipe(apt.install, "git", "curl=7.88*")
>>> state.pipe(expect_command, "git --version", contains="git version")
<State after PassthroughOp>
"""

from llb.recipes import apk, apt, cargo, go, npm, pip, uv
from llb.recipes.expect import expect_command, expect_file

__all__ = ["apk", "apt", "cargo", "expect_command", "expect_file", "go", "npm", "pip", "uv"]
