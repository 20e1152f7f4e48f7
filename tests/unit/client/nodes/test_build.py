"""Builds that several fake daemons share, with a registry in memory."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import tarfile
import tempfile
import threading
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from llb import Image, Scratch
from llb.client import (
    AsyncClient,
    Builder,
    Client,
    Event,
    Export,
    Upload,
    Vertex,
    docker,
    image,
    local,
    oci,
    tar,
)
from llb.errors import (
    CancelledError,
    ConnectError,
    InputError,
    InvalidValueError,
    RegistryError,
    RemoteError,
    SolveError,
    TransportError,
)
from llb.gateway import Result
from tests.fakes.docker_engine import current_docker
from tests.fakes.registry import FakeRegistry, error, fake_registry
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from llb.client import BuildHandle
    from llb.client.progress.raw_reports import Report
    from llb.gateway import Gateway, Request
    from llb.testing import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

AMD, ARM = "linux/amd64", "linux/arm64"
BOTH = f"{AMD},{ARM}"
_OCI = "application/vnd.oci.image"


@define
class Pair:
    """Two daemons, of amd64 and of arm64, and the registry and the folder to which they export.

    ``before`` are functions that are called with the builds of a daemon, by its platform, and
    ``exported`` tells that it has exported a build.
    """

    registry: FakeRegistry
    folder: Path
    daemons: dict[str, FakeDaemon] = field(factory=dict)
    before: dict[str, Callable[[FakeBuild], object]] = field(factory=dict)
    exported: dict[str, threading.Event] = field(factory=lambda: defaultdict(threading.Event))

    @property
    def addresses(self) -> list[str]:
        return [daemon.address for daemon in self.daemons.values()]

    @property
    def name(self) -> str:
        return f"{self.registry.host}/app"

    def builds(self, platform: str) -> list[dict[str, str]]:
        """The attributes of the builds of a daemon."""
        return [build.frontend_attrs for build in self.daemons[platform].builds]

    def answer(self, platform: str, build: FakeBuild) -> Mapping[str, str]:
        """Build a part: export it, and push it if that was asked for."""
        if platform in self.before:
            self.before[platform](build)
        answers = {}
        for number, (kind, attrs) in enumerate(build.exports):
            if kind == "oci":
                # As if it had come through the session.
                (parts,) = self.folder.glob(".llb-partial-*")
                answers = self._write(platform, parts / "parts")
            elif kind == "local":
                name = platform.replace("/", "_")
                build.session.send_tree({f"{name}/file": platform.encode()}, export=number)
            elif attrs.get("push") == "true":
                digests = {self._push(platform, name) for name in attrs["name"].split(",")}
                answers = {"containerimage.digest": digests.pop()}
        self.exported[platform].set()
        build.show_steps()
        return answers

    def _write(self, platform: str, folder: Path) -> dict[str, str]:
        """Write an index of one platform to a layout."""
        digest = self._push(platform, "localhost/written")
        store = self.registry.repository("written")
        # Copied, because the other daemon may add to it.
        manifests, blobs = dict(store.manifests), dict(store.blobs)
        data = {key: content for key, (_, content) in manifests.items()} | blobs
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        for key, content in data.items():
            (folder / "blobs" / key.replace(":", "/")).write_bytes(content)
        descriptor = {
            "mediaType": f"{_OCI}.index.v1+json",
            "digest": digest,
            "size": len(data[digest]),
        }
        encoded = base64.b64encode(json.dumps(descriptor).encode()).decode()
        return {"containerimage.digest": digest, "containerimage.descriptor": encoded}

    def _push(self, platform: str, name: str) -> str:
        """Push an index of one platform by its digest."""
        store = self.registry.repository(name.partition("/")[2])
        config = store.put_blob(json.dumps({"os": "linux", "architecture": platform[6:]}).encode())
        manifest = store.put_manifest(
            {
                "schemaVersion": 2,
                "mediaType": f"{_OCI}.manifest.v1+json",
                "config": {
                    "mediaType": f"{_OCI}.config.v1+json",
                    "digest": config,
                    "size": len(store.blobs[config]),
                },
                "layers": [],
            }
        )
        child = {
            "mediaType": f"{_OCI}.manifest.v1+json",
            "digest": manifest,
            "size": len(store.manifests[manifest][1]),
            "platform": {"architecture": platform[6:], "os": "linux"},
        }
        index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": [child]}
        return store.put_manifest(index)


@pytest.fixture
def pair(fake_daemon: Callable[..., FakeDaemon], tmp_path: Path) -> Iterator[Pair]:
    with fake_registry() as registry:
        pair = Pair(registry, tmp_path)
        for platform in (AMD, ARM):
            pair.daemons[platform] = fake_daemon(
                script=partial(pair.answer, platform),
                platforms=[platform],
                frontends={"dockerfile.v0": frontend},
            )
        yield pair


@pytest.fixture
def client(pair: Pair) -> Iterator[Client]:
    with Client(pair.addresses) as client:
        yield client


def frontend(request: Request, gateway: Gateway) -> Result:
    """Build a tree for each platform."""
    definition = Image("base").run("make").marshal()
    names = request.options.get("platform", AMD).split(",")
    return Result(refs={name: gateway.solve(definition) for name in names})


def solve(client: Client, platforms: str, **options: Any) -> Any:
    attrs = {"platform": platforms} if platforms else {}
    return client.solve(frontend="dockerfile.v0", frontend_attrs=attrs, **options)


def test_each_node_builds_its_platforms_as_an_index(pair: Pair, client: Client) -> None:
    result = solve(client, f"{AMD}, {ARM},linux/arm/v7", ref="theref")
    assert result.ref == "theref"
    assert pair.builds(AMD) == [{"platform": AMD, "multi-platform": "true"}]
    assert pair.builds(ARM) == [{"platform": f"{ARM},linux/arm/v7", "multi-platform": "true"}]
    assert [build.ref for daemon in pair.daemons.values() for build in daemon.builds] == (
        ["theref"] * 2
    )


@pytest.mark.parametrize(("platforms", "node"), [(ARM, ARM), (AMD, AMD), ("", AMD)])
def test_a_build_for_one_node_is_an_ordinary_one(
    platforms: str, node: str, pair: Pair, client: Client
) -> None:
    solve(client, platforms)
    assert pair.builds(node) == [{"platform": platforms} if platforms else {}]
    assert sum(len(daemon.builds) for daemon in pair.daemons.values()) == 1


def test_a_state_is_built_on_the_node_of_its_platform(pair: Pair, client: Client) -> None:
    client.solve(Scratch().mkfile("/a", "x"), platform=ARM)
    assert (len(pair.builds(AMD)), len(pair.builds(ARM))) == (0, 1)


def test_builds_of_nodes_run_at_the_same_time(pair: Pair, client: Client) -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)
    pair.before = dict.fromkeys((AMD, ARM), lambda _: meeting.wait())
    solve(client, BOTH)


def test_the_parts_of_an_image_are_pushed_by_digest_and_joined(pair: Pair, client: Client) -> None:
    annotations = {"annotation-index.a": "b", f"annotation-manifest-descriptor[{ARM}].c": "d"}
    export = image([f"{pair.name}:1", f"{pair.registry.host}/other:2"], push=True)
    export = type(export)(export.type, {**export.attrs, **annotations})
    result = solve(client, BOTH, exports=[export])
    for platform in (AMD, ARM):
        ((kind, attrs),) = pair.daemons[platform].builds[0].exports
        assert kind == "image"
        assert attrs["name"] == f"{pair.name},{pair.registry.host}/other"
        assert attrs["push-by-digest"] == "true"
    store = pair.registry.repository("app")
    assert store.tags == {"1": result.digest}
    assert pair.registry.repository("other").tags == {"2": result.digest}
    index = json.loads(store.manifests[result.digest][1])
    assert index["annotations"] == {"a": "b"}
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
    assert [one.get("annotations") for one in index["manifests"]] == [None, {"c": "d"}]
    assert result.descriptor.digest == result.digest
    assert pair.registry.writes()[-1] == ("PUT", "/v2/other/manifests/2")


def test_an_image_that_is_pushed_by_digest_gets_no_tag(pair: Pair, client: Client) -> None:
    export = image(pair.name, push=True, push_by_digest=True)
    result = solve(client, BOTH, exports=[export])
    store = pair.registry.repository("app")
    assert result.digest in store.manifests
    assert store.tags == {}


def test_an_image_that_is_not_pushed_stays_on_its_nodes(pair: Pair, client: Client) -> None:
    solve(client, BOTH, exports=[image("app")])
    for daemon in pair.daemons.values():
        assert daemon.builds[0].exports == (("image", {"name": "app"}),)


def test_the_parts_of_an_archive_are_joined(pair: Pair, client: Client, tmp_path: Path) -> None:
    result = solve(client, BOTH, exports=[oci(tmp_path / "image.tar", name="localhost/a:1")])
    with tarfile.open(tmp_path / "image.tar") as archive:
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    (entry,) = index["manifests"]
    assert entry["digest"] == result.digest
    assert entry["annotations"]["io.containerd.image.name"] == "localhost/a:1"
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]
    for daemon in pair.daemons.values():
        ((kind, attrs),) = daemon.builds[0].exports
        assert (kind, attrs) == ("oci", {"name": "localhost/a:1", "tar": "false"})


def test_directories_of_all_nodes_are_one(pair: Pair, client: Client, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    solve(client, BOTH, exports=[local(tmp_path, delete=True)])
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"linux_amd64/file", "linux_arm64/file"}


def test_a_directory_that_cannot_be_written_is_an_error(
    pair: Pair, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "out"
    pair.before[ARM] = lambda _: path.write_bytes(b"")
    with pytest.raises(InputError, match=f"cannot write the output {path}"):
        solve(client, BOTH, exports=[local(path)])
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def fail(_: FakeBuild) -> None:
    raise RemoteError("no space left", code=2)


def test_a_failed_node_is_named_and_nothing_is_left(
    pair: Pair, client: Client, tmp_path: Path
) -> None:

    def fail_last(build: FakeBuild) -> None:
        assert pair.exported[AMD].wait(SECONDS)
        fail(build)

    pair.before[ARM] = fail_last
    exports = [image(f"{pair.name}:1", push=True), local(tmp_path / "out")]
    with pytest.raises(SolveError, match=rf"node {pair.addresses[1]}: no space left"):
        solve(client, BOTH, exports=exports)
    assert pair.registry.repository("app").tags == {}
    assert list(tmp_path.iterdir()) == []


def test_the_failure_of_a_node_cancels_the_others(pair: Pair, client: Client) -> None:
    has_begun, is_over = threading.Event(), threading.Event()

    def wait(_: FakeBuild) -> None:
        has_begun.set()
        assert is_over.wait(SECONDS)

    def fail_later(build: FakeBuild) -> None:
        assert has_begun.wait(SECONDS)
        fail(build)

    pair.before = {AMD: wait, ARM: fail_later}
    with pytest.raises(SolveError, match="no space left"):
        solve(client, BOTH)
    # The build has ended without the daemon of the other node.
    is_over.set()


def test_a_node_whose_daemon_ends_is_named(pair: Pair, client: Client) -> None:
    meeting, is_over = threading.Barrier(3, timeout=SECONDS), threading.Event()

    def wait(_: FakeBuild) -> None:
        meeting.wait()
        assert is_over.wait(SECONDS)

    pair.before = dict.fromkeys((AMD, ARM), wait)
    build = client.start(frontend="dockerfile.v0", frontend_attrs={"platform": BOTH})
    meeting.wait()
    closing = threading.Thread(target=pair.daemons[ARM].close)
    closing.start()
    with pytest.raises(TransportError, match=f"node {pair.addresses[1]}: lost the connection"):
        build.result()
    is_over.set()
    closing.join()


def test_a_cancelled_build_ends_on_all_nodes(pair: Pair, client: Client) -> None:
    meeting, is_over = threading.Barrier(3, timeout=SECONDS), threading.Event()

    def wait(_: FakeBuild) -> None:
        meeting.wait()
        assert is_over.wait(SECONDS)

    pair.before = dict.fromkeys((AMD, ARM), wait)
    attrs = {"platform": BOTH}
    export = image(f"{pair.name}:1", push=True)
    build = client.start(frontend="dockerfile.v0", frontend_attrs=attrs, exports=[export])
    meeting.wait()
    build.cancel()
    with pytest.raises(CancelledError):
        build.result()
    is_over.set()
    assert pair.registry.repository("app").tags == {}


def test_a_build_that_is_being_joined_is_not_cancelled(pair: Pair, client: Client) -> None:
    builds: list[BuildHandle] = []
    is_known = threading.Event()

    def cancel(method: str, path: str) -> None:
        if (method, path) == ("PUT", "/v2/app/manifests/1"):
            assert is_known.wait(SECONDS)
            builds[0].cancel()

    pair.registry.fault = cancel
    attrs = {"platform": BOTH}
    export = image(f"{pair.name}:1", push=True)
    builds.append(client.start(frontend="dockerfile.v0", frontend_attrs=attrs, exports=[export]))
    is_known.set()
    assert pair.registry.repository("app").tags == {"1": builds[0].result().digest}


def test_a_docker_does_not_push_its_part(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair.addresses
    export = image(f"{pair.name}:1", push=True)
    with (
        current_docker(tmp_path, monkeypatch, first),
        Client(["docker://", second]) as client,
        pytest.raises(InvalidValueError, match="the BuildKit of a Docker cannot push its part"),
    ):
        solve(client, BOTH, exports=[export])
    assert pair.builds(AMD) == pair.builds(ARM) == []


@pytest.mark.feature("S6")
def test_a_refused_index_is_an_error_without_a_tag(
    pair: Pair, client: Client, tmp_path: Path
) -> None:
    pair.registry.fault = lambda method, path: (
        error(400, "MANIFEST_INVALID", "no indexes here")
        if (method, path) == ("PUT", "/v2/app/manifests/1")
        else None
    )
    exports = [image(f"{pair.name}:1", push=True), local(tmp_path / "out")]
    with pytest.raises(RegistryError, match="no indexes here"):
        solve(client, BOTH, exports=exports)
    assert pair.registry.repository("app").tags == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (tar("out.tar"), "cannot be written as type=tar"),
        (docker(), "cannot be loaded into Docker"),
        (docker("out.tar"), "cannot be written as type=docker"),
        (image(push=True), "a push needs a name"),
        (oci("/dev/null/out.tar"), "cannot write"),
    ],
)
def test_outputs_that_cannot_be_joined_are_refused_before_the_build(
    export: Any, message: str, pair: Pair, client: Client
) -> None:
    with pytest.raises((InvalidValueError, InputError), match=message):
        solve(client, BOTH, exports=[export])
    assert pair.builds(AMD) == pair.builds(ARM) == []


@pytest.mark.parametrize("first", [image("localhost/a", push=True), oci("first.tar")])
def test_two_images_are_refused(
    first: Export, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidValueError, match="can push or write only one image"):
        solve(client, BOTH, exports=[first, oci("second.tar")])
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_option_leaves_nothing(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    upload = Upload(io.BytesIO(b"x"))
    exports = [oci(tmp_path / "a.tar"), local(tmp_path / "out")]
    with pytest.raises(InputError, match="missing"):
        solve(
            client,
            BOTH,
            exports=exports,
            uploads=[upload],
            local_dirs={"context": tmp_path / "missing"},
        )
    assert list(tmp_path.iterdir()) == []


def test_find_exports_is_refused(client: Client) -> None:
    with pytest.raises(InvalidValueError, match="find_exports needs a build on one node"):
        solve(client, BOTH, find_exports=lambda _: ())


def test_steps_and_reports_of_all_nodes_go_to_one_display(pair: Pair, client: Client) -> None:
    events: list[Event] = []
    reports: list[Report] = []
    export = image(f"{pair.name}:1", push=True)
    solve(client, BOTH, exports=[export], on_event=events.append, on_report=reports.append)
    names = {event.name for event in events if isinstance(event, Vertex)}
    for address in pair.addresses:
        assert any(name.startswith(f"[{address}] ") for name in names), names
    assert f"merging manifest list {pair.name}:1" in names
    assert len({event.digest for event in events if isinstance(event, Vertex)}) == len(names)
    assert reports


def test_a_handle_has_the_events_of_all_nodes(pair: Pair, client: Client) -> None:
    attrs, exports = {"platform": BOTH}, [image(f"{pair.name}:1", push=True)]
    with client.start(frontend="dockerfile.v0", frontend_attrs=attrs, exports=exports) as build:
        names = {event.name for event in build if isinstance(event, Vertex)}
    assert all(any(address in name for name in names) for address in pair.addresses)
    assert f"merging manifest list {pair.name}:1" in names


def test_a_build_is_shared_from_an_event_loop(pair: Pair) -> None:
    async def build() -> None:
        async with AsyncClient(pair.addresses) as client:
            await client.solve(frontend="dockerfile.v0", frontend_attrs={"platform": BOTH})

    asyncio.run(build())
    assert [len(pair.builds(platform)) for platform in (AMD, ARM)] == [1, 1]


def test_an_image_build_is_shared_and_a_stream_is_read_once(pair: Pair, client: Client) -> None:
    archives: list[bytes] = []

    def read(build: FakeBuild) -> None:
        archives.append(build.session.upload(build.frontend_attrs["context"]))

    pair.before = dict.fromkeys((AMD, ARM), read)
    stream = io.BytesIO(b"FROM scratch\n")
    result = client.build_image(stream, platforms=[AMD, ARM], tags=f"{pair.name}:1", push=True)
    assert archives == [b"FROM scratch\n"] * 2
    assert result.names == (f"{pair.name}:1",)
    assert pair.registry.repository("app").tags == {"1": result.digest}


def test_a_node_that_does_not_answer_is_named(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    first, second = pair.addresses
    builder = Builder.create("pair", driver="remote", node="one", endpoint=first, platforms=[AMD])
    builder.append("two", endpoint=f"{second}.gone", platforms=[ARM])
    with Client("builder://pair") as client:
        # The node is not needed.
        solve(client, AMD)
        with pytest.raises(ConnectError, match="node two: no BuildKit answers at"):
            solve(client, BOTH)
    assert len(pair.builds(AMD)) == 1


def test_the_nodes_of_a_builder_have_its_names_and_platforms(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    first, second = pair.addresses
    builder = Builder.create("pair", driver="remote", node="one", endpoint=first)
    # An assigned platform comes before what the workers report.
    builder.append("two", endpoint=second, platforms=[AMD])
    events: list[Event] = []
    with Client("builder://pair") as client:
        solve(client, f"{AMD},{ARM},linux/386", on_event=events.append)
    assert [attrs["platform"] for attrs in pair.builds(ARM)] == [f"{AMD},{ARM},linux/386"]
    with ExitStack() as stack:
        client = stack.enter_context(Client([f"builder://{builder.name}"]))
        assert client.address == first


def test_no_addresses_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="expected at least one address"):
        Client([])
