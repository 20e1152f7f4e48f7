"""Connect once, and build in forked workers, as a server does that loads its program first.

Usage: python workers.py COUNT
"""

from __future__ import annotations

import multiprocessing
import os
import sys

from llb.client import Client

client = Client()


def build(number: int) -> tuple[int, str]:
    """Build an image in a worker, which opens a connection of its own."""
    dockerfile = f"FROM busybox\nRUN echo {number} > /number\n"
    return os.getpid(), str(client.build_image({"Dockerfile": dockerfile}, timeout=60).digest)


def main(count: int) -> None:
    """Build in two workers, and print the digests."""
    client.ping()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(build, range(count), chunksize=1)
    assert os.getpid() not in dict(results)
    for _, digest in results:
        print(digest)
    client.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
