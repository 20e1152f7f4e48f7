"""Entitlements are validated."""

from __future__ import annotations

import pytest

from llb.client.entitlements import to_entitlement
from llb.errors import InvalidValueError


@pytest.mark.feature("K11")
def test_an_unknown_entitlement_is_refused() -> None:
    assert to_entitlement("device=vendor.com/gpu") == "device=vendor.com/gpu"
    with pytest.raises(InvalidValueError) as caught:
        to_entitlement("network.hots")
    assert caught.value.hint == "did you mean network.host?"
