"""A function may add exporters once the result exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb._pb import exporter_pb2 as pb
from llb.client.session.providers.exporter import Exporters
from llb.errors import InputError, RemoteError
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHOD = "/moby.exporter.v1.Exporter/FindExporters"


def test_exporters_are_found_by_the_metadata_of_the_result() -> None:
    def find(metadata: Mapping[str, bytes]) -> Iterable[tuple[str, Mapping[str, str]]]:
        yield "image", {"name": metadata["name"].decode()}
        yield "local", {}

    request = pb.FindExportersRequest(metadata={"name": b"app"}).SerializeToString()
    with offered(Exporters(find)) as channel:
        answer = pb.FindExportersResponse.FromString(channel.call(METHOD, request, timeout=30))
    exporters = [(exporter.Type, dict(exporter.Attrs)) for exporter in answer.exporters]
    assert exporters == [("image", {"name": "app"}), ("local", {})]


def test_an_error_of_the_function_fails_the_build() -> None:
    def failing(_: Mapping[str, bytes]) -> Iterable[tuple[str, Mapping[str, str]]]:
        raise InputError("no name")

    service = Exporters(failing)
    with offered(service) as channel, pytest.raises(RemoteError, match="no name"):
        channel.call(METHOD, b"", timeout=30)
    assert [failure.message for failure in service.failures] == ["no name"]


def test_without_a_function_nothing_is_offered() -> None:
    assert Exporters(None).handlers() == {}
