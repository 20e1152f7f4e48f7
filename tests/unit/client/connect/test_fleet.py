"""Builds with the same key go to one daemon, and move only when necessary."""

from __future__ import annotations

from collections import Counter

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.control import Worker
from llb.client.connect.fleet import distance, ranked, reach
from llb.errors import ConnectError
from llb.platforms import Platform

addresses = st.lists(st.text(), min_size=1, max_size=8, unique=True)


@given(addresses, st.text())
def test_every_address_is_tried_once_in_an_order_that_depends_on_the_key(
    fleet: list[str], key: str
) -> None:
    order = ranked(fleet, key)
    assert sorted(order) == sorted(fleet)
    assert ranked(reversed([*fleet, *fleet]), key) == order


@given(addresses, st.text(), st.data())
def test_removing_an_address_keeps_the_order_of_the_others(
    fleet: list[str], key: str, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(fleet))
    remaining = [address for address in fleet if address != gone]
    assert ranked(remaining, key) == tuple(
        address for address in ranked(fleet, key) if address != gone
    )


@pytest.mark.feature("J11")
def test_keys_spread_evenly_and_those_of_a_lost_address_spread_over_the_others() -> None:
    fleet = [f"tcp://10.0.0.{number}:1234" for number in range(5)]
    orders = [ranked(fleet, f"project {number}") for number in range(5000)]
    assert all(850 < count < 1150 for count in Counter(order[0] for order in orders).values())
    moved = Counter(order[1] for order in orders if order[0] == fleet[0])
    assert len(moved) == 4
    assert all(170 < count < 340 for count in moved.values())


def test_native_platforms_rate_better_than_emulated_ones() -> None:
    names = ("linux/amd64", "linux/amd64/v2", "linux/386", "linux/arm64")
    amd64, _, i386, arm64 = offered = [Platform.parse(name) for name in names]
    assert [distance(offered, [platform]) for platform in offered] == [0, 1, 1, 1]
    assert distance(offered, [amd64, arm64]) == 1
    assert distance(offered[:1], [amd64, arm64]) == 2
    assert distance([arm64], [i386]) == 2
    assert (distance(offered, []), distance([], []), distance([], [amd64])) == (0, 0, 2)


def test_the_order_is_the_same_everywhere() -> None:
    fleet = ["tcp://a:1", "tcp://b:1", "tcp://c:1"]
    assert ranked(fleet, "app") == ("tcp://c:1", "tcp://a:1", "tcp://b:1")
    assert ranked(fleet, "web") == ("tcp://b:1", "tcp://a:1", "tcp://c:1")


AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


@define(eq=False)
class FakeMember:
    """A connection to a daemon whose first worker has these platforms."""

    address: str
    platforms: tuple[Platform, ...]
    is_broken: bool = False
    is_open: bool = True

    def workers(self) -> tuple[Worker, ...]:
        if self.is_broken:
            raise ConnectError("gone")
        return (
            Worker("first", (), self.platforms),
            Worker("second", (), (AMD64, ARM64)),
        )

    def close(self) -> None:
        assert self.is_open
        self.is_open = False


@define
class Fleet:
    """Daemons by address; those without platforms are unreachable."""

    offered: dict[str, tuple[Platform, ...] | None]
    members: list[FakeMember] = field(factory=list)

    def connect(self, address: str) -> FakeMember:
        platforms = self.offered[address]
        if platforms is None:
            raise ConnectError(f"cannot connect to {address}", hint="start it")
        self.members.append(FakeMember(address, platforms))
        return self.members[-1]

    def reach(self, *platforms: Platform) -> str:
        """Connect and return the chosen address; all other connections must be closed."""
        chosen = reach(self.offered, self.connect, platforms=platforms)
        assert [member for member in self.members if member.is_open] == [chosen]
        return chosen.address


def test_the_first_reachable_daemon_is_chosen() -> None:
    fleet = Fleet({"a": None, "b": (AMD64,), "c": (ARM64,)})
    assert fleet.reach() == "b"
    assert len(fleet.members) == 1


@pytest.mark.parametrize(
    ("platforms", "address"),
    [((AMD64,), "b"), ((ARM64,), "c"), ((AMD64, ARM64), "b")],
)
def test_a_native_daemon_comes_before_an_emulating_one(
    platforms: tuple[Platform, ...], address: str
) -> None:
    fleet = Fleet({"a": None, "b": (AMD64, ARM64), "c": (ARM64,), "d": (AMD64, ARM64)})
    assert fleet.reach(*platforms) == address


def test_a_daemon_without_the_platform_is_the_last_resort() -> None:
    assert Fleet({"a": (AMD64,), "b": (AMD64,)}).reach(ARM64) == "a"


def test_a_daemon_whose_workers_cannot_be_listed_closes_all_connections() -> None:
    fleet = Fleet({"a": (AMD64,), "b": (AMD64,)})

    def connect(address: str) -> FakeMember:
        member = fleet.connect(address)
        member.is_broken = address == "b"
        return member

    with pytest.raises(ConnectError, match="gone"):
        reach(fleet.offered, connect, platforms=[ARM64])
    assert [member.is_open for member in fleet.members] == [False, False]


def test_several_unreachable_daemons_are_one_error_with_all_reasons() -> None:
    with pytest.raises(ConnectError) as caught:
        Fleet({"a": None, "b": None}).reach()
    assert caught.value.message == (
        "none of 2 addresses can be reached: cannot connect to a; cannot connect to b"
    )


def test_a_single_unreachable_daemon_raises_its_own_error() -> None:
    with pytest.raises(ConnectError) as caught:
        Fleet({"a": None}).reach()
    assert (caught.value.message, caught.value.hint) == ("cannot connect to a", "start it")


def test_no_address_is_an_error() -> None:
    with pytest.raises(ConnectError, match="no address is given"):
        Fleet({}).reach()
