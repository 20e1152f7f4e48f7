"""A cache in S3 gets the credentials of AWS, from the environment or from botocore."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

from llb.client.caches import parse_cache, with_environment

if TYPE_CHECKING:
    import pytest

ENVIRON = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
FOUND = {"access_key_id": "id", "secret_access_key": "secret"}


def find(environ: dict[str, str]) -> dict[str, str]:
    cache = with_environment(parse_cache("type=s3,bucket=b,region=r"), environ)
    return {key: value for key, value in cache.attrs.items() if key not in ("bucket", "region")}


def install_botocore(monkeypatch: pytest.MonkeyPatch, credentials: object) -> None:
    """Install a package of the form of botocore, which is not among our dependencies."""
    session = ModuleType("botocore.session")
    session.get_session = lambda: SimpleNamespace(get_credentials=lambda: credentials)  # type: ignore[attr-defined]
    package = ModuleType("botocore")
    package.session = session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "botocore", package)
    monkeypatch.setitem(sys.modules, "botocore.session", session)


def test_the_environment_has_credentials() -> None:
    assert find(ENVIRON) == FOUND
    assert find(ENVIRON | {"AWS_SESSION_TOKEN": "t"}) == FOUND | {"session_token": "t"}


def test_without_botocore_there_are_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert find({}) == {}
    assert find({"AWS_ACCESS_KEY_ID": "id"}) == {}


def test_botocore_finds_others(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = SimpleNamespace(access_key="id", secret_key="secret", token=None)
    install_botocore(monkeypatch, SimpleNamespace(get_frozen_credentials=lambda: frozen))
    assert find({}) == FOUND
    install_botocore(monkeypatch, None)
    assert find({}) == {}
