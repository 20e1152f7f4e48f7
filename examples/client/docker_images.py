"""Build with BuildKit where a program calls ``images.build`` of docker-py; needs pyllb and docker.

Usage: python docker_images.py FOLDER TAG
"""

from __future__ import annotations

import sys

from llb.client import docker_py


def main(folder: str, tag: str) -> None:
    """Build the Dockerfile of a folder, and print the log and the names of the image."""
    # docker.from_env().images.build(path=folder, tag=tag) has the same arguments and results.
    image, log = docker_py.build(
        path=folder, tag=tag, buildargs={"VERSION": "1.0"}, network_mode="none", rm=True
    )
    for line in log:
        sys.stdout.write(line.get("stream", ""))
    print(image.tags)


if __name__ == "__main__":
    main(*sys.argv[1:])
