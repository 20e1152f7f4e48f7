"""Show the output of a build, and cancel the build when a line contains a word.

Usage: python cancel.py FOLDER WORD
"""

from __future__ import annotations

import sys

from llb.client import CancelledError, Client, VertexLog


def main(folder: str, word: str) -> None:
    """Build the Dockerfile of a folder without the cache."""
    with Client() as client:
        build = client.start_image(folder, no_cache=True)
        for event in build:
            if isinstance(event, VertexLog):
                text = event.data.decode(errors="replace")
                sys.stdout.write(text)
                if word in text:
                    # Any thread may do this. The daemon stops the step, and no other build.
                    build.cancel()
        try:
            print(build.result().digest)
        except CancelledError as error:
            print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
