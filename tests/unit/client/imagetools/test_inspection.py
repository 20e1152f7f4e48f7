"""Images in registries are shown as values, as text and with templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client import imagetools
from llb.errors import InputError, RegistryError
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import FakeRegistry, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        fill(registry)
        yield registry


def inspect(registry: FakeRegistry, tag: str) -> imagetools.InspectedImage:
    return imagetools.inspect(f"{registry.host}/{REPOSITORY}:{tag}")


def test_an_image_has_its_manifests_configs_and_attestations(registry: FakeRegistry) -> None:
    with inspect(registry, "attested") as image:
        platforms = [str(one.platform) for one in image.manifests]
        assert platforms == ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
        assert image.configs()["linux/arm64"]["author"] == "me & you"
        assert {name: value["z"] for name, value in image.provenance().items()} == {
            "linux/amd64": 1,
            "linux/arm64": 1,
        }
        assert [one["SPDXID"] for one in image.sboms()["linux/amd64"]] == ["x", "x"]
        assert list(image.sboms()) == ["linux/amd64"]


def test_a_single_manifest_has_no_others(registry: FakeRegistry) -> None:
    with inspect(registry, "amd64") as image:
        assert image.manifests == ()
        assert list(image.configs()) == ["linux/amd64"]
        assert image.descriptor.digest == registry.repository(REPOSITORY).tags["amd64"]
        assert (
            image.content == registry.repository(REPOSITORY).manifests[image.descriptor.digest][1]
        )


def test_nothing_but_the_manifest_is_read_for_the_text(registry: FakeRegistry) -> None:
    with inspect(registry, "attested") as image:
        image.text()
    assert [method for method, _ in registry.requests] == ["HEAD", "GET"]


def test_control_characters_of_a_registry_are_shown_as_text(registry: FakeRegistry) -> None:
    store = registry.repository("evil")
    child = {
        "mediaType": "x\x1b[2J",
        "digest": f"sha256:{'0' * 64}",
        "size": 1,
        "platform": {"os": "a\x07", "architecture": "b"},
        "annotations": {"k\x1b": "v\n"},
    }
    kind = "application/vnd.oci.image.index.v1+json"
    store.put_manifest({"mediaType": kind, "manifests": [child]}, "1")
    with imagetools.inspect(f"{registry.host}/evil:1") as image:
        text = image.text()
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"nonsense", "invalid config: it is not JSON"),
        (b'{"created": "yesterday"}', "invalid created: expected a time as in RFC 3339"),
        (b'{"config": {"Env": "x"}}', "invalid Env: expected a list"),
        (b'{"config": 7}', "invalid config: expected a JSON object"),
        (b'{"config": {"Labels": {"a": 1}}}', "invalid Labels: expected strings"),
        (b'{"history": [{"empty_layer": "x"}]}', "invalid empty_layer: expected true or false"),
    ],
)
def test_an_invalid_config_is_an_error(registry: FakeRegistry, config: bytes, reason: str) -> None:
    store = registry.repository("odd")
    kind = "application/vnd.oci.image.manifest.v1+json"
    descriptor = {"mediaType": "c", "digest": store.put_blob(config), "size": len(config)}
    store.put_manifest({"mediaType": kind, "config": descriptor, "layers": []}, "1")
    with (
        imagetools.inspect(f"{registry.host}/odd:1") as image,
        pytest.raises(InputError, match=f"cannot use {registry.host}/odd:1: {reason}"),
    ):
        image.format("{{json .Image}}")


def test_an_invalid_index_is_an_error(registry: FakeRegistry) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    registry.repository("odd").put_manifest({"mediaType": kind, "manifests": 7}, "1")
    with imagetools.inspect(f"{registry.host}/odd:1") as image, pytest.raises(InputError) as caught:
        image.text()
    assert caught.value.message == (
        f"cannot use {registry.host}/odd:1: invalid manifests: expected a list"
    )


def test_indexes_that_are_nested_without_end_are_refused(registry: FakeRegistry) -> None:
    store = registry.repository("deep")
    kind = "application/vnd.oci.image.index.v1+json"
    children: list[dict[str, object]] = []
    for _ in range(2_000):
        digest = store.put_manifest({"mediaType": kind, "manifests": children}, "1")
        children = [{"mediaType": kind, "digest": digest, "size": len(store.manifests[digest][1])}]
    name = f"{registry.host}/deep:1"
    with imagetools.inspect(name) as image, pytest.raises(InputError, match="nested too deeply"):
        image.configs()
    with pytest.raises(InputError, match="nested too deeply"):
        imagetools.create(name, tags=f"{registry.host}/new:1")
    assert registry.repository("new").tags == {}


def test_a_missing_image_is_named(registry: FakeRegistry) -> None:
    with pytest.raises(RegistryError, match=rf"{registry.host}/base/app:no: .* no such manifest"):
        inspect(registry, "no")


def test_the_repr_has_the_name_and_the_digest(registry: FakeRegistry) -> None:
    with inspect(registry, "amd64") as image:
        assert repr(image).startswith(
            f"InspectedImage('{registry.host}/base/app:amd64', digest='sha"
        )
