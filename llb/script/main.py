"""End a build script: print the definition of its state."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.buildkit_names import LOCAL_SCHEME
from llb.ops.nodes import source_of
from llb.ops.walk import post_order
from llb.platforms import Platform
from llb.sources.base_images import needed_images, result_of, with_images
from llb.state.unresolved import warn_of_config

with lazy_imports(__name__):
    import socket  # 3 ms

    from llb import dump  # 3 ms
    from llb.script import image_requests  # 2 ms

if TYPE_CHECKING:
    from llb.state.state import State

IMAGE_CONFIG_FD = "LLB_IMAGE_CONFIG_FD"
"""Environment variable with which ``llb build`` requests the image config from a script."""

RESOLVER_FD = "LLB_IMAGE_RESOLVER_FD"
"""Environment variable with which ``llb build`` offers to resolve the base images of a script.

It holds the descriptor of a stream socket. The script writes a line, and reads one if it needs
images (:mod:`llb.script.image_requests`).
"""

FAILED = 125
"""Exit status of a script whose error was already reported."""


@checked
def main(state: State) -> None:
    """Write the definition of ``state`` to standard output, or draw its graph on a terminal.

    In a pipe, the output is the definition that ``buildctl build`` and ``llb build -`` read. It
    differs between runs if the graph contains a local directory, because concurrent builds must not
    use each other's files.

    ``llb build`` resolves the base images of the script, so that their configs are inherited.
    Otherwise there is a warning for every image whose config is missing.
    """
    if sys.stdout.isatty():
        sys.stdout.write(dump.tree(state.marshal()))
        return
    config_pipe, resolver = os.environ.get(IMAGE_CONFIG_FD), os.environ.get(RESOLVER_FD)
    if resolver is None:
        warn_of_config(state.settings)
    else:
        state = _resolve(state, int(resolver), with_config=config_pipe is not None)
    definition = state.marshal(local_unique_id=os.urandom(16).hex())
    if config_pipe is not None:
        with os.fdopen(int(config_pipe), "wb") as pipe:
            pipe.write(state.image_config())
    sys.stdout.buffer.write(definition.to_bytes())
    sys.stdout.flush()


def _resolve(state: State, descriptor: int, *, with_config: bool) -> State:
    """Let ``llb build`` resolve the base images."""
    platform = Platform.host()
    state = result_of(state)
    images = needed_images(state, platform=platform, with_config=with_config)
    requests = image_requests.ImageRequests(images, _local_names(state))
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        stream.write(requests.to_line())
        stream.flush()
        if not images:
            return state
        line = stream.readline()
    if not line:
        # The build has failed, and llb build reports why.
        sys.exit(FAILED)
    resolved = dict(zip(images, image_requests.answers_from_line(line), strict=True))
    return with_images(state, resolved, platform)


def _local_names(state: State) -> tuple[str, ...]:
    """List the local directories that the build of a state reads."""
    sources = () if state.output is None else map(source_of, post_order(state.output.op))
    identifiers = dict.fromkeys(source.identifier for source in sources if source is not None)
    return tuple(
        identifier.removeprefix(LOCAL_SCHEME)
        for identifier in identifiers
        if identifier.startswith(LOCAL_SCHEME)
    )
