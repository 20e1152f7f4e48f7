"""Targets of the fuzzer that decode messages: HTTP/2, the progress of a build, and registries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import hpack
from google.protobuf import any_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from llb._pb import control_pb2, ops_pb2
from llb.client.connect.calls import Responses
from llb.client.connect.errors import to_solve_error
from llb.client.progress.events import from_response
from llb.client.progress.raw_reports import to_line, to_report
from llb.client.registries import tokens
from llb.client.registries.tokens import TokenRequest
from llb.client.registry_auth.docker_config import Login
from llb.errors import InputError, InvalidValueError, RemoteError, TransportError
from llb.grpc.http2 import frames
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import DataReceived, HeadersReceived, Limits
from llb.grpc.messages import MessageReader, prefix
from llb.grpc.metadata import RESPONSE, parse_metadata, request
from llb.grpc.status import encode_status, from_trailers, read_details
from llb.state.image_config import ImageConfig
from tests.attacks.mutations import (
    mutated_frame,
    mutated_json,
    mutated_list,
    mutated_message,
    split_frames,
)
from tests.attacks.target import ACCEPTED
from tests.fakes.call import BytesCall

if TYPE_CHECKING:
    from random import Random

    from llb.grpc.http2.events import Event
    from llb.grpc.interfaces import OutgoingCall

_DIGEST = f"sha256:{'1' * 64}"


class Http2:
    """The state machine of an HTTP/2 connection, in both roles, with gRPC's messages and ends."""

    name = "http2"
    _limits = Limits(streams=8, stream_window=2**16, connection_window=2**17, header_list=2**14)

    def __init__(self) -> None:
        to_server, to_client = _conversation()
        details = encode_status(2, "broken", (b"\n\x01x", b"y")).hex()
        block = hpack.Encoder().encode([*RESPONSE, ("grpc-status-details-bin", details)])
        padded = frames.header(frames.DATA, frames.PADDED, 1, 5) + b"\x03a\0\0\0"
        flags = frames.HAS_PRIORITY | frames.END_HEADERS
        prioritized = frames.header(frames.HEADERS, flags, 5, 5 + len(block)) + bytes(5) + block
        self._others = [
            *(frames.ping(), frames.settings([(1, 0), (3, 0), (4, 0), (5, 2**14), (6, 1)])),
            *(frames.window_update(0, 1), frames.window_update(1, 2**31 - 1)),
            *(frames.rst_stream(1, 8), frames.goaway(1, 0), frames.SETTINGS_ACK),
            *(frames.headers(5, block, end=False, frame_size=16), padded, prioritized),
        ]
        self._valid = (split_frames(to_server[len(frames.PREFACE) :]), split_frames(to_client))

    def run(self, random: Random) -> str:
        """Receive a mutated conversation in pieces, and answer it."""
        is_client = random.random() < 0.5
        sent = mutated_list(random, self._valid[is_client], mutated_frame, self._others)
        connection = Connection(client=is_client, limits=self._limits)
        if is_client:
            for _ in range(2):
                connection.open_stream(request("/s/m", "localhost", None, ()))
        data = (b"" if is_client else frames.PREFACE) + b"".join(sent)
        readers: dict[int, MessageReader] = {}
        try:
            while data:
                size = random.choice((1, 9, 100, len(data)))
                for event in connection.receive(data[:size]):
                    self._react(connection, event, readers)
                data = data[size:]
                if random.random() < 0.5:
                    connection.take_output(2**16)
        except (TransportError, RemoteError) as error:
            return type(error).__name__
        finally:
            connection.take_output(2**20)
        return ACCEPTED

    @staticmethod
    def _react(connection: Connection, event: Event, readers: dict[int, MessageReader]) -> None:
        """Do what a call does with an event."""
        match event:
            case HeadersReceived(number, headers, end):
                parse_metadata(headers)
                from_trailers(headers)
                connection.send_headers(number, RESPONSE)
                if end:
                    connection.end_stream(number, (("grpc-status", "0"),))
            case DataReceived(number, data, _):
                reader = readers.setdefault(number, MessageReader(2**16))
                reader.feed(data)
                reader.settle()
                for message in reader.take():
                    connection.send_data(number, prefix(message), message)
                connection.consumed(number, len(data))

    def close(self) -> None:
        """Do nothing: there are no files."""


def _conversation() -> tuple[bytes, bytes]:
    """Record two calls between a client and a server: the bytes to the server, and to the client."""
    client = Connection(client=True, limits=Limits())
    server = Connection(client=False, limits=Limits())
    for number in (1, 3):
        client.open_stream(request("/s/m", "localhost", 1.5, (("dir-name", "context"),)))
        client.send_data(number, prefix(b"hello"), b"hello")
        client.end_stream(number)
    to_server = b"".join(client.take_output(2**20))
    server.receive(to_server)
    for number in (1, 3):
        server.send_headers(number, RESPONSE)
        server.send_data(number, prefix(b"world"), b"world")
        server.end_stream(number, (("grpc-status", "2"), ("grpc-message", "50%25")))
    return to_server, b"".join(server.take_output(2**20))


