"""A C++ program: built and tested with CMake, linked statically, alone in its image."""

from llb import State, bind, cache
from llb.buildfile import Build, target
from llb.recipes import apt

SCRIPT = """\
set -e
cmake -S /src -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXE_LINKER_FLAGS=-static
cmake --build /build --parallel
ctest --test-dir /build --output-on-failure
cmake --install /build --prefix /out --strip
"""


@target(default=True)
def image(build: Build) -> State:
    """Build the image, if the tests pass."""
    tools = build.image("debian:trixie-slim").pipe(apt.install, "cmake", "g++", "make")
    # Object files stay on the daemon, and make compiles what has changed.
    objects = cache("/build", id=f"words {build.platform}", sharing="locked")
    built = tools.run(SCRIPT, mounts=[bind(build.context(), "/src", readonly=True), objects])
    return build.scratch().copy(built, "/words", src="/out/bin/words").entrypoint(["/words"])
