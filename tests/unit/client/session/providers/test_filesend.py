"""Only the exports of the build are received."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from llb._pb import filesync_pb2
from llb.client.export.destinations import FileReceiver
from llb.client.export.receivers import Receivers
from llb.client.session.providers.filesend import FileSend
from llb.errors import RemoteError
from tests.fakes.call import MessageCall

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import ServerCall


def stream(data: bytes, number: str = "0") -> ServerCall:
    message = filesync_pb2.BytesMessage(data=data)
    metadata = {"buildkit-attachable-exporter-id": (number,)}
    return cast("ServerCall", MessageCall(message, metadata=metadata))


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("number", ["1", "-1", "x", "", "٣", "1" * 5000])
def test_an_unrequested_export_is_refused(number: str, tmp_path: Path) -> None:
    receivers = Receivers()
    receivers.add(0, FileReceiver(tmp_path / "out.tar"))
    (handler,) = FileSend(receivers).handlers().values()
    with pytest.raises(RemoteError, match=f"unknown exporter {number}"):
        handler(stream(b"data", number))
    assert names_in(tmp_path) == []
