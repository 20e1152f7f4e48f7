"""Builders are stored in the JSON of buildx."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from llb.client.builders.instance import (
    BuilderInstance,
    BuilderNode,
    from_json,
    normal_name,
    to_json,
)
from llb.errors import InputError, InvalidValueError
from llb.platforms import Platform

ARM = Platform.parse("linux/arm64")
FULL = BuilderInstance(
    "ci",
    "docker-container",
    (
        BuilderNode("ci0", "default"),
        BuilderNode(
            "ci1",
            "ssh://arm",
            (ARM, Platform.parse("linux/arm/v7"), Platform.parse("windows(10.0+a)/amd64")),
            {"network": "host", "image": "moby/buildkit:<latest>"},
            ("--debug",),
            {"buildkitd.toml": b"debug = true\n"},
        ),
    ),
)
# As buildx 0.38 writes it: json.Marshal of store.NodeGroup.
STORED = (
    b'{"Name":"ci","Driver":"docker-container","Nodes":['
    b'{"Name":"ci0","Endpoint":"default","Platforms":null,"DriverOpts":null,"Flags":null,'
    b'"Files":null},'
    b'{"Name":"ci1","Endpoint":"ssh://arm","Platforms":['
    b'{"architecture":"arm64","os":"linux"},'
    b'{"architecture":"arm","os":"linux","variant":"v7"},'
    b'{"architecture":"amd64","os":"windows","os.version":"10.0","os.features":["a"]}],'
    b'"DriverOpts":{"image":"moby/buildkit:\\u003clatest\\u003e","network":"host"},'
    b'"Flags":["--debug"],"Files":{"buildkitd.toml":"ZGVidWcgPSB0cnVlCg=="}}],'
    b'"Dynamic":false}'
)


def test_builders_are_encoded_and_decoded_as_buildx_does() -> None:
    assert to_json(FULL) == STORED
    assert from_json(STORED, "file") == FULL


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"{}", b'{"Name":"a","Nodes":[{}]}', b"\xff"])
def test_another_file_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^/x/ci is not a builder of buildx"):
        from_json(data, "/x/ci")


def test_fields_of_a_newer_buildx_are_known() -> None:
    content = json.loads(STORED)
    content["Labels"] = {}
    content["Nodes"][1]["Zone"] = "b"
    instance = from_json(json.dumps(content).encode(), "file")
    assert instance == evolve(FULL, unknown_fields=("Labels", "Nodes.Zone"))


def test_a_new_node_takes_its_platforms_from_the_others() -> None:
    node = BuilderNode("ci2", "tcp://other:2376", (ARM,))
    changed = FULL.with_node(node)
    assert [other.name for other in changed.nodes] == ["ci0", "ci1", "ci2"]
    assert [str(platform) for platform in changed.nodes[1].platforms] == [
        "linux/arm/v7",
        "windows(10.0+a)/amd64",
    ]
    assert changed.nodes[2] == node


def test_a_node_of_the_same_name_is_replaced() -> None:
    node = BuilderNode("ci0", "unix:///other.sock")
    assert FULL.with_node(node).nodes == (node, FULL.nodes[1])


def test_an_endpoint_belongs_to_one_node() -> None:
    with pytest.raises(
        InvalidValueError, match=r"the node 'ci1' .* has the endpoint ssh://arm alr"
    ):
        FULL.with_node(BuilderNode("ci2", "ssh://arm"))


def test_a_node_leaves() -> None:
    changed = FULL.without_node("ci0")
    assert changed.nodes == (FULL.nodes[1],)
    with pytest.raises(InvalidValueError, match="'ci1' is the last node of the builder 'ci'"):
        changed.without_node("ci1")
    with pytest.raises(InvalidValueError, match="the builder 'ci' has no node 'ci2'") as caught:
        FULL.without_node("ci2")
    assert caught.value.hint == "did you mean ci1?"


def test_the_next_name_has_the_first_free_number() -> None:
    assert FULL.next_node_name() == "ci2"
    assert FULL.without_node("ci0").next_node_name() == "ci0"


def test_names_are_checked_and_written_in_lower_case() -> None:
    assert normal_name("Ci.1_2-3") == "ci.1_2-3"
    for name in ("", "1a", "-a", "a b", "a/b", "../a", "ä"):
        with pytest.raises(InvalidValueError, match="invalid name"):
            normal_name(name)
