"""``Client.build_image``: every kind of context, every option, and what arrives."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import llb.client
from llb import Directory, File, Image, Symlink, files
from llb.client import Annotation, Client, EnvSecret, ImageResult, cache_only, local, oci
from llb.client.export.oci_layout import Layout
from llb.errors import CancelledError, InputError, InvalidValueError, SolveError
from tests.e2e.registries import serve_http
from tests.e2e.servers import free_port
from tests.e2e.test_cli_build import docker_host  # noqa: F401 - a fixture
from tests.e2e.test_client import QuietHandler
from tests.e2e.test_exports import fetch_manifest
from tests.e2e.test_failures import cli
from tests.e2e.test_frontend_copies import repository  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb.client import BuildContext, Event
    from tests.e2e.relays import Relay
    from tests.e2e.test_frontend_copies import Repository

LISTING = """\
FROM busybox AS list
COPY . /context
RUN cd /context && find . -type f | sort > /listing
FROM scratch
COPY --from=list /listing /
"""
FILES: Mapping[str, str] = {
    "Dockerfile": LISTING,
    "src/app.py": "print(1)",
    ".env": "TOKEN=1",
    ".dockerignore": "# secrets\n.env\nDockerfile\n",
}
ALL_FILES = "./.dockerignore\n./.env\n./Dockerfile\n./src/app.py\n"
NOT_IGNORED = "./.dockerignore\n./src/app.py\n"


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


@pytest.fixture
def name(stack: dict[str, str]) -> str:
    """A new, unique image name in the stack's registry."""
    return f"{stack['PYLLB_REGISTRY']}/test/{uuid.uuid4().hex}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the files."""
    folder = tmp_path / "context"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def make_archive(tree: Mapping[str, str] = FILES) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in tree.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def read_registry(name: str, digest: str) -> dict[str, Any]:
    """Read a JSON blob of an image from the registry."""
    host, _, path = name.partition("/")
    with urllib.request.urlopen(f"http://{host}/v2/{path}/blobs/{digest}") as response:
        content: dict[str, Any] = json.load(response)
    return content


