"""Plans in Python: changed targets, selections, and names that are not there."""

from __future__ import annotations

import pytest
from attrs import evolve

from llb import bake
from llb.errors import BakeFileError


def test_a_target_is_changed_and_built_under_its_name() -> None:
    plan = bake.Plan([bake.Target("app", tags=["old"], inherits=["base"]), bake.Target("base")])
    plan = plan.with_target(evolve(plan["app"], tags=["new"]))
    plan = plan.with_target(evolve(plan["base"], args={"A": "1"}))
    target = plan.select(["app"]).targets["app"]
    assert (target.tags, target.args, target.context) == (("new",), {"A": "1"}, ".")


def test_groups_are_added_and_replaced() -> None:
    plan = bake.Plan([bake.Target("a"), bake.Target("b")], [bake.Group("default", ["a"])])
    plan = plan.with_group(bake.Group("default", ["b"]))
    assert list(plan.select().targets) == ["b"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ap"], "there is no target 'ap' (did you mean app?)"),
        (["x*"], "could not find any target matching 'x*'"),
        (["loop"], "group cycle: the group 'loop' contains itself"),
    ],
)
def test_a_name_that_is_not_there_is_an_error(names: list[str], message: str) -> None:
    plan = bake.Plan(
        [bake.Target("app")], [bake.Group("loop", ["inner"]), bake.Group("inner", ["loop"])]
    )
    with pytest.raises(BakeFileError) as caught:
        plan.select(names)
    assert str(caught.value) == message


def test_a_missing_target_names_the_nearest_one() -> None:
    with pytest.raises(BakeFileError, match=r"there is no target 'bb' \(did you mean bbb\?\)"):
        bake.Plan([bake.Target("bbb")])["bb"]
