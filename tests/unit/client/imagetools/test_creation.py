"""Images are created whole: nothing leads to an image of which a part is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client import imagetools
from llb.client.export.image_options import Annotation
from llb.client.progress.events import Vertex, VertexLog
from llb.errors import InputError, InvalidValueError, RegistryError
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import FakeRegistry, digest_of, error, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.progress.events import Event


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        fill(registry)
        yield registry


@pytest.fixture
def client() -> Iterator[imagetools.RegistryClient]:
    with imagetools.RegistryClient(credentials={"*": None}) as client:
        yield client


def app(registry: FakeRegistry, tag: str) -> str:
    return f"{registry.host}/{REPOSITORY}:{tag}"


def test_an_image_tells_its_names(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    tags = [f"{registry.host}/b/app:2", f"{registry.host}/a/app"]
    image = imagetools.create(app(registry, "multi"), tags=tags, client=client)
    assert image.tags == (tags[0], f"{tags[1]}:latest")
    assert image.repositories == (f"{registry.host}/a/app", f"{registry.host}/b/app")
    assert registry.repository("b/app").tags == {"2": image.descriptor.digest}
    assert image.metadata["image.name"] == ",".join(image.repositories)


def test_a_dry_run_writes_nothing(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    sources = [app(registry, "amd64"), app(registry, "arm64")]
    image = imagetools.create(sources, dry_run=True, client=client)
    assert [one["digest"] for one in json.loads(image.content)["manifests"]] == [
        registry.repository(REPOSITORY).tags[tag] for tag in ("amd64", "arm64")
    ]
    assert {method for method, _ in registry.requests} == {"HEAD", "GET"}


def test_the_index_is_written_after_its_contents_and_to_all_repositories(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    tags = [f"{registry.host}/a:1", f"{registry.host}/b:1", f"{registry.host}/a:2"]
    imagetools.create(app(registry, "multi"), tags=tags, client=client)
    written = [path for _, path in registry.writes()]
    assert ["sha256:" in path for path in written] == [True] * 4 + [False] * 3
    assert written[4:] == ["/v2/a/manifests/1", "/v2/a/manifests/2", "/v2/b/manifests/1"]


@pytest.mark.feature("S6")
def test_a_refused_index_is_an_error_and_no_tag_leads_to_it(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    registry.fault = lambda method, path: (
        error(400, "MANIFEST_INVALID", "no indexes here")
        if (method, path) == ("PUT", "/v2/new/manifests/1")
        else None
    )
    with pytest.raises(RegistryError) as caught:
        imagetools.create(app(registry, "multi"), tags=f"{registry.host}/new:1", client=client)
    assert caught.value.message == (
        f"{registry.host}/new:1: {registry.host} answers PUT of the manifest with status 400 "
        "(MANIFEST_INVALID: no indexes here)"
    )
    assert registry.repository("new").tags == {}


@pytest.mark.feature("S6")
def test_a_registry_that_refuses_contents_gets_no_tags_in_other_repositories(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    registry.fault = lambda method, path: (
        error(403, "DENIED", "read only")
        if method in ("POST", "PUT") and path.startswith("/v2/second/")
        else None
    )
    tags = [f"{registry.host}/first:1", f"{registry.host}/second:1"]
    with pytest.raises(RegistryError, match=f"{registry.host}/second@sha256:"):
        imagetools.create(app(registry, "multi"), tags=tags, client=client)
    assert registry.repository("first").tags == registry.repository("second").tags == {}


def test_a_missing_manifest_of_an_index_is_named(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    with pytest.raises(RegistryError, match=r"/base/app@sha256:\w+: .* has no such manifest"):
        imagetools.create(app(registry, "incomplete"), tags=f"{registry.host}/new:1", client=client)
    assert registry.repository("new").tags == {}


def test_images_move_between_registries(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    with fake_registry() as other:
        imagetools.create(app(registry, "attested"), tags=f"{other.host}/app:1", client=client)
        source, target = registry.repository(REPOSITORY), other.repository("app")
        assert target.tags["1"] == source.tags["attested"]
        assert {*target.manifests} <= {*source.manifests}
        assert not [path for _, path in other.requests if "mount" in path]


def test_an_image_that_is_there_is_not_copied_again(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    tag = f"{registry.host}/new:1"
    imagetools.create(app(registry, "multi"), tags=tag, client=client)
    registry.requests.clear()
    imagetools.create(app(registry, "multi"), tags=tag, client=client)
    assert {method for method, _ in registry.requests} == {"HEAD", "GET"}


def test_annotations_may_be_values(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    image = imagetools.create(
        app(registry, "amd64"),
        annotations=[Annotation("a", "b", kind="index")],
        dry_run=True,
        client=client,
    )
    assert json.loads(image.content)["annotations"] == {"a": "b"}
    with pytest.raises(InvalidValueError, match="an existing manifest cannot be changed"):
        imagetools.create("a", annotations=[Annotation("a", "b")], dry_run=True)


def test_a_descriptor_is_a_source(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    digest = registry.repository(REPOSITORY).tags["amd64"]
    descriptor = imagetools.Descriptor("", digest, 0, annotations={"k": "v"})
    image = imagetools.create(descriptor, tags=app(registry, "described"), client=client)
    (child,) = json.loads(image.content)["manifests"]
    assert (child["annotations"], child["digest"]) == ({"k": "v"}, digest)


def test_a_descriptor_of_another_size_is_refused(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    digest = registry.repository(REPOSITORY).tags["amd64"]
    descriptor = imagetools.Descriptor("", digest, 7)
    with pytest.raises(InvalidValueError, match=r"its size is 412, not 7"):
        imagetools.create(descriptor, tags=app(registry, "described"), client=client)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"nonsense", "invalid manifest: it is not JSON"),
        (b'{"fsLayers": ["x"]}', "a manifest of schema 1 cannot be in an index"),
        (b'{"config": 7}', "invalid descriptor: expected a JSON object"),
    ],
)
def test_an_invalid_manifest_is_named(
    registry: FakeRegistry, client: imagetools.RegistryClient, content: bytes, reason: str
) -> None:
    store, digest = registry.repository("odd"), digest_of(content)
    store.manifests[digest], store.tags["1"] = ("", content), digest
    with pytest.raises(InputError) as caught:
        imagetools.create(f"{registry.host}/odd:1", dry_run=True, client=client)
    assert caught.value.message == f"cannot use {registry.host}/odd:1: {reason}"


@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        ([], {"tags": "new"}, "there are no sources"),
        ("app", {}, "there is no tag to push to"),
        ("sha256:12", {"tags": "new"}, "invalid source 'sha256:12': invalid digest"),
        ("A B", {"tags": "new"}, "invalid source 'A B': invalid reference"),
        ("{", {"tags": "new"}, "invalid source '{': invalid descriptor: it is not JSON"),
        ("{}", {"tags": "new"}, "invalid source '{}': it has no digest"),
        ('{"schemaVersion": 2}', {"tags": "new"}, "not a descriptor"),
        ("oci-layout://", {"tags": "new"}, "expected the path of an OCI layout"),
        ("app", {"tags": "NEW"}, "invalid reference 'NEW'"),
        ("app", {"tags": "new", "platforms": ["x"]}, "invalid platform 'x'"),
        ("app", {"tags": "new", "annotations": ["index:a"]}, "expected TYPE:KEY=VALUE"),
        ("app", {"tags": "new", "annotations": ["indx:a=b"]}, "'indx' is not a type"),
        ([f"sha256:{'0' * 64}"], {"dry_run": True}, "cannot tell the repository"),
        ([f"sha256:{'0' * 64}", "a"], {"tags": "b"}, "there are several"),
    ],
)
def test_invalid_arguments_are_refused_before_any_request(
    sources: str | list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        imagetools.create(sources, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_tag_with_the_digest_of_another_image_is_refused(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    tag = f"{registry.host}/new:1@sha256:{'0' * 64}"
    with pytest.raises(InvalidValueError, match=r"cannot push to .*: the image has the digest"):
        imagetools.create(app(registry, "multi"), tags=tag, client=client)
    assert registry.writes() == []


def test_progress_is_told_as_steps(
    registry: FakeRegistry, client: imagetools.RegistryClient
) -> None:
    events: list[Event] = []
    name = f"{registry.host}/new"
    image = imagetools.create(
        app(registry, "multi"), tags=f"{name}:1", client=client, on_event=events.append
    )
    steps = [one.name for one in events if isinstance(one, Vertex) and one.completed is not None]
    assert steps == [f"copying to {name}", f"pushing {name}"]
    logs = [one.data.decode() for one in events if isinstance(one, VertexLog)]
    assert logs[-1] == f"pushing {image.descriptor.digest} to {name}:1\n"


def test_a_failed_step_is_told(registry: FakeRegistry, client: imagetools.RegistryClient) -> None:
    events: list[Event] = []
    registry.fault = lambda method, _: error(500, "UNKNOWN", "broken") if method == "PUT" else None
    with pytest.raises(RegistryError) as caught:
        imagetools.create(
            app(registry, "multi"),
            tags=f"{registry.host}/new:1",
            client=client,
            on_event=events.append,
        )
    failed = [one.error for one in events if isinstance(one, Vertex) and one.error]
    assert failed == [caught.value.message]
