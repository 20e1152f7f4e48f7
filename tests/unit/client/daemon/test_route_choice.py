"""The daemons of a client, as its arguments name them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from llb.client import TLS, Builder
from llb.client.daemon.route_choice import choose_nodes
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

AMD, ARM = "tcp://amd:1234", "tcp://arm:1234"


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    builder = Builder.create("pair", driver="remote", endpoint=AMD, platforms=["linux/amd64"])
    builder.append(endpoint=ARM)
    return builder


def test_several_addresses_are_nodes_and_a_builder_is_all_of_its_own(pair: Builder) -> None:
    addresses = ["unix:///a.sock", f"builder://{pair.name}", "unix:///a.sock"]
    nodes = choose_nodes(addresses, None, None, None)
    assert [node.name for node in nodes] == ["unix:///a.sock", "pair0", "pair1"]
    assert [node.choose().address for node in nodes] == ["unix:///a.sock", AMD, ARM]
    assert [list(map(str, node.platforms)) for node in nodes] == [[], ["linux/amd64"], []]
    assert pair.last_activity is not None


@pytest.mark.parametrize("addresses", ["builder://pair", [AMD, "builder://pair"]])
def test_certificates_are_not_for_builders(addresses: str | list[str], pair: Builder) -> None:
    assert pair.nodes
    with pytest.raises(InvalidValueError, match="TLS is for tcp:// addresses, not for builder://"):
        choose_nodes(addresses, TLS(), None, None)


def test_a_dialer_opens_the_connections_to_one_daemon() -> None:
    with pytest.raises(InvalidValueError, match="to one daemon, not to several"):
        choose_nodes([AMD, ARM], None, socket.socket, None)


def test_nodes_have_different_names(pair: Builder) -> None:
    Builder.create("other", driver="remote", node="pair0", endpoint=ARM)
    with pytest.raises(InvalidValueError, match="two nodes have the name 'pair0'"):
        choose_nodes([f"builder://{pair.name}", "builder://other"], None, None, None)
