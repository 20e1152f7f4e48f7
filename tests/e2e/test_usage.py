"""Disk usage and pruning of a daemon's cache."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from llb import Scratch
from llb.client import Client
from llb.client.usage import parse_age, parse_size
from llb.errors import InvalidValueError
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

CONTENT = b"x" * 100_000


def build(client: Client, path: str) -> None:
    """Build a file, and wait until the daemon has released the cache records of the build."""
    client.solve(Scratch().mkfile(path, CONTENT))
    wait_until(lambda: not any(record.in_use for record in client.disk_usage()))


@pytest.mark.feature("P7")
def test_the_cache_is_listed_and_pruned(start_buildkitd: Callable[..., Buildctl]) -> None:
    with Client(start_buildkitd().address) as client:
        assert client.disk_usage() == ()
        build(client, "/a")
        (record,) = client.disk_usage()
        assert (record.description, record.type) == ("mkfile /a", "regular")
        assert record.size >= len(CONTENT)
        assert record.reclaimable
        assert client.disk_usage(filters=["type==exec.cachemount"]) == ()
        assert list(client.prune(unused_for=timedelta(hours=1))) == []
        assert [pruned.id for pruned in client.prune()] == [record.id]
        assert client.disk_usage() == ()


@pytest.mark.feature("P7")
def test_the_command_line_lists_and_prunes_the_cache(
    start_buildkitd: Callable[..., Buildctl],
) -> None:
    address = start_buildkitd().address

    def llb(*arguments: str) -> list[str]:
        process = subprocess.run(
            [sys.executable, "-m", "llb", *arguments, "--addr", address],
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout.splitlines()

    with Client(address) as client:
        build(client, "/a")
    header, first, *_, total = llb("du")
    assert header.split() == ["ID", "SIZE", "LAST", "USED", "DESCRIPTION"]
    (record,) = [json.loads(line) for line in llb("du", "--json")]
    assert (record["description"], record["type"], record["in_use"]) == (
        *("mkfile /a", "regular"),
        False,
    )
    verbose = llb("du", "--verbose")
    assert verbose[:3] == [
        f"id           {record['id']}",
        f"size         {record['size']}",
        "type         regular",
    ]
    assert verbose[verbose.index("") :] == ["", *llb("du")[-2:]]
    assert first.endswith("ago  mkfile /a")
    assert total.startswith("total        1")
    assert llb("prune", "--unused-for", "1d") == ["total        0 B"]
    _, pruned, total = llb("prune", "--max-used-space", "1kB")
    assert pruned.endswith("mkfile /a")
    assert llb("du") == ["reclaimable  0 B", "total        0 B"]
    with Client(address) as client:
        build(client, "/b")
    (pruned,) = llb("prune", "--json")
    assert json.loads(pruned)["description"] == "mkfile /b"


@pytest.mark.feature("P7")
def test_sizes_and_ages_are_parsed() -> None:
    assert [parse_size(value) for value in ("0", "5b", "1.5kB", "2MiB", "1 g")] == [
        *(0, 5, 1500, 2 << 20, 10**9)
    ]
    assert parse_age("1d2h3m4s") == timedelta(days=1, hours=2, minutes=3, seconds=4)


@pytest.mark.feature("P7")
@pytest.mark.parametrize("value", ["", "x", "1x", "-1", "1..5"])
def test_an_invalid_size_or_age_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_size(value)
    with pytest.raises(InvalidValueError):
        parse_age(value)
