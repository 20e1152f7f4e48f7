"""Results that targets hand over to others."""

from __future__ import annotations

import pytest

from llb.bake.building.links import Inputs, Link
from llb.errors import CancelledError


def test_a_result_that_will_not_be_is_a_cancelled_build() -> None:
    link = Link("base", 1)
    link.close()
    with pytest.raises(CancelledError, match="the target base, which it uses, was not built"):
        Inputs().add("b", link)
