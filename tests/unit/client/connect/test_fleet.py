"""A key's work goes to one address, and moves only when it has to."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.fleet import distance, ranked
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
