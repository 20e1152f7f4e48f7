"""Push for two tenants at the same time, each with its own password.

Usage: python tenants.py REGISTRY USER:PASSWORD USER:PASSWORD
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from llb.client import Client


def push(client: Client, registry: str, user: str, password: str) -> str:
    """Build an image for a user, push it with this user's password, and return its name."""
    name = f"{registry}/{user}/app:1"
    client.build_image(
        {"Dockerfile": f"FROM scratch\nLABEL owner={user}\n"},
        tags=name,
        push=True,
        credentials={registry: (user, password)},
    )
    return name


def main(registry: str, *accounts: str) -> None:
    """Push for all tenants, over one connection, and print the names of the images."""
    logins = [account.split(":", 1) for account in accounts]
    with Client() as client, ThreadPoolExecutor() as threads:
        for name in threads.map(lambda login: push(client, registry, *login), logins):
            print(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
