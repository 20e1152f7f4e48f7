"""A build fetches files of the client by URL."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from llb._pb import upload_pb2 as pb
from llb.client.session.providers.upload import Uploads
from llb.client.session.uploads import Upload
from llb.errors import InputError, RemoteError
from llb.grpc import Code
from tests.fakes.session import offered

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import Channel

LARGE = bytes(range(256)) * 10_000


def pull(channel: Channel, url: str) -> bytes:
    """Fetch a URL as a daemon does."""
    metadata = [("urlpath", url.removeprefix("http://buildkit-session"))]
    call = channel.stream("/moby.upload.v1.Upload/Pull", metadata=metadata, timeout=30)
    call.close_send()
    data = b""
    while (part := call.receive()) is not None:
        data += pb.BytesMessage.FromString(part).data
    return data


def test_bytes_and_files_can_be_fetched_repeatedly(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    uploads = Upload(b"bytes"), Upload(tmp_path / "file"), Upload(b"")
    with offered(Uploads(uploads)) as channel:
        for _ in range(2):
            assert [pull(channel, upload.url) for upload in uploads] == [b"bytes", LARGE, b""]


def test_a_stream_is_sent_once_and_stays_open() -> None:
    stream = io.BytesIO(b"stream")
    upload = Upload(stream)
    with offered(Uploads([upload])) as channel:
        assert pull(channel, upload.url) == b"stream"
        with pytest.raises(RemoteError) as caught:
            pull(channel, upload.url)
    assert caught.value.code == Code.NOT_FOUND
    assert not stream.closed


def test_an_unknown_url_is_not_found() -> None:
    with offered(Uploads([])) as channel, pytest.raises(RemoteError) as caught:
        pull(channel, "http://buildkit-session/none")
    assert caught.value.message == "unknown upload /none"


def test_an_unreadable_file_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    upload = Upload(tmp_path / "file")
    (tmp_path / "file").unlink()
    service = Uploads([upload])
    with offered(service) as channel, pytest.raises(RemoteError) as caught:
        pull(channel, upload.url)
    assert caught.value.message.startswith("cannot read the upload: [Errno 2]")
    assert [str(failure) for failure in service.failures] == [caught.value.message]


def test_a_missing_file_is_refused_before_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Upload(tmp_path / "none")
    assert caught.value.message == f"cannot upload {tmp_path}/none: no such file"
