"""Environment variables keep the order of their last assignment, however they are assigned."""

from __future__ import annotations

import pytest

from llb.ops.env import Env, EnvIndex

FEW = [("A", "1"), ("B", "2")]
MANY = [(name, name.lower()) for name in "ABCDEF"]


@pytest.mark.parametrize("pairs", [FEW, MANY], ids=["few", "many"])
def test_a_variable_that_is_set_again_moves_to_the_end(pairs: list[tuple[str, str]]) -> None:
    env = Env().set_all([*pairs, ("A", "new")])
    assert env.items() == (*pairs[1:], ("A", "new"))


@pytest.mark.parametrize("pairs", [FEW, MANY], ids=["few", "many"])
def test_assigned_variables_move_behind_the_existing_ones(
    pairs: list[tuple[str, str]],
) -> None:
    before = Env().set("B", "old").set("Z", "26")
    after = before.set_all(pairs)
    assert after.items() == (("Z", "26"), *pairs)
    assert before.items() == (("B", "old"), ("Z", "26"))


@pytest.mark.parametrize("pairs", [FEW, MANY], ids=["few", "many"])
def test_a_variable_without_a_value_is_removed(pairs: list[tuple[str, str]]) -> None:
    env = Env().set("X", "1").set_all([*pairs, ("A", None), ("X", None)])
    assert env.items() == tuple(pairs[1:])


def test_a_removed_variable_comes_back_at_the_end() -> None:
    env = Env().set_all(MANY).set("C", None).set("C", "again")
    assert env.items() == (*MANY[:2], *MANY[3:], ("C", "again"))


def test_an_image_keeps_the_position_of_the_first_assignment() -> None:
    env = Env().set("A", "1").set("B", "2").set("A", "3").set("C", None)
    assert env.image_items() == (("A", "3"), ("B", "2"))


def test_an_image_contains_no_argument_variables() -> None:
    env = Env(Env().set("A", "1"), "B", "2", is_argument=True)
    assert (env.items(), env.image_items()) == ((("A", "1"), ("B", "2")), (("A", "1"),))


def test_a_removed_variable_is_not_in_the_image() -> None:
    env = Env().set_all(MANY).set("D", None).set("E", "5")
    assert env.image_items() == (*MANY[:3], ("E", "5"), MANY[5])


def test_a_long_environment_keeps_the_order_link_by_link() -> None:
    env = Env().set_all([(f"V{number}", "old") for number in range(100)])
    for number in range(100):
        env = env.set(f"V{number}", "new")
        assert env.items()[-1] == (f"V{number}", "new")
    assert env.items() == tuple((f"V{number}", "new") for number in range(100))


def test_assignments_are_repeated_on_another_environment() -> None:
    moved: dict[int, Env] = {}
    base = Env().set("PATH", "/go/bin").set("HOME", "/root").set("LANG", "C")
    own = Env().set("A", "1").set_all([("PATH", "/p"), ("LANG", None)], linked=True)
    more = own.set("B", "2")
    assert own.on(base, moved).items() == (("HOME", "/root"), ("A", "1"), ("PATH", "/p"))
    assert own.on(base, moved).image_items() == (("PATH", "/p"), ("HOME", "/root"), ("A", "1"))
    # The links that both share are repeated once.
    assert more.on(base, moved).parent is own.on(base, moved)
    assert Env().on(base, moved) is base


def test_a_linked_environment_keeps_removals_of_many_variables() -> None:
    env = Env().set_all([*MANY, (MANY[0][0], None)], linked=True)
    assert env.on(Env().set(MANY[0][0], "base"), {}).items() == env.items()


def test_an_environment_knows_what_was_assigned() -> None:
    env = Env().set("A", "1").set("B", None)
    assert [env.assigns(key) for key in "ABC"] == [True, True, False]
    assert [Env().set_all(MANY).assigns(key) for key in (MANY[0][0], "none")] == [True, False]


def test_repr_shows_the_variables_as_assignments() -> None:
    assert repr(Env().set("A", "1").set("B", "two words")) == "Env(A=1, B=two words)"


def test_an_index_follows_an_environment() -> None:
    index = EnvIndex()
    env = Env().set("A", "1").set("B", "2")
    assert list(index.follow(env).items()) == [("A", "1"), ("B", "2")]
    later = env.set("A", "3").set("B", None).set("C", "4")
    assert list(index.follow(later).items()) == list(later.items()) == [("A", "3"), ("C", "4")]


def test_an_index_can_switch_to_another_environment() -> None:
    index = EnvIndex()
    index.follow(Env().set("A", "1"))
    assert index.follow(Env()) == {}
    assert index.follow(Env().set_all([(name, "x") for name in "BCDEF"])) == dict.fromkeys(
        "BCDEF", "x"
    )
