"""Recipes: what most builds do, with the caches it needs, and checks that run with a build.

Each kind of packages is a module, each function the command that it runs, made for
:meth:`State.pipe`. All of it is written with what :mod:`llb` offers to everyone.

>>> from llb import Image
>>> from llb.recipes import apt, expect_command
>>> state = Image("debian").pipe(apt.install, "git", "curl=7.88*")
>>> state.pipe(expect_command, "git --version", contains="git version")
<State after PassthroughOp>
"""

from llb.recipes import apk, apt, cargo, go, npm, pip, uv
from llb.recipes.expect import expect_command, expect_file

__all__ = ["apk", "apt", "cargo", "expect_command", "expect_file", "go", "npm", "pip", "uv"]
