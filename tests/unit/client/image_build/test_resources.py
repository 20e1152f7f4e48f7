"""Limits of the resources of steps become attributes of the frontend."""

from __future__ import annotations

import pytest

from llb.client.image_build.resources import resource_attrs, to_resources
from llb.errors import InvalidValueError


@pytest.mark.parametrize(
    ("value", "attrs"),
    [
        (None, {}),
        ("memory=2g", {"memory": "2147483648"}),
        (["memory = 1k", "memory-swap=-1"], {"memory": "1024", "memswap": "-1"}),
        (
            {"cpu-shares": 512, "cpu-period": "100000", "cpu-quota": 7},
            {"cpushares": "512", "cpuperiod": "100000", "cpuquota": "7"},
        ),
        (
            {"cpuset-cpus": "0-3", "cpuset-mems": "0,1"},
            {"cpusetcpus": "0-3", "cpusetmems": "0,1"},
        ),
        ({"memory": 0, "cpu-shares": 0, "cpu-quota": -1, "cpuset-cpus": ""}, {}),
        ({"cpuset-cpus": "0", "cpuset-mems": "0"}, {"cpusetcpus": "0", "cpusetmems": "0"}),
    ],
)
def test_limits_are_attributes(value: object, attrs: dict[str, str]) -> None:
    assert resource_attrs(to_resources(value)) == attrs


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["memory"], "invalid resources 'memory': expected NAME=LIMIT"),
        ([1], "invalid resources 1: expected NAME=LIMIT"),
        ({"cpu-shares": "many"}, "invalid resources cpu-shares=many: expected a whole number"),
        ({"cpu-quota": True}, "invalid resources cpu-quota=True: expected a string or a number"),
        ({"memory": "much"}, "invalid resources memory 'much': expected a size such as 64m"),
    ],
)
def test_an_invalid_limit_is_refused(value: object, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_resources(value)
    assert caught.value.message == message


def test_a_mistyped_name_is_suggested() -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_resources({"memmory": "1g"}, "--resource")
    message = "unknown name 'memmory' in --resource: expected memory, memory-swap, "
    assert caught.value.message.startswith(message)
    assert caught.value.hint == "did you mean memory?"
