"""Of several daemons, the first that can be reached and has the platforms is taken."""

from __future__ import annotations

import pytest
from attrs import define, field

from llb.client.control import Worker
from llb.client.fleet import reach
from llb.errors import ConnectError
from llb.platforms import Platform

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
