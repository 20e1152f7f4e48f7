"""Caches and entitlements as they are written, and what is refused of them."""

from __future__ import annotations

import json

import pytest

from llb.client.caches import Cache, frontend_attrs, inline_cache, parse_cache, registry_cache
from llb.client.entitlements import to_entitlement
from llb.errors import InvalidValueError


@pytest.mark.parametrize(
    ("text", "cache"),
    [
        ("ghcr.io/o/cache:1", Cache("registry", {"ref": "ghcr.io/o/cache:1"})),
        ("type=registry,ref=r/c,mode=max", registry_cache("r/c", mode="max")),
        ("type=inline", inline_cache()),
        (
            'type=s3,bucket=b,"name=x,y"',
            Cache("s3", {"bucket": "b", "name": "x,y"}),
        ),
        ("type=gha,scope=main", Cache("gha", {"scope": "main"})),
    ],
)
def test_caches_are_read_as_from_buildctl(text: str, cache: Cache) -> None:
    assert parse_cache(text) == cache


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ref=x", "invalid cache 'ref=x': it has no type"),
        ("type=registry", "a registry cache needs a ref"),
        (
            "type=regsitry,ref=x",
            "unknown cache 'regsitry': expected registry, inline, gha, s3, azblob",
        ),
        ("type=inline,mode=all", "invalid cache mode 'all': expected min, max"),
        ("type=inline,x", "invalid cache 'type=inline,x': 'x' is no key=value"),
        ("type=local,src=x", "caches in local directories are not supported yet"),
    ],
)
def test_what_is_no_cache_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_cache(text)
    assert caught.value.message == message


def test_a_frontend_is_told_of_caches() -> None:
    attrs = frontend_attrs([registry_cache("r/c")])
    assert json.loads(attrs["cache-imports"]) == [
        {"Type": "registry", "Attrs": {"ref": "r/c", "mode": "min"}}
    ]
    assert frontend_attrs([]) == {}


def test_an_unknown_entitlement_is_refused() -> None:
    assert to_entitlement("device=vendor.com/gpu") == "device=vendor.com/gpu"
    with pytest.raises(InvalidValueError) as caught:
        to_entitlement("network.hots")
    assert caught.value.hint == "did you mean network.host?"
