"""A key's work goes to one address, and moves only when it has to."""

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
def test_every_address_is_tried_once_in_an_order_of_the_key(given: list[str], key: str) -> None:
    order = ranked(given, key)
    assert sorted(order) == sorted(given)
    assert ranked(reversed([*given, *given]), key) == order


@given(addresses, st.text(), st.data())
def test_without_an_address_the_others_keep_their_order(
    given: list[str], key: str, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(given))
    left = [each for each in given if each != gone]
    assert ranked(left, key) == tuple(each for each in ranked(given, key) if each != gone)


@pytest.mark.feature("J11")
def test_keys_spread_over_all_addresses_and_those_of_a_lost_one_over_the_rest() -> None:
    fleet = [f"tcp://10.0.0.{number}:1234" for number in range(5)]
    orders = [ranked(fleet, f"project {number}") for number in range(5000)]
    assert all(850 < count < 1150 for count in Counter(order[0] for order in orders).values())
    moved = Counter(order[1] for order in orders if order[0] == fleet[0])
    assert len(moved) == 4
    assert all(170 < count < 340 for count in moved.values())


def test_a_worker_suits_by_its_own_platform_then_by_those_that_it_emulates() -> None:
    names = ("linux/amd64", "linux/amd64/v2", "linux/386", "linux/arm64")
    amd64, _, i386, arm64 = offered = [Platform.parse(name) for name in names]
    assert [distance(offered, [each]) for each in offered] == [0, 1, 1, 1]
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
    """Daemons by their addresses; those without platforms cannot be reached."""

    offered: dict[str, tuple[Platform, ...] | None]
    members: list[FakeMember] = field(factory=list)

    def connect(self, address: str) -> FakeMember:
        platforms = self.offered[address]
        if platforms is None:
            raise ConnectError(f"cannot connect to {address}", hint="start it")
        self.members.append(FakeMember(address, platforms))
        return self.members[-1]

    def reach(self, *platforms: Platform) -> str:
        """Return the address that is taken; all other connections must be closed."""
        chosen = reach(self.offered, self.connect, platforms=platforms)
        assert [each for each in self.members if each.is_open] == [chosen]
        return chosen.address


def test_the_first_that_can_be_reached_is_taken() -> None:
    fleet = Fleet({"a": None, "b": (AMD64,), "c": (ARM64,)})
    assert fleet.reach() == "b"
    assert len(fleet.members) == 1


@pytest.mark.parametrize(
    ("platforms", "address"),
    [((AMD64,), "b"), ((ARM64,), "c"), ((AMD64, ARM64), "b")],
)
def test_a_daemon_of_the_platform_comes_before_one_that_emulates_it(
    platforms: tuple[Platform, ...], address: str
) -> None:
    fleet = Fleet({"a": None, "b": (AMD64, ARM64), "c": (ARM64,), "d": (AMD64, ARM64)})
    assert fleet.reach(*platforms) == address


def test_a_daemon_without_the_platform_is_better_than_none() -> None:
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


def test_no_daemon_that_can_be_reached_is_an_error_with_all_reasons() -> None:
    with pytest.raises(ConnectError) as caught:
        Fleet({"a": None, "b": None}).reach()
    assert caught.value.message == (
        "none of 2 addresses is reached: cannot connect to a; cannot connect to b"
    )


def test_one_daemon_that_cannot_be_reached_is_its_own_error() -> None:
    with pytest.raises(ConnectError) as caught:
        Fleet({"a": None}).reach()
    assert (caught.value.message, caught.value.hint) == ("cannot connect to a", "start it")


def test_no_address_is_an_error() -> None:
    with pytest.raises(ConnectError, match="no address is given"):
        Fleet({}).reach()
