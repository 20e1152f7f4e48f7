"""Build an image for each command at the same time, with asyncio. If one fails, cancel the others.

Usage: python variants.py COMMAND…
"""

from __future__ import annotations

import asyncio
import sys

from llb.client import AsyncClient, SolveError


async def build(client: AsyncClient, command: str) -> str:
    """Build an image in which a command has run, and return its digest."""
    dockerfile = f"FROM busybox\nRUN {command}\n"
    result = await client.build_image({"Dockerfile": dockerfile}, no_cache=True)
    return str(result.digest)


async def main(*commands: str) -> None:
    """Build all images over one connection, and print their digests."""
    async with AsyncClient() as client:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(build(client, command)) for command in commands]
        except* SolveError as errors:
            # The daemon has stopped the steps of the other builds.
            for error in errors.exceptions:
                print(f"{error}; cancelled {sum(task.cancelled() for task in tasks)}")
        else:
            for task in tasks:
                print(task.result())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
