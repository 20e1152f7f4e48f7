"""The content store of a session: a daemon reads and writes the client's OCI layouts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import content_pb2 as pb
from llb.client.export.content_store import Store
from llb.client.export.oci_layout import Layout, tag_annotations
from llb.client.export.outputs import CacheOutput
from llb.client.session.providers.content import Content
from llb.errors import InputError, RemoteError
from llb.grpc.status import Code
from tests.fakes.call import MessageCall

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from llb.grpc import ServerCall


BLOB = b"some bytes of a blob"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


DIGEST = digest_of(BLOB)


def put_blob(layout: Layout, data: bytes) -> str:
    path = layout.blob(digest_of(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest_of(data)


def call(store: Store, method: str, *messages: Message, name: str = "oci:base") -> list[bytes]:
    service = Content({"oci:base": store})
    message_call = MessageCall(*messages, metadata={"buildkit-attachable-store-id": (name,)})
    service.handlers()[f"/containerd.services.content.v1.Content/{method}"](
        cast("ServerCall", message_call)
    )
    return message_call.sent


def refused(store: Store, method: str, *messages: Message, name: str = "oci:base") -> int:
    with pytest.raises(RemoteError) as caught:
        call(store, method, *messages, name=name)
    return caught.value.code


def write(data: bytes, offset: int = 0, **fields: object) -> pb.WriteContentRequest:
    return pb.WriteContentRequest(action=pb.WRITE, data=data, offset=offset, **fields)  # type: ignore[arg-type]


def begin(ref: str = "r", **fields: object) -> pb.WriteContentRequest:
    return pb.WriteContentRequest(action=pb.STAT, ref=ref, **fields)  # type: ignore[arg-type]


def end(offset: int, **fields: object) -> pb.WriteContentRequest:
    return pb.WriteContentRequest(action=pb.COMMIT, offset=offset, **fields)  # type: ignore[arg-type]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(layout: Layout) -> Store:
    return Store(layout, writable=True)


def files(layout: Layout) -> list[str]:
    return sorted(
        str(path.relative_to(layout.path.parent)) for path in layout.path.parent.rglob("*")
    )


@pytest.mark.feature("N14")
def test_a_blob_is_read_in_parts(layout: Layout, store: Store) -> None:
    put_blob(layout, BLOB)

    def read(**fields: int) -> bytes:
        sent = call(store, "Read", pb.ReadContentRequest(digest=DIGEST, **fields))
        return b"".join(pb.ReadContentResponse.FromString(data).data for data in sent)

    assert read() == BLOB
    assert read(offset=5, size=5) == b"bytes"
    assert read(offset=15, size=100) == BLOB[15:]
    assert read(offset=len(BLOB)) == b""
    too_far = pb.ReadContentRequest(digest=DIGEST, offset=len(BLOB) + 1)
    assert refused(store, "Read", too_far) == Code.OUT_OF_RANGE


def test_blobs_are_described_and_listed(layout: Layout, store: Store) -> None:
    put_blob(layout, BLOB)
    (layout.path / "blobs" / "sha256" / "no-digest").touch()
    (sent,) = call(store, "Info", pb.InfoRequest(digest=DIGEST))
    info = pb.InfoResponse.FromString(sent).info
    assert (info.digest, info.size) == (DIGEST, len(BLOB))
    (listed,) = call(store, "List", pb.ListContentRequest())
    assert [info.digest for info in pb.ListContentResponse.FromString(listed).info] == [DIGEST]


def test_a_link_out_of_the_layout_must_lead_to_the_blob(
    layout: Layout, store: Store, tmp_path: Path
) -> None:
    folder = layout.path / "blobs" / "sha256"
    folder.mkdir(parents=True)
    (tmp_path / "kept").write_bytes(BLOB)
    (folder / DIGEST.removeprefix("sha256:")).symlink_to(tmp_path / "kept")
    (sent,) = call(store, "Read", pb.ReadContentRequest(digest=DIGEST))
    assert pb.ReadContentResponse.FromString(sent).data == BLOB
    other = folder / ("0" * 64)
    other.symlink_to("/etc/passwd")
    for method, message in (
        ("Info", pb.InfoRequest(digest=f"sha256:{other.name}")),
        ("Read", pb.ReadContentRequest(digest=f"sha256:{other.name}")),
        ("List", pb.ListContentRequest()),
    ):
        with pytest.raises(RemoteError) as caught:
            call(store, method, message)
        assert caught.value.message == f"{other} is a link to a file with another digest"


def test_the_folder_of_a_layout_may_be_a_link(layout: Layout, tmp_path: Path) -> None:
    put_blob(layout, BLOB)
    (tmp_path / "link").symlink_to(layout.path)
    assert Store(Layout(tmp_path / "link")).find(DIGEST) is not None


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../../etc/passwd",
        "sha256:",
        "",
        "../x:y",
        f"md5:{'0' * 32}",
        f"sha256:{'A' * 64}",
        f"sha256:{'0' * 63}/",
        f"sha256:{'0' * 64}\n",
    ],
)
def test_an_invalid_digest_reaches_no_file(digest: str, store: Store) -> None:
    for method, message in (
        ("Info", pb.InfoRequest(digest=digest)),
        ("Read", pb.ReadContentRequest(digest=digest)),
    ):
        assert refused(store, method, message) == Code.INVALID_ARGUMENT
    if digest:
        assert refused(store, "Write", begin(expected=digest)) == Code.INVALID_ARGUMENT


@pytest.mark.feature("N15")
def test_a_complete_blob_is_visible_and_reaches_the_layout_after_the_build(
    layout: Layout, store: Store
) -> None:
    sent = call(
        store,
        "Write",
        begin("../../etc/passwd", total=len(BLOB), expected=DIGEST),
        write(BLOB[:4]),
        write(BLOB[4:], 4),
        end(len(BLOB), total=len(BLOB), expected=DIGEST),
    )
    answers = [pb.WriteContentResponse.FromString(data) for data in sent]
    assert [answer.offset for answer in answers] == [0, 4, len(BLOB), len(BLOB)]
    assert [answer.digest for answer in answers] == [
        digest_of(b""),
        digest_of(BLOB[:4]),
        DIGEST,
        DIGEST,
    ]
    assert call(store, "Info", pb.InfoRequest(digest=DIGEST))
    assert not layout.path.exists()
    descriptor = {"mediaType": "x", "digest": DIGEST, "size": len(BLOB)}
    output = CacheOutput(store, "main")
    output.commit({"cache.manifest": json.dumps(descriptor)})
    output.abort()
    assert files(layout) == [
        "layout",
        "layout/blobs",
        "layout/blobs/sha256",
        f"layout/blobs/sha256/{DIGEST.partition(':')[2]}",
        "layout/index.json",
        "layout/oci-layout",
    ]
    assert layout.blob(DIGEST).read_bytes() == BLOB
    assert layout.find("main") == {**descriptor, "annotations": tag_annotations("main")}


@pytest.mark.feature("N15")
def test_bytes_with_another_digest_are_refused(layout: Layout, store: Store) -> None:
    written = (begin(), write(b"other"))
    assert refused(store, "Write", *written, end(5, expected=DIGEST)) == Code.FAILED_PRECONDITION
    assert refused(store, "Write", begin("s"), write(b"other"), end(5, total=6)) == (
        Code.FAILED_PRECONDITION
    )
    assert refused(store, "Write", begin("t"), write(b"other"), write(b"x", 7)) == (
        Code.OUT_OF_RANGE
    )
    assert refused(store, "Write", begin("u", total=2), write(b"other")) == Code.OUT_OF_RANGE
    assert refused(store, "Info", pb.InfoRequest(digest=DIGEST)) == Code.NOT_FOUND
    store.close()
    assert files(layout) == []


def test_an_interrupted_write_is_resumed(store: Store) -> None:
    call(store, "Write", begin(), write(BLOB[:7]))
    (sent,) = call(store, "Status", pb.StatusRequest(ref="r"))
    assert pb.StatusResponse.FromString(sent).status.offset == 7
    (listed,) = call(store, "ListStatuses", pb.ListStatusesRequest())
    assert [status.ref for status in pb.ListStatusesResponse.FromString(listed).statuses] == ["r"]
    call(store, "Write", begin(), write(BLOB[7:], 7), end(len(BLOB), expected=DIGEST))
    assert call(store, "ListStatuses", pb.ListStatusesRequest()) == [b""]
    assert refused(store, "Write", begin("again", expected=DIGEST)) == Code.ALREADY_EXISTS


def test_a_write_may_start_again(store: Store) -> None:
    call(store, "Write", begin(), write(b"wrong"), write(BLOB), end(len(BLOB), expected=DIGEST))
    path = store.find(DIGEST)
    assert path is not None
    assert path.read_bytes() == BLOB


def test_an_empty_blob_is_accepted(store: Store) -> None:
    call(store, "Write", begin(), end(0, expected=digest_of(b"")))
    assert store.find(digest_of(b"")) is not None


def test_a_longer_digest_is_checked_too(store: Store) -> None:
    digest = f"sha512:{hashlib.sha512(BLOB).hexdigest()}"
    call(store, "Write", begin(), write(BLOB), end(len(BLOB), expected=digest))
    assert store.find(digest) is not None
    wrong = f"sha512:{'0' * 128}"
    assert refused(store, "Write", begin("s"), write(BLOB), end(len(BLOB), expected=wrong)) == (
        Code.FAILED_PRECONDITION
    )


def test_an_aborted_blob_is_gone(layout: Layout, store: Store) -> None:
    call(store, "Write", begin(), write(BLOB))
    call(store, "Abort", pb.AbortRequest(ref="r"))
    assert refused(store, "Status", pb.StatusRequest(ref="r")) == Code.NOT_FOUND
    assert refused(store, "Abort", pb.AbortRequest(ref="r")) == Code.NOT_FOUND
    store.close()
    assert files(layout) == []


def test_one_call_at_a_time_writes_a_blob(store: Store) -> None:
    ingest = store.begin("r", 0, "")
    assert refused(store, "Write", begin()) == Code.UNAVAILABLE
    store.release(ingest)
    assert call(store, "Write", begin())


def test_unfinished_blobs_are_limited(store: Store) -> None:
    for number in range(256):
        call(store, "Write", begin(str(number)))
    assert refused(store, "Write", begin("one more")) == Code.RESOURCE_EXHAUSTED


def test_an_imported_layout_is_not_written(layout: Layout) -> None:
    put_blob(layout, BLOB)
    store = Store(layout)
    assert refused(store, "Write", begin()) == Code.PERMISSION_DENIED
    assert refused(store, "Delete", pb.DeleteContentRequest(digest=DIGEST)) == (
        Code.PERMISSION_DENIED
    )
    assert refused(store, "Update", pb.UpdateRequest()) == Code.PERMISSION_DENIED
    assert layout.blob(DIGEST).read_bytes() == BLOB


def test_nothing_is_written_after_the_build(layout: Layout, store: Store) -> None:
    store.close()
    assert refused(store, "Write", begin()) == Code.UNAVAILABLE
    assert files(layout) == []


def test_an_unknown_store_is_named(store: Store) -> None:
    with pytest.raises(RemoteError, match="unknown store oci:other"):
        call(store, "Info", pb.InfoRequest(digest=DIGEST), name="oci:other")
    assert Content({}).handlers() == {}


@pytest.mark.feature("Q6")
def test_an_unwritable_layout_is_a_failure_of_the_session(
    layout: Layout, store: Store, tmp_path: Path
) -> None:
    service = Content({"oci:base": store})
    (tmp_path / "layout").write_text("a file")
    message_call = MessageCall(begin(), metadata={"buildkit-attachable-store-id": ("oci:base",)})
    store.layout = Layout(layout.path / "below")
    with pytest.raises(RemoteError):
        service.handlers()["/containerd.services.content.v1.Content/Write"](
            cast("ServerCall", message_call)
        )
    assert [type(failure) for failure in service.failures] == [InputError]
