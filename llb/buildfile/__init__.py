"""Python build files.

::

    from llb import State
    from llb.buildfile import Build, target

    @target
    def app(build: Build, version: str = "1.0") -> State:
        '''Say hello.'''
        return build.image("alpine").copy(build.context(), "/src").run(f"echo {version}")

``llb build build.py`` evaluates it. Every other client of BuildKit can build it if its first line
names the image of a frontend: ``# syntax=myorg/pyfrontend``.
"""

from llb.buildfile.build import Build, DockerfileRequest, Host
from llb.buildfile.parameters import BuildArg
from llb.buildfile.source import Source
from llb.buildfile.target import Target, target

__all__ = ["Build", "BuildArg", "DockerfileRequest", "Host", "Source", "Target", "target"]
