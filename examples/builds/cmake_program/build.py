"""A C++ program: built and tested with CMake, linked statically, alone in its image."""

from llb import State, bind, cache
from llb.buildfile import Build, target
from llb.recipes import apt

SCRIPT = """\
set -e
cmake -S /src -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXE_LINKER_FLAGS=-static \\
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
cmake --build /build --parallel
ctest --test-dir /build --output-on-failure
cmake --install /build --prefix /out --strip
"""


@target(default=True)
def image(build: Build) -> State:
    """Build the image, if the tests pass."""
    tools = build.image("debian:trixie-slim").pipe(apt.install, "ccache", "cmake", "g++", "make")
    source = bind(build.context(), "/src", readonly=True)
    built = tools.run(SCRIPT, mounts=[source, cache("/root/.cache/ccache")])
    return build.scratch().copy(built, "/words", src="/out/bin/words").entrypoint(["/words"])