class Pipe(io.RawIOBase):
    """A binary stream that cannot seek, such as the body of a request."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


# Contexts.


@pytest.mark.feature("K20")
@pytest.mark.parametrize(
    ("make", "listing"),
    [
        (str, NOT_IGNORED),
        (Path, NOT_IGNORED),
        (lambda _: FILES, NOT_IGNORED),
        (lambda _: {path: text.encode() for path, text in FILES.items()}, NOT_IGNORED),
        (lambda _: make_archive(), ALL_FILES),
        (lambda _: gzip.compress(make_archive()), ALL_FILES),
        (lambda _: io.BytesIO(make_archive()), ALL_FILES),
        (lambda _: Pipe(make_archive()), ALL_FILES),
        (lambda _: files(FILES), ALL_FILES),
    ],
    ids=[
        *("directory", "path", "strings in memory", "bytes in memory", "tar", "tar.gz"),
        *("open file", "stream", "state"),
    ],
)
def test_a_context_of_every_kind_is_built(
    client: Client, folder: Path, tmp_path: Path, make: Callable[[Path], BuildContext], listing: str
) -> None:
    result = client.build_image(make(folder), outputs=tmp_path / "out")
    assert (tmp_path / "out" / "listing").read_text() == listing
    assert (result.id, result.digest, result.names) == (None, None, ())
    assert len(result.ref) == 32


@pytest.mark.feature("K20")
def test_a_dockerfile_is_text(client: Client, folder: Path, tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY src/app.py /\n"
    archive = make_archive(FILES)
    contexts: list[BuildContext] = [folder, FILES, archive, files(FILES)]
    for number, context in enumerate(contexts):
        out = tmp_path / str(number)
        client.build_image(context, dockerfile_inline=text, outputs=out)
        assert [path.name for path in out.iterdir()] == ["app.py"]
    client.build_image({}, dockerfile_inline=b"FROM scratch\nCOPY <<EOF /a\n1\nEOF\n", outputs=out)
    assert (out / "a").read_text() == "1\n"


@pytest.mark.feature("K20")
def test_an_archive_may_be_a_dockerfile_alone(client: Client, tmp_path: Path) -> None:
    client.build_image(b"FROM scratch\nCOPY <<EOF /a\n1\nEOF\n", outputs=tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "1\n"


@pytest.mark.feature("K20")
def test_a_file_is_relative_to_the_working_directory_or_to_the_context(
    client: Client, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "FROM scratch\nCOPY src/app.py /other\n"
    tree = {**FILES, "ci/Other": other}
    (folder / "ci").mkdir()
    (folder / "ci" / "Other").write_text(other)
    monkeypatch.chdir(folder.parent)
    by_context: list[tuple[BuildContext, str | Path]] = [
        ("context", "context/ci/Other"),
        (tree, "ci/Other"),
        (tree, "./ci/Other"),
        (make_archive(tree), Path("ci/Other")),
        (files(tree), "ci/Other"),
        *(
            (context, folder / "ci/Other")
            for context in (folder, tree, make_archive(), files(tree))
        ),
    ]
    for number, (context, file) in enumerate(by_context):
        out = tmp_path / f"out{number}"
        client.build_image(context, file=file, outputs=out)
        assert [path.name for path in out.iterdir()] == ["other"], (number, file)
    with pytest.raises(InputError) as caught:
        client.build_image("context", file="ci/Other")
    assert caught.value.message == "no such Dockerfile: ci/Other"
    assert caught.value.hint == "it is relative to the working directory: context/ci/Other"


@pytest.mark.feature("K20")
def test_a_context_in_memory_has_modes_links_and_empty_directories(
    client: Client, tmp_path: Path
) -> None:
    tree: dict[str, File | Symlink | Directory] = {
        "bin/tool": File("#!/bin/sh\n", mode=0o755, owner="7:8"),
        "link": Symlink("bin/tool"),
        "empty": Directory(mode=0o700),
    }
    text = (
        "FROM busybox AS made\nCOPY . /made\n"
        "RUN cd /made && stat -c '%n %a %F' bin/tool link empty > /stat\n"
        "FROM scratch\nCOPY --from=made /stat /\n"
    )
    client.build_image(tree, dockerfile_inline=text, outputs=tmp_path)
    assert (tmp_path / "stat").read_text() == (
        "bin/tool 755 regular file\nlink 777 symbolic link\nempty 700 directory\n"
    )


@pytest.mark.feature("K20")
def test_the_same_files_in_memory_are_cached_and_give_the_same_image(client: Client) -> None:
    word = uuid.uuid4().hex
    tree = {"Dockerfile": f"FROM busybox\nCOPY word /\nRUN cat /word # {word}\n", "word": word}
    images, cached = [], []
    for _ in range(2):
        events: list[Event] = []
        images.append(client.build_image(tree, on_event=events.append).id)
        cached.append(
            any(
                event.cached
                for event in events
                if isinstance(event, llb.client.Vertex) and "RUN cat" in event.name
            )
        )
    assert images[0] == images[1]
    assert cached == [False, True]


@pytest.mark.feature("K20")
def test_a_specific_ignore_file_comes_first(client: Client, folder: Path, tmp_path: Path) -> None:
    tree = {**FILES, "Dockerfile.dockerignore": "*\n!src\n"}
    (folder / "Dockerfile.dockerignore").write_text(tree["Dockerfile.dockerignore"])
    client.build_image(folder, outputs=tmp_path / "directory")
    client.build_image(tree, outputs=tmp_path / "memory")
    for kind in ("directory", "memory"):
        assert (tmp_path / kind / "listing").read_text() == "./src/app.py\n"


@pytest.mark.feature("K20")
def test_everything_may_be_ignored(client: Client, tmp_path: Path) -> None:
    tree = {"Dockerfile": LISTING, ".dockerignore": "*"}
    client.build_image(tree, outputs=tmp_path)
    assert (tmp_path / "listing").read_text() == ""


@pytest.mark.feature("K20")
def test_a_context_is_an_archive_on_the_web(
    client: Client, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "context.tar.gz").write_bytes(gzip.compress(make_archive()))
    monkeypatch.chdir(web)
    address = ("127.0.0.1", free_port())
    url = f"http://{address[0]}:{address[1]}/context.tar.gz"
    with serve_http(address, QuietHandler):
        client.build_image(url, outputs=tmp_path / "out")
        text = "FROM scratch\nCOPY src/app.py /\n"
        client.build_image(url, dockerfile_inline=text, outputs=tmp_path / "inline")
        process = cli("build", url, "-o", tmp_path / "cli", address=client.address)
    assert (tmp_path / "out" / "listing").read_text() == ALL_FILES
    assert [path.name for path in (tmp_path / "inline").iterdir()] == ["app.py"]
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "cli" / "listing").read_text() == ALL_FILES
    del folder


@pytest.mark.feature("K20")
def test_a_context_is_a_repository(
    client: Client,
    repository: Repository,  # noqa: F811 - the fixture
    folder: Path,
    tmp_path: Path,
) -> None:
    url = f"{repository.url}/repo.git#main:sub"
    text = "FROM scratch\nCOPY . /\n"
    (folder / "Outer").write_text(text)
    client.build_image(url, dockerfile_inline=text, outputs=tmp_path / "inline")
    client.build_image(url, file=folder / "Outer", outputs=tmp_path / "outer")
    for kind in ("inline", "outer"):
        assert [path.name for path in (tmp_path / kind).iterdir()] == ["inner.txt"]
    with pytest.raises(SolveError, match="failed to read dockerfile"):
        client.build_image(url)


@pytest.mark.feature("K20")
def test_named_contexts_of_every_kind(client: Client, folder: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    client.build_image(
        {}, dockerfile_inline="FROM scratch\nLABEL a=b\n", outputs=oci(layout, tar=False)
    )
    text = (
        "FROM base AS made\nRUN echo $WORD > /word\n"
        "FROM image AS tool\nRUN echo 1 > /tool\n"
        "FROM layout AS empty\n"
        "FROM scratch\nCOPY --from=made /word /\nCOPY --from=tool /tool /\n"
        "COPY --from=directory /src /src\nCOPY --from=memory /note /\nCOPY --from=empty / /\n"
        "COPY --from=context /one /\n"
    )
    client.build_image(
        {},
        dockerfile_inline=text,
        contexts={
            "base": Image("busybox").env("WORD", "spoken"),
            "image": "docker-image://busybox",
            "layout": f"oci-layout://{layout}",
            "directory": folder,
            "memory": {"note": "here", "hidden": "x", ".dockerignore": "hidden"},
            "context": {"one": "1"},
        },
        outputs=tmp_path / "out",
    )
    names = {
        str(path.relative_to(tmp_path / "out")): path.read_text()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert names == {
        "word": "spoken\n",
        "tool": "1\n",
        "src/app.py": "print(1)",
        "note": "here",
        "one": "1",
    }


# Options.

OPTIONS = """\
FROM busybox AS base
ARG VERSION=0
ARG SOURCE_DATE_EPOCH
RUN echo $VERSION > /version
FROM base AS tested
RUN echo tested > /tested
FROM base AS other
"""


@pytest.mark.feature("K20")
def test_target_and_build_args(client: Client, tmp_path: Path) -> None:
    client.build_image(
        {"Dockerfile": OPTIONS}, target="tested", build_args={"VERSION": 3}, outputs=str(tmp_path)
    )
    assert (tmp_path / "version").read_text() == "3\n"
    assert (tmp_path / "tested").exists()


@pytest.mark.feature("K20")
def test_labels_annotations_tags_and_push(client: Client, name: str) -> None:
    result = client.build_image(
        {"Dockerfile": OPTIONS},
        tags=[name, f"{name}:2"],
        push=True,
        labels={"by": "me"},
        annotations=["manifest:of=mine", Annotation("about", "this")],
        provenance=False,
    )
    assert result.names == (f"{name}:latest", f"{name}:2")
    for tag in ("latest", "2"):
        manifest: Any = fetch_manifest(name, tag)
        assert manifest["annotations"] == {"of": "mine", "about": "this"}
        assert manifest["config"]["digest"] == result.id
        config = read_registry(name, manifest["config"]["digest"])
        assert config["config"]["Labels"] == {"by": "me"}
    assert result.digest == result.metadata["containerimage.digest"]
    assert result.descriptor is not None
    assert result.descriptor.digest == result.digest


@pytest.mark.feature("K20")
def test_the_result_equals_that_of_the_command(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    result = client.build_image(folder, tags="example.com/same", provenance=False)
    options = ("-t", "example.com/same", "--provenance=false", "--metadata-file")
    process = cli("build", folder, *options, tmp_path / "metadata", address=client.address)
    assert process.returncode == 0, process.stderr
    metadata = json.loads((tmp_path / "metadata").read_text())
    # The history has it even if the image does not.
    assert metadata.pop("buildx.build.provenance")["invocation"]["configSource"] == {
        "entryPoint": "Dockerfile"
    }
    assert metadata == result.metadata


@pytest.mark.feature("K20")
def test_an_image_has_provenance_by_default(client: Client, name: str) -> None:
    result = client.build_image({"Dockerfile": OPTIONS}, tags=name, push=True)
    index: Any = fetch_manifest(name)
    image, attestation = index["manifests"]
    assert attestation["annotations"] == {
        "vnd.docker.reference.digest": image["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    provenance = client.history().provenance(result.ref)
    assert provenance[""]["buildDefinition"]["externalParameters"]["configSource"] == {
        "path": "Dockerfile"
    }


@pytest.mark.feature("K20")
def test_a_build_without_tags_and_outputs_has_an_id(client: Client) -> None:
    tree = {"Dockerfile": "FROM scratch\nLABEL a=b\n"}
    result = client.build_image(tree)
    assert result.id is not None
    assert result.id.startswith("sha256:")
    assert result.names == ()
    assert client.build_image(tree, outputs=cache_only()).id is None


@pytest.mark.feature("K20")
@pytest.mark.since("v0.32.2", "an index for equal images of several platforms")
def test_several_platforms_are_an_index(client: Client, name: str) -> None:
    result = client.build_image(
        {"Dockerfile": "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n"},
        tags=name,
        push=True,
        platforms=["linux/amd64", llb.Platform("linux", "arm64")],
    )
    index: Any = fetch_manifest(name)
    assert [item["platform"]["architecture"] for item in index["manifests"]] == ["amd64", "arm64"]
    assert (result.id, result.digest is None) == (None, False)
    same = client.build_image(
        {"Dockerfile": "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n"},
        platforms="linux/amd64,linux/arm64",
    )
    assert same.digest == result.digest


@pytest.mark.feature("K20")
def test_attestations_are_in_the_index(client: Client, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    client.build_image(
        {"Dockerfile": OPTIONS}, provenance="mode=min", outputs=oci(layout.path, tar=False)
    )
    (entry,) = layout.manifests()
    index = json.loads(layout.blob(str(entry["digest"])).read_bytes())
    assert len(index["manifests"]) == 2


@pytest.mark.feature("K20")
def test_outputs_of_several_kinds(client: Client, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    result = client.build_image(
        folder,
        tags="example.com/app",
        outputs=[
            tmp_path / "out",
            f"type=tar,dest={tmp_path}/files.tar",
            oci(archive),
            local(tmp_path / "again"),
        ],
    )
    assert (tmp_path / "out" / "listing").read_text() == NOT_IGNORED
    assert (tmp_path / "again" / "listing").read_text() == NOT_IGNORED
    with tarfile.open(tmp_path / "files.tar") as tar:
        assert "listing" in tar.getnames()
    with tarfile.open(archive) as tar:
        member = tar.extractfile("index.json")
        assert member is not None
        (entry,) = json.load(member)["manifests"]
    assert entry["digest"] == result.digest


@pytest.mark.feature("K20")
def test_secrets_are_values_files_variables_and_functions(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from a file")
    monkeypatch.setenv("LLB_TEST_WORD", "from a variable")
    names = ("text", "data", "file", "variable", "function")
    mounts = " ".join(f"--mount=type=secret,id={name}" for name in names)
    reads = " ".join(f"/run/secrets/{name}" for name in names)
    text = (
        f"FROM busybox AS made\nRUN {mounts} tail -n +1 {reads} > /all\n"
        "FROM scratch\nCOPY --from=made /all /\n"
    )
    client.build_image(
        {},
        dockerfile_inline=text,
        no_cache=True,
        secrets={
            "text": "a string",
            "data": b"bytes",
            "file": tmp_path / "secret",
            "variable": EnvSecret("LLB_TEST_WORD"),
            "function": lambda: b"from a function",
        },
        outputs=tmp_path / "out",
    )
    output = (tmp_path / "out" / "all").read_text()
    for word in ("a string", "bytes", "from a file", "from a variable", "from a function"):
        assert word in output


@pytest.mark.feature("K20")
def test_the_cache_is_ignored_for_all_stages_or_for_some(client: Client, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS one\nRUN head -c 8 /dev/urandom > /one\n"
        "FROM busybox AS two\nRUN head -c 8 /dev/urandom > /two\n"
        "FROM scratch\nCOPY --from=one /one /\nCOPY --from=two /two /\n"
    )

    def build(no_cache: bool | str | list[str]) -> tuple[bytes, bytes]:
        out = tmp_path / uuid.uuid4().hex
        client.build_image({}, dockerfile_inline=text, no_cache=no_cache, outputs=out)
        return (out / "one").read_bytes(), (out / "two").read_bytes()

    first = build(no_cache=True)
    again = build(no_cache=False)
    part = build(no_cache="two")
    assert again == first
    assert part[0] == first[0]
    assert part[1] != first[1]
    assert build(no_cache=["one", "two"])[0] != first[0]


@pytest.mark.feature("K20")
def test_options_of_the_steps(client: Client, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS made\n"
        "RUN grep build-host /etc/hosts > /hosts; df -k /dev/shm | tail -n 1 > /shm; "
        "ulimit -n > /files; ls /sys/class/net > /net\n"
        "FROM scratch\nCOPY --from=made /hosts /shm /files /net /\n"
    )
    client.build_image(
        {},
        dockerfile_inline=text,
        network="none",
        extra_hosts={"build-host": "10.1.2.3"},
        shm_size="8m",
        ulimits={"nofile": (99, 100)},
        outputs=tmp_path,
    )
    assert (tmp_path / "hosts").read_text().split() == ["10.1.2.3", "build-host"]
    assert (tmp_path / "shm").read_text().split()[1] == "8192"
    assert (tmp_path / "files").read_text() == "99\n"
    assert (tmp_path / "net").read_text() == "lo\n"


@pytest.mark.feature("K20")
def test_the_network_of_the_host_is_granted(client: Client, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS made\nRUN readlink /proc/self/ns/net > /net\n"
        "FROM scratch\nCOPY --from=made /net /\n"
    )
    client.build_image(
        {}, dockerfile_inline=text, network="host", no_cache=True, outputs=tmp_path / "out"
    )
    network = str(Path("/proc/self/ns/net").readlink())
    assert (tmp_path / "out" / "net").read_text().strip() == network


@pytest.mark.feature("K20")
def test_caches_are_exported_and_imported(client: Client, tmp_path: Path, name: str) -> None:
    tree = {"Dockerfile": f"FROM busybox\nRUN echo {uuid.uuid4()} > /a\n"}
    client.build_image(tree, cache_to=f"type=local,dest={tmp_path}/cache,mode=max")
    assert (tmp_path / "cache" / "index.json").exists()
    result = client.build_image(tree, cache_from=[f"type=local,src={tmp_path}/cache"], tags=name)
    assert result.names == (f"{name}:latest",)


@pytest.mark.feature("K20")
def test_an_image_is_loaded_into_docker(
    client: Client,
    docker_host: str,  # noqa: F811 - the fixture
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    tag = f"example.com/{uuid.uuid4().hex}"
    text = "FROM scratch\nCOPY src/app.py /\n"
    loaded = client.build_image(folder, dockerfile_inline=text, tags=tag, load=True)
    inside = llb.client.build_image(
        {**FILES, "Dockerfile": text}, addr="docker://", tags=f"{tag}:inside"
    )
    for result, reference in ((loaded, tag), (inside, f"{tag}:inside")):
        process = subprocess.run(
            ["docker", "image", "inspect", reference], capture_output=True, check=True
        )
        (inspected,) = json.loads(process.stdout)
        assert inspected["Id"] == result.id


# Failures.


@pytest.mark.feature("K20")
def test_a_failing_step_is_an_error_with_its_line(client: Client) -> None:
    tree = {"Dockerfile": "FROM busybox\nRUN echo before\nRUN echo oh >&2; exit 3\n"}
    with pytest.raises(SolveError) as caught:
        client.build_image(tree, no_cache=True)
    error = caught.value
    assert error.exit_code == 3
    assert error.log[-1] == "oh"
    assert error.span is not None
    assert (error.span.filename, error.span.line) == ("Dockerfile", 3)


@pytest.mark.feature("K20")
def test_a_build_ends_after_its_timeout(client: Client) -> None:
    with pytest.raises(CancelledError):
        client.build_image({}, dockerfile_inline="FROM busybox\nRUN sleep 1000\n", timeout=2)


@pytest.mark.feature("K20")
def test_invalid_values_are_refused_before_anything_is_sent(
    buildkit_host: str, start_relay: Callable[[str], Relay]
) -> None:
    relay = start_relay(buildkit_host)
    with Client(relay.address) as client:
        relay.close()
        with pytest.raises(InvalidValueError, match="invalid shm_size 'x'"):
            client.build_image({"Dockerfile": ""}, shm_size="x")
        with pytest.raises(InputError, match="no such Dockerfile in the context: Dockerfile"):
            client.build_image({"a": ""})


@pytest.mark.feature("K20")
def test_one_call_connects_builds_and_closes(buildkit_host: str, tmp_path: Path) -> None:
    result = llb.client.build_image(FILES, addr=buildkit_host, outputs=tmp_path)
    assert isinstance(result, ImageResult)
    assert (tmp_path / "listing").read_text() == NOT_IGNORED


# The command.


@pytest.mark.feature("N17")
def test_a_function_reads_a_dockerfile_from_standard_input(
    buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(
        "import llb\nfrom llb.frontend import frontend, serve\n"
        "@frontend(filename='app.txt')\n"
        "def app(build):\n"
        "    return llb.files({'read': build.source.text})\n"
        "serve(app)\n"
    )
    command: list[str | Path] = [
        "frontend",
        "run",
        tmp_path / "main.py",
        tmp_path,
        "-f",
        "-",
        "-o",
        tmp_path / "out",
    ]
    process = subprocess.run(
        [sys.executable, "-m", "llb", *command, "--addr", buildkit_host],
        input=b"typed",
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "read").read_text() == "typed"


BUILD_FILE = """\
from llb import Image, State
from llb.buildfile import Build, target


