"""Complete frontends: from a function, for Dockerfiles, and for extended Dockerfile languages.

::

    @frontend(filename="app.toml", language="TOML")
    def build(build: Build) -> State:
        return build.image(tomllib.loads(build.source.text)["base"])

    if __name__ == "__main__":
        sys.exit(serve(build))

:func:`serve_dockerfile` serves Docker's language, or a :class:`Language` with additional
instructions and checks. :mod:`llb.frontend.kit` runs a frontend from its checkout and packs it.
"""

from llb._lazy import lazy_exports

with lazy_exports(__name__):
    from llb.buildfile.build import Build as Build
    from llb.buildfile.source import Source as Source
    from llb.dockerfile.language import Check as Check
    from llb.dockerfile.language import Finding as Finding
    from llb.dockerfile.language import Language as Language
    from llb.dockerfile.language import NewInstruction as NewInstruction
    from llb.dockerfile.to_llb.extension_site import Site as Site
    from llb.dockerfile.trace import Trail as Trail
    from llb.errors import BuildFileError as BuildFileError
    from llb.errors import InputError as InputError
    from llb.errors import InvalidValueError as InvalidValueError
    from llb.errors import LLBError as LLBError
    from llb.errors import RemoteError as RemoteError
    from llb.frontend.authoring.decorator import Frontend as Frontend
    from llb.frontend.authoring.decorator import frontend as frontend
    from llb.frontend.in_process import build_in_process as build_in_process
    from llb.frontend.server import serve_dockerfile as serve_dockerfile
    from llb.gateway.server import serve as serve
