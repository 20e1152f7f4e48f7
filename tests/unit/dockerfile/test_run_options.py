"""Options of a client that apply to every RUN."""

from __future__ import annotations

import pytest

from llb.dockerfile.run_options import ProcessOptions, parse_process_options
from llb.errors import InvalidValueError
from llb.ops.nodes import LinuxResources, Network


def test_empty_options_are_defaults() -> None:
    assert parse_process_options({"target": "x", "ulimit": ""}) == ProcessOptions()


def test_options_are_parsed() -> None:
    options = parse_process_options(
        {
            "force-network-mode": "none",
            "hostname": "other",
            "build-arg:BUILDKIT_SANDBOX_HOSTNAME": "box",
            "add-hosts": 'One=1.2.3.4,"two=::FFFF:1.2.3.4",six=fe80::0:1',
            "ulimit": "nofile=1024:-1",
            "shm-size": "64",
            "cgroup-parent": "/c",
            "memory": "1",
            "memswap": "-1",
            "cpusetcpus": "0-3, 5",
        }
    )
    assert options.network is Network.NONE
    assert options.hostname == "box"
    assert options.extra_hosts == (("one", "1.2.3.4"), ("two", "1.2.3.4"), ("six", "fe80::1"))
    assert [(ulimit.name, ulimit.soft, ulimit.hard) for ulimit in options.ulimits] == [
        ("nofile", 1024, -1)
    ]
    assert (options.shm_size, options.cgroup_parent) == (64, "/c")
    assert options.resources == LinuxResources(memory=1, memory_swap=-1, cpuset_cpus="0-3, 5")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("force-network-mode", "bridge"),
        ("add-hosts", "a"),
        ("add-hosts", "a=b"),
        ("add-hosts", "a=fe80::1%eth0"),
        ("add-hosts", 'a="1.2.3.4"'),
        ("ulimit", "nofile"),
        ("ulimit", "files=1"),
        ("ulimit", "nofile=2:1"),
        ("ulimit", "nofile=-1:1"),
        ("ulimit", "nofile=1:2:3"),
        ("shm-size", "1m"),
        ("memory", "0"),
        ("memory", "9223372036854775808"),
        ("memswap", "-2"),
        ("cpuquota", "-1"),
        ("cpusetcpus", "3-1"),
        ("cpusetcpus", "1-"),
        ("cpusetmems", "9000"),
        ("cpusetmems", "a"),
    ],
)
def test_invalid_values_are_refused_by_option(key: str, value: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_process_options({key: value})
    assert caught.value.message == f"invalid value for {key}: {value}"
