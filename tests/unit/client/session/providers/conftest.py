"""Requests to test servers ignore the proxies of the environment."""

from tests.unit.client.registries.conftest import no_proxies

__all__ = ["no_proxies"]
