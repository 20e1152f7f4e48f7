"""The address of the host is known to the BuildKit of Docker alone."""

from __future__ import annotations

import pytest

from llb.client import Client, InputError
from llb.testing import FakeDaemon


def test_a_daemon_without_the_address_of_its_host_is_named() -> None:
    with FakeDaemon() as daemon, Client(daemon.address) as client:
        with pytest.raises(InputError) as caught:
            client.build_image(
                {"Dockerfile": "FROM scratch"}, extra_hosts=["a:1.2.3.4", "b:host-gateway"]
            )
        assert daemon.builds == ()
    assert caught.value.message == f"the daemon at {client.address} has no address for host-gateway"
    assert caught.value.hint == "name an IP address, or build with the BuildKit of Docker"
