"""Pick one of several daemons by consistent hashing, so builds return to their cache.

Daemons that have the platforms of the build are preferred. Their order is that of rendezvous
hashing (Thaler and Ravishankar, 1998): every address has a weight for a key, and the heaviest is
first. When an address is removed, only the keys it had move, and they spread over all others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from llb.client.connect.errors import none_reachable
from llb.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from llb.client.connect.control import Worker
    from llb.platforms import Platform


class Member(Protocol):
    """An open connection to one of the daemons."""

    def workers(self) -> tuple[Worker, ...]:
        """List the daemon's workers."""

    def close(self) -> None:
        """Close the connection."""


Member_ = TypeVar("Member_", bound=Member)


def ranked(addresses: Iterable[str], key: str) -> tuple[str, ...]:
    """Order the distinct addresses by their weight for a key, the first to try first."""
    return tuple(sorted(set(addresses), key=lambda address: _weight(address, key), reverse=True))


def reach(
    addresses: Iterable[str], connect: Callable[[str], Member_], *, platforms: Collection[Platform]
) -> Member_:
    """Connect to the first reachable daemon, among those that fit the platforms best.

    ``connect`` opens a connection; all connections but the chosen one are closed. Raises
    ConnectError if none can be opened.
    """
    reached: dict[Member_, int] = {}
    reasons: list[ConnectError] = []
    best = None
    try:
        for address in addresses:
            try:
                member = connect(address)
            except ConnectError as error:
                reasons.append(error)
                continue
            reached[member] = 0
            if platforms:
                # Steps run on the first worker only.
                offered = [
                    platform for worker in member.workers()[:1] for platform in worker.platforms
                ]
                reached[member] = distance(offered, platforms)
            if reached[member] == 0:
                break
        best = min(reached, key=reached.__getitem__, default=None)
    finally:
        for member in reached:
            if member is not best:
                member.close()
    if best is None:
        raise none_reachable(reasons)
    return best


def distance(offered: Collection[Platform], requested: Collection[Platform]) -> int:
    """Rate how well a worker fits the requested platforms: 0 native, 1 emulated, 2 unsupported.

    The first platform that a worker offers is its native one; others may be emulated, which is
    many times slower.

    >>> from llb.platforms import Platform
    >>> amd64, arm64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
    >>> [distance(offered, [arm64]) for offered in ([arm64], [amd64, arm64], [amd64])]
    [0, 1, 2]
    """
    if not set(requested) <= set(offered):
        return 2
    return 0 if set(requested) <= {next(iter(offered), None)} else 1


def _weight(address: str, key: str) -> bytes:
    # The length separates the address from the key.
    return hashlib.sha256(f"{len(address)} {address}{key}".encode()).digest()
