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

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_names

if TYPE_CHECKING:
    from llb.buildfile.build import Build
    from llb.buildfile.source import Source
    from llb.dockerfile.language import Check, Finding, Language, NewInstruction
    from llb.dockerfile.to_llb.extension_site import Site
    from llb.dockerfile.trace import Trail
    from llb.errors import (
        BuildFileError,
        InputError,
        InvalidValueError,
        LLBError,
        RemoteError,
    )
    from llb.frontend.authoring.decorator import Frontend, frontend
    from llb.frontend.server import serve_dockerfile
    from llb.gateway.serve import serve

__all__ = [
    "Build",
    "BuildFileError",
    "Check",
    "Finding",
    "Frontend",
    "InputError",
    "InvalidValueError",
    "LLBError",
    "Language",
    "NewInstruction",
    "RemoteError",
    "Site",
    "Source",
    "Trail",
    "frontend",
    "serve",
    "serve_dockerfile",
]

if not TYPE_CHECKING:
    # Type checkers would accept any name as one of the package.
    __getattr__ = lazy_names(
        __name__,
        # A frontend needs only some of the names, and importing all of them slows its start.
        {
            "llb.buildfile.build": ("Build",),
            "llb.buildfile.source": ("Source",),
            "llb.dockerfile.language": ("Check", "Finding", "Language", "NewInstruction"),
            "llb.dockerfile.to_llb.extension_site": ("Site",),
            "llb.dockerfile.trace": ("Trail",),
            "llb.frontend.authoring.decorator": ("Frontend", "frontend"),
            "llb.frontend.server": ("serve_dockerfile",),
            "llb.gateway.serve": ("serve",),
            "llb.errors": (
                "BuildFileError",
                "InputError",
                "InvalidValueError",
                "LLBError",
                "RemoteError",
            ),
        },
    )
