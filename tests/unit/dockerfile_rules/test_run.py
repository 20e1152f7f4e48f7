"""RUN: the names and paths of its mounts, and its proxies."""

from __future__ import annotations

import pytest

from llb.dockerfile_rules.run import (
    cache_id,
    is_proxy,
    mount_selector,
    parse_proxies,
    secret_target,
)


def test_a_cache_is_named_in_a_namespace_by_its_id_or_target() -> None:
    assert cache_id("", "", "/root/../c/") == "//c"
    assert cache_id("ns", "mine", "/c") == "ns/mine"


@pytest.mark.parametrize(("source", "selector"), [("", ""), ("/", ""), ("a/../b", "/b")])
def test_a_whole_tree_has_no_selector(source: str, selector: str) -> None:
    assert mount_selector(source) == selector


@pytest.mark.parametrize(
    ("name", "target"),
    [("key", "/run/secrets/key"), ("a/b", "/run/secrets/b"), ("/", "/run/secrets//")],
)
def test_a_secret_file_has_the_last_part_of_its_id(name: str, target: str) -> None:
    assert secret_target(name) == target


def test_the_last_of_two_spellings_of_a_proxy_wins() -> None:
    proxies = parse_proxies({"http_proxy": "b", "HTTP_PROXY": "a", "OTHER": "c"})
    assert proxies is not None
    assert (proxies.http_proxy, proxies.no_proxy) == ("b", "")
    assert parse_proxies({"OTHER": "c"}) is None


def test_a_build_arg_names_a_proxy_in_any_case() -> None:
    assert is_proxy("All_Proxy")
    assert not is_proxy("socks_proxy")