@target
def app(build: Build, word: str = "none") -> State:
    tree = Image("busybox").copy(build.context(), "/context").run(f"echo {word} > /word")
    return build.scratch().copy(tree, "/", src="/word").copy(tree, "/", src="/context/src")
"""


@pytest.mark.feature("K20")
@pytest.mark.parametrize("kind", ["directory", "files in memory", "archive"])
def test_a_build_file_that_names_no_frontend_runs_here(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    contents = {"build.py": BUILD_FILE, "src/a": "content"}
    for path, content in contents.items():
        (tmp_path / "context" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "context" / path).write_text(content)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(tmp_path / "context", ".")
    contexts: dict[str, BuildContext] = {
        "directory": tmp_path / "context",
        "files in memory": contents,
        "archive": archive.getvalue(),
    }
    monkeypatch.chdir(tmp_path / "context")
    out = tmp_path / "out"
    client.build_image(
        contexts[kind], file="build.py", build_args={"word": "here"}, outputs=local(out)
    )
    assert (out / "word").read_text() == "here\n"
    assert (out / "a").read_text() == "content"


def test_a_frontend_that_cannot_be_had_is_replaced_on_request_only(
    client: Client, registry: str, tmp_path: Path
) -> None:
    named = f"# syntax={registry}/test/no-such-frontend\n{BUILD_FILE}"
    contents = {"build.py": named, "src/a": "content"}
    with pytest.raises(SolveError, match="no-such-frontend"):
        client.build_image(contents, file="build.py", outputs=cache_only())
    client.build_image(contents, file="build.py", evaluate_here=True, outputs=local(tmp_path))
    assert (tmp_path / "word").read_text() == "none\n"
