"""Descriptors are read and written as Go does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.client.registries.descriptors import (
    Descriptor,
    detect_media_type,
    digest_of,
    parse_json,
    platform_name,
)
from llb.errors import InvalidValueError
from llb.platforms import Platform

DIGEST = digest_of(b"")
WORDS = st.text("ab.1/", max_size=3)
PLATFORMS = st.builds(
    Platform,
    os=WORDS,
    architecture=WORDS,
    variant=st.none() | WORDS.filter(bool),
    os_version=st.none() | WORDS.filter(bool),
    os_features=st.lists(WORDS, max_size=2).map(tuple),
)
DESCRIPTORS = st.builds(
    Descriptor,
    media_type=WORDS,
    digest=st.just(DIGEST),
    size=st.integers(0, 2**63),
    urls=st.lists(WORDS, max_size=2).map(tuple),
    annotations=st.dictionaries(WORDS, WORDS, max_size=3),
    data=st.none() | st.binary(min_size=1, max_size=3),
    platform=st.none() | PLATFORMS,
    artifact_type=st.none() | WORDS.filter(bool),
)


@given(DESCRIPTORS)
def test_a_descriptor_is_read_as_it_was_written(descriptor: Descriptor) -> None:
    assert Descriptor.from_json(json.loads(json.dumps(descriptor.to_json()))) == descriptor


def test_fields_are_in_the_order_of_go() -> None:
    descriptor = Descriptor(
        "m",
        DIGEST,
        1,
        urls=("u",),
        annotations={"b": "1", "a": "2"},
        data=b"d",
        platform=Platform("o", "a", "v", "1", ("f",)),
        artifact_type="t",
    )
    assert json.dumps(descriptor.to_json()) == (
        f'{{"mediaType": "m", "digest": "{DIGEST}", "size": 1, "urls": ["u"], '
        '"annotations": {"a": "2", "b": "1"}, "data": "ZA==", "platform": {"architecture": "a", '
        '"os": "o", "os.version": "1", "os.features": ["f"], "variant": "v"}, "artifactType": "t"}'
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "invalid descriptor: expected a JSON object"),
        ({}, "invalid digest ''"),
        ({"digest": DIGEST, "size": "1"}, "invalid size: expected a whole number"),
        ({"digest": DIGEST, "size": True}, "invalid size: expected a whole number"),
        ({"digest": DIGEST, "size": -1}, "invalid size -1"),
        ({"digest": DIGEST, "mediaType": 7}, "invalid mediaType: expected a string"),
        ({"digest": DIGEST, "urls": "u"}, "invalid urls: expected a list"),
        ({"digest": DIGEST, "urls": [7]}, "invalid urls: expected a list of strings"),
        ({"digest": DIGEST, "annotations": {"a": 1}}, "invalid annotations: expected strings"),
        ({"digest": DIGEST, "data": "?"}, "invalid data of a descriptor"),
        ({"digest": DIGEST, "platform": "x"}, "invalid platform: expected a JSON object"),
        ({"digest": "md5:0"}, "invalid digest 'md5:0'"),
    ],
)
def test_invalid_descriptors_are_refused(value: object, reason: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Descriptor.from_json(value)
    assert caught.value.message.startswith(reason)


def test_null_is_what_is_absent() -> None:
    value = {"digest": DIGEST, "size": None, "annotations": None, "platform": None}
    assert Descriptor.from_json(value) == Descriptor("", DIGEST, 0)


def test_lone_surrogates_become_replacement_characters() -> None:
    parsed = parse_json(rb'{"a\ud800": ["\udfff", "\ud83d\ude00"]}', "text")
    assert parsed == {"a\ufffd": ["\ufffd", "😀"]}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"mediaType": "x"}', "x"),
        (b'{"config": {}}', "application/vnd.docker.distribution.manifest.v2+json"),
        (b'{"fsLayers": ["x"]}', "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        (b"{}", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
def test_the_type_of_a_manifest_is_detected(content: bytes, kind: str) -> None:
    assert detect_media_type(content) == kind


def test_a_platform_without_a_system_is_unknown() -> None:
    assert platform_name(Platform("", "amd64")) == "unknown"
