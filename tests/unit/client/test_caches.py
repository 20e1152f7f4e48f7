"""Caches and entitlements are parsed and validated."""

from __future__ import annotations

import json

import pytest

from llb.client.caches import (
    Cache,
    check_source,
    check_target,
    frontend_attrs,
    inline_cache,
    local_cache,
    parse_cache,
    parse_caches,
    registry_cache,
    with_environment,
)
from llb.errors import InvalidValueError, UnknownKeyWarning


@pytest.mark.feature("M5")
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
def test_caches_are_parsed_as_by_buildctl(text: str, cache: Cache) -> None:
    assert parse_cache(text) == cache


def test_one_option_may_name_several_references() -> None:
    assert parse_caches("a,ghcr.io/b:1") == (registry("a"), registry("ghcr.io/b:1"))
    assert parse_caches('type=local,"src=a,b"') == (Cache("local", {"src": "a,b"}),)


def registry(ref: str) -> Cache:
    return Cache("registry", {"ref": ref})


@pytest.mark.feature("M5")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ref=x", "invalid cache 'ref=x': missing type"),
        ("type=registry", "a registry cache needs a ref"),
        (
            "type=regsitry,ref=x",
            "unknown cache 'regsitry': expected registry, local, inline, gha, s3, azblob",
        ),
        ("type=inline,mode=all", "invalid cache mode 'all': expected min, max"),
        ("type=inline,x", "invalid cache 'type=inline,x': 'x' is not key=value"),
        ("type=s3,buckt=x", "unknown attribute 'buckt' of the cache s3"),
        (
            'type=inline,"x',
            (
                "invalid cache 'type=inline,\"x': parse error on line 1, column 14: "
                'extraneous or missing " in quoted-field'
            ),
        ),
        ("a,b", "invalid reference 'a,b': expected [domain/]name[:tag][@digest]"),
        (
            "type=registry,ref=a b",
            "invalid reference 'a b': expected [domain/]name[:tag][@digest]",
        ),
    ],
)
def test_an_invalid_cache_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_cache(text)
    assert caught.value.message == message


@pytest.mark.feature("M5")
@pytest.mark.parametrize(
    ("text", "read", "written"),
    [
        ("type=local,tag=a", "a local cache that is read needs a src", "written needs a dest"),
        ("type=inline", "an inline cache is imported from its image", None),
        ("type=local,src=x", None, "a local cache that is written needs a dest"),
        ("type=local,dest=x", "a local cache that is read needs a src", None),
        ("type=local,dest=x,reset=maybe", "needs a src", "invalid reset 'maybe'"),
    ],
)
def test_import_only_and_export_only_caches_are_refused(
    text: str, read: str | None, written: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL"):
        monkeypatch.delenv(name, raising=False)
    for check, message in ((check_source, read), (check_target, written)):
        if message is None:
            assert check(parse_cache(text)).type in text
        else:
            with pytest.raises(InvalidValueError, match=message):
                check(parse_cache(text))


@pytest.mark.feature("M4")
def test_a_gha_cache_gets_its_url_and_token_from_the_runner() -> None:
    environ = {
        "ACTIONS_CACHE_SERVICE_V2": "true",
        "ACTIONS_RESULTS_URL": "https://results",
        "ACTIONS_RUNTIME_TOKEN": "t0k3n",
    }
    cache = with_environment(parse_cache("type=gha,scope=main"), environ)
    assert cache.attrs == {
        "scope": "main",
        "url": "https://results",
        "url_v2": "https://results",
        "token": "t0k3n",
    }
    assert repr(cache) == (
        "Cache(type='gha', attrs={'url_v2': 'https://results', 'url': 'https://results', "
        "'token': '***', 'scope': 'main'})"
    )
    assert with_environment(cache, {}) == cache


def test_a_cache_in_s3_gets_the_credentials_of_aws() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    cache = parse_cache("type=s3,bucket=b,region=r")
    assert with_environment(cache, environ).attrs == {
        "bucket": "b",
        "region": "r",
        "access_key_id": "id",
        "secret_access_key": "s",
        "session_token": "t",
    }
    own = parse_cache("type=s3,bucket=b,region=r,access_key_id=a,secret_access_key=b")
    assert with_environment(own, environ) == own


def test_a_local_cache_has_different_attributes_for_import_and_export() -> None:
    cache = local_cache("cache", mode="max", tag="main", reset=True)
    assert check_source(cache).attrs == {"src": "cache", "tag": "main"}
    assert check_target(cache).attrs == {
        "dest": "cache",
        "mode": "max",
        "tag": "main",
        "reset": "true",
    }


def test_imported_caches_become_a_frontend_attribute() -> None:
    attrs = frontend_attrs([registry_cache("r/c")])
    assert json.loads(attrs["cache-imports"]) == [
        {"Type": "registry", "Attrs": {"ref": "r/c", "mode": "min"}}
    ]
    assert frontend_attrs([]) == {}


def test_an_attribute_of_a_newer_daemon_is_sent_with_a_warning() -> None:
    with pytest.warns(UnknownKeyWarning, match="nearest known one is region"):
        cache = parse_cache("type=s3,bucket=b,region-set=eu")
    assert cache.attrs["region-set"] == "eu"


@pytest.mark.parametrize(
    "text", ["type=gha,token=S3CR3T,url", "type=s3,secret_access_key=S3CR3T,x", "token=S3CR3T,a=b"]
)
def test_errors_do_not_repeat_secrets(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_cache(text)
    assert "S3CR3T" not in str(caught.value)
    assert "=…" in caught.value.message
