"""Place the platforms of a build on nodes, by the rule of ``docker buildx`` (build/resolver).

If every platform is assigned to a node by the user, these are used, and no other node is asked.
Otherwise all nodes tell the platforms of their workers. A platform goes to the node with the
platform that is closest to it: a node of arm64 also runs arm, but one of arm is closer. If several
are equally close, an assigned platform comes before a native one, and that before an emulated one;
buildx does not know the difference. A platform that no node has goes to the first one, because not
every build runs something.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llb.platforms import Platform

_ASSIGNED, _NATIVE, _OTHER = range(3)
# The last minor version of v8 that a processor of v9.0 has (containerd, platforms/compare.go).
_V8_OF_V9 = 5
_LAST_V8 = 9


class Candidate(Protocol):
    """A node to choose from."""

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that the user assigns to it."""

    def offered(self) -> tuple[Platform, ...]:
        """Ask for the platforms of its workers, the native one first."""


Node_ = TypeVar("Node_", bound=Candidate)


def place(platforms: Mapping[str, Platform], nodes: Sequence[Node_]) -> dict[Node_, list[str]]:
    """Choose the nodes for platforms, which are given by their names, in their order.

    Raises the errors of the nodes.
    """
    places: dict[Node_, list[str]] = {}
    chosen = _assigned(platforms, nodes) or _closest(platforms, nodes)
    for name, node in chosen.items():
        places.setdefault(node, []).append(name)
    return places


def _assigned(platforms: Mapping[str, Platform], nodes: Sequence[Node_]) -> dict[str, Node_] | None:
    """Find the nodes to which the platforms are assigned; None unless all are."""
    owners = {platform: node for node in reversed(nodes) for platform in node.platforms}
    if not all(platform in owners for platform in platforms.values()):
        return None
    return {name: owners[platform] for name, platform in platforms.items()}


def _closest(platforms: Mapping[str, Platform], nodes: Sequence[Node_]) -> dict[str, Node_]:
    with ThreadPoolExecutor(len(nodes)) as pool:
        offers = list(pool.map(lambda node: node.offered(), nodes))
    ranks = [_ranks(node, offered) for node, offered in zip(nodes, offers, strict=True)]
    chosen = {}
    for name, platform in platforms.items():
        scores = [rank.get(platform) for rank in ranks]
        best = min((score for score in scores if score is not None), default=None)
        chosen[name] = nodes[scores.index(best)]
    return chosen


def _ranks(node: Candidate, offered: Sequence[Platform]) -> dict[Platform, tuple[int, int]]:
    """Rank what a node runs: how far it is from a platform of the node, and which kind that is."""
    kinds = dict.fromkeys(node.platforms, _ASSIGNED)
    for number, platform in enumerate(offered):
        kinds.setdefault(platform, _OTHER if number else _NATIVE)
    ranks: dict[Platform, tuple[int, int]] = {}
    for platform, kind in kinds.items():
        for distance, runnable in enumerate(runnable_on(platform)):
            rank = (distance, kind)
            ranks[runnable] = min(rank, ranks.get(runnable, rank))
    return ranks


def runnable_on(platform: Platform) -> Iterator[Platform]:
    """Yield the platforms that run on one, the closest first, as containerd does.

    >>> from llb.platforms import Platform
    >>> print(*runnable_on(Platform.parse("linux/amd64/v2")))
    linux/amd64/v2 linux/amd64 linux/386
    >>> print(*runnable_on(Platform.parse("linux/arm64")))
    linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5
    """
    architectures = {"amd64": _on_amd64, "arm64": _on_arm64, "arm": _on_arm}
    variants = architectures.get(platform.architecture)
    if variants is None:
        yield platform
        return
    for architecture, variant in variants(platform.variant or ""):
        yield evolve(platform, architecture=architecture, variant=variant or None).normalize()


def _on_amd64(variant: str) -> Iterator[tuple[str, str]]:
    yield "amd64", variant
    for level in range(_level(variant, 1) - 1, 0, -1):
        yield "amd64", f"v{level}"
    yield "386", ""


def _on_arm64(variant: str) -> Iterator[tuple[str, str]]:
    major, _, minor = (variant or "v8").partition(".")
    last = int(minor) if minor.isdecimal() else 0
    yield "arm64", variant
    for number in range(last - 1, -1, -1):
        yield "arm64", f"{major}.{number}"
    if major == "v9":
        for number in range(min(last + _V8_OF_V9, _LAST_V8), -1, -1):
            yield "arm64", f"v8.{number}"
    yield from _on_arm("v8")


def _on_arm(variant: str) -> Iterator[tuple[str, str]]:
    for level in range(_level(variant, 7), 4, -1):
        yield "arm", f"v{level}"


def _level(variant: str, default: int) -> int:
    number = variant.removeprefix("v")
    return int(number) if number.isdecimal() else default
