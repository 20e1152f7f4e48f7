"""Python build files, which every BuildKit client can build.

The first line of a build file names the frontend that reads it::

    # syntax=myorg/pyfrontend
    from llb import State
    from llb.buildfile import Build, target

    @target
    def app(build: Build, version: str = "1.0") -> State:
        '''Say hello.'''
        return build.image("alpine").copy(build.context(), "/src").run(f"echo {version}")
"""

from llb.buildfile.build import Build, DockerfileRequest, Host
from llb.buildfile.source import Source
from llb.buildfile.target import Target, target

__all__ = ["Build", "DockerfileRequest", "Host", "Source", "Target", "target"]