class StatusStream:
    """The decoder of a build's progress and of its error: responses to events, details to spans."""

    name = "status"

    def __init__(self) -> None:
        self._response = _response().SerializeToString()
        place = {"line": 1, "character": 2}
        source = {
            "info": {"filename": "Dockerfile", "data": "RlJPTSB4Cg=="},
            "ranges": [{"start": place, "end": {**place, "character": 4}}],
        }
        self._details = [
            _detail("errdefs.Source", source),
            _detail("errdefs.Vertex", {"digest": _DIGEST}),
            _detail("gatewayapi.ExitMessage", {"Code": 1}),
        ]

    def run(self, random: Random) -> str:
        """Decode a stream of mutated responses, or a mutated error."""
        if random.random() < 0.3:
            return self._run_error(random)
        sent = [mutated_message(random, self._response)]
        while random.random() < 0.3:
            sent.append(mutated_message(random, sent[-1]))

        def begin() -> OutgoingCall:
            return cast("OutgoingCall", _Answers(sent))

        try:
            for message in Responses(begin, control_pb2.StatusResponse, lambda error: error):
                to_line(to_report(message))
                for event in from_response(message):
                    repr(event)
        except (TransportError, RemoteError) as error:
            return type(error).__name__
        return ACCEPTED

    def _run_error(self, random: Random) -> str:
        details = mutated_list(random, self._details, self._mutated_detail)
        body = encode_status(2, "failed", tuple(details))
        if random.random() < 0.3:
            body = mutated_message(random, body)
        error = RemoteError("failed", code=2, details=read_details(body))
        solve_error = to_solve_error(error, lambda _: None, lambda _: ())
        repr(solve_error)
        return type(solve_error).__name__

    def _mutated_detail(self, random: Random, data: bytes) -> bytes:
        if data not in self._details or random.random() < 0.3:
            return mutated_message(random, data)
        message = any_pb2.Any.FromString(data)
        message.value = mutated_json(random, message.value)
        return message.SerializeToString()

    def close(self) -> None:
        """Do nothing: there are no files."""


class _Answers(BytesCall):
    """A call of the client that can be cancelled."""

    def cancel(self) -> None:
        """Do nothing: the messages are here already."""


def _response() -> control_pb2.StatusResponse:
    time = Timestamp(seconds=1_700_000_000, nanos=5)
    position = ops_pb2.Position(line=2, character=1)
    vertex = control_pb2.Vertex(
        digest=_DIGEST,
        inputs=[_DIGEST],
        name="RUN y",
        started=time,
        completed=time,
        error="exit",
        progressGroup=ops_pb2.ProgressGroup(id="g", name="group", weak=True),
    )
    status = control_pb2.VertexStatus(
        ID="layer", vertex=_DIGEST, current=1, total=2, timestamp=time, started=time
    )
    warning = control_pb2.VertexWarning(
        vertex=_DIGEST,
        short=b"w",
        detail=[b"d"],
        url="u",
        info=ops_pb2.SourceInfo(filename="Dockerfile", data=b"FROM x\nRUN y\n"),
        ranges=[ops_pb2.Range(start=position, end=position)],
    )
    log = control_pb2.VertexLog(vertex=_DIGEST, timestamp=time, stream=1, msg=b"out\n")
    return control_pb2.StatusResponse(
        vertexes=[vertex], statuses=[status], logs=[log], warnings=[warning]
    )


def _detail(kind: str, content: object) -> bytes:
    url = f"github.com/moby/buildkit/{kind}+json"
    return any_pb2.Any(type_url=url, value=json.dumps(content).encode()).SerializeToString()


_CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-01-01T00:00:00Z",
    "config": {
        "User": "me",
        "Env": ["PATH=/bin"],
        "Cmd": ["sh"],
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"a": "b"},
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000},
        "ArgsEscaped": True,
        "OnBuild": ["RUN x"],
        "Shell": ["/bin/sh", "-c"],
    },
    "rootfs": {"type": "layers", "diff_ids": [_DIGEST]},
    "history": [{"created_by": "x", "empty_layer": True}],
}


class Registry:
    """The decoders of what registries answer: tokens and their errors, and image configs."""

    name = "registry"
    _request = TokenRequest("registry.example", "https://auth.example/token")
    _login = Login("me", "pass word")
    _tokens = (
        {"token": "t", "expires_in": 60, "issued_at": "2026-01-01T00:00:00Z"},
        {"access_token": "t", "refresh_token": "r", "scope": "x"},
        {"errors": [{"code": "DENIED", "message": "no", "detail": {}}]},
        {"error": "invalid", "error_description": "used up", "details": "pass word"},
    )

    def run(self, random: Random) -> str:
        """Decode a mutated answer of a token server, or a mutated image config."""
        decode = self._run_token if random.random() < 0.5 else self._run_config
        try:
            decode(random)
        except (InputError, InvalidValueError) as error:
            outcome, message = type(error).__name__, error.message
        else:
            outcome, message = ACCEPTED, ""
        assert "pass word" not in message
        return outcome

    def _run_token(self, random: Random) -> None:
        body = mutated_json(random, json.dumps(random.choice(self._tokens)).encode())
        status = random.choice((200, 200, 301, 400, 401, 403, 404, 418, 500, 999))
        token = tokens._parse_token(self._request, self._login, status, body)
        assert token.value.isascii()
        assert token.value.isprintable()

    def _run_config(self, random: Random) -> None:
        ImageConfig.from_json(mutated_json(random, json.dumps(_CONFIG).encode())).to_json()

    def close(self) -> None:
        """Do nothing: there are no files."""
