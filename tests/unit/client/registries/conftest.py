"""Requests to test servers ignore the proxies of the environment."""

from __future__ import annotations

import pytest

from llb.client.registries import tokens
from tests.timing import SECONDS


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the proxies of the environment, and give servers time to answer."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(tokens, "_TIMEOUT_SECONDS", SECONDS)
