"""Several daemons: the same work goes to the same one, so that it finds its caches there.

What is built for a platform goes to a daemon that has it. Their order is that of rendezvous
hashing (Thaler and Ravishankar, 1998): every address has a weight for a key, and the heaviest is
first. Without an address, only the keys that were its own go elsewhere, and they spread over all
others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from llb.client.connect.errors import none_of
from llb.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from llb.client.connect.control import Worker
    from llb.platforms import Platform


class Member(Protocol):
    """An open connection to one of the daemons."""

    def workers(self) -> tuple[Worker, ...]:
        """Return what in the daemon runs steps."""

    def close(self) -> None:
        """Close the connection."""


Found = TypeVar("Found", bound=Member)


def ranked(addresses: Iterable[str], key: str) -> tuple[str, ...]:
    """Return the addresses, each once, in the order in which a key's work tries them."""
    return tuple(sorted(set(addresses), key=lambda each: _weight(each, key), reverse=True))


def reach(
    addresses: Iterable[str], connect: Callable[[str], Found], *, platforms: Collection[Platform]
) -> Found:
    """Return the first daemon that can be reached, of those nearest to the platforms.

    ``connect`` opens a connection; all but one are closed again. Raises ConnectError where
    none can be opened.
    """
    reached: dict[Found, int] = {}
    reasons: list[ConnectError] = []
    chosen = None
    try:
        for address in addresses:
            try:
                member = connect(address)
            except ConnectError as error:
                reasons.append(error)
                continue
            reached[member] = 0
            if platforms:
                # Steps run on the first worker alone.
                offered = [each for worker in member.workers()[:1] for each in worker.platforms]
                reached[member] = distance(offered, platforms)
            if reached[member] == 0:
                break
        chosen = min(reached, key=reached.__getitem__, default=None)
    finally:
        for member in reached:
            if member is not chosen:
                member.close()
    if chosen is None:
        raise none_of(reasons)
    return chosen


def distance(offered: Collection[Platform], wanted: Collection[Platform]) -> int:
    """Return how well a worker suits steps for platforms: 0 best, 1 less, 2 not.

    The first platform that it offers is its machine's own; others may be emulated, which
    takes many times as long.

    >>> from llb.platforms import Platform
    >>> amd64, arm64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
    >>> [distance(offered, [arm64]) for offered in ([arm64], [amd64, arm64], [amd64])]
    [0, 1, 2]
    """
    if not set(wanted) <= set(offered):
        return 2
    return 0 if set(wanted) <= {next(iter(offered), None)} else 1


def _weight(address: str, key: str) -> bytes:
    # The length keeps what is address and what is key apart.
    return hashlib.sha256(f"{len(address)} {address}{key}".encode()).digest()
