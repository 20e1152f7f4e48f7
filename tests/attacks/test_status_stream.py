"""What a daemon reports about a build can neither flood a client nor drive its terminal."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from llb._pb import control_pb2 as pb
from llb._pb import ops_pb2
from llb.client.builds.build_run import BuildRun
from llb.client.connect.errors import to_solve_error
from llb.client.export.receivers import Receivers
from llb.client.progress.plain import PlainDisplay
from llb.client.progress.tty import TtyDisplay
from llb.errors import RemoteError, TransportError, render
from tests.attacks.limits import MIB, limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NOW = Timestamp(seconds=1_700_000_000)
SEQUENCES = "\x1b]0;title\x07\x1b[2J\x1b]52;c;eA==\x07\x1b[6n\r\x9b2J"
POSITION = ops_pb2.Position(line=2**31 - 1, character=2**31 - 1)


def vertex(number: int, **fields: Any) -> pb.Vertex:
    options = {"name": f"step {number}", "started": NOW, **fields}
    return pb.Vertex(digest=f"sha256:{number:064}", **options)


def log(number: int, data: bytes) -> pb.VertexLog:
    return pb.VertexLog(vertex=f"sha256:{number:064}", stream=1, msg=data, timestamp=NOW)


def response(**fields: Any) -> pb.StatusResponse:
    return pb.StatusResponse(**fields)


def status(number: int, **fields: Any) -> pb.VertexStatus:
    digest = f"sha256:{0:064}"
    return pb.VertexStatus(ID=f"layer {number}", vertex=digest, timestamp=NOW, **fields)


FLOODS: dict[str, Callable[[], Iterable[pb.StatusResponse]]] = {
    "steps": lambda: (
        response(vertexes=[vertex(n, completed=NOW) for n in range(start, start + 100)])
        for start in range(0, 3_000, 100)
    ),
    "the same step again": lambda: (response(vertexes=[vertex(0, completed=NOW)] * 100),) * 100,
    "steps that start again": lambda: (
        response(vertexes=[vertex(0, started=Timestamp(seconds=n), completed=NOW)])
        for n in range(10_000)
    ),
    "inputs of a step": lambda: [response(vertexes=[vertex(0, inputs=["x"] * 100_000)])],
    "names of a megabyte": lambda: (
        response(vertexes=[vertex(n, name="x" * MIB, completed=NOW)]) for n in range(4)
    ),
    "errors of a megabyte": lambda: (
        response(vertexes=[vertex(n, error="x" * MIB, completed=NOW)]) for n in range(4)
    ),
    "output byte by byte": lambda: (
        response(vertexes=[vertex(0)] if not n else [], logs=[log(0, b"x")] * 100)
        for n in range(100)
    ),
    "output without a newline": lambda: [
        response(vertexes=[vertex(0)]),
        *(response(logs=[log(0, b"x" * MIB)]) for _ in range(8)),
    ],
    "output of newlines": lambda: [
        response(vertexes=[vertex(0)]),
        *(response(logs=[log(0, b"\n" * 10_000)]) for _ in range(4)),
    ],
    "output of carriage returns": lambda: [
        response(vertexes=[vertex(0)]),
        response(logs=[log(0, b"\r" * MIB)]),
    ],
    "output of unknown steps": lambda: (response(logs=[log(n, b"x\n")]) for n in range(10_000)),
    "parts of a step": lambda: (
        response(
            vertexes=[vertex(0)] if not n else [],
            statuses=[status(i, current=1, total=2) for i in range(n, n + 100)],
        )
        for n in range(0, 5_000, 100)
    ),
    "parts of impossible sizes": lambda: [
        response(vertexes=[vertex(0)]),
        response(statuses=[status(0, current=-(2**63), total=2**63 - 1, started=NOW)] * 100),
    ],
    "warnings": lambda: [
        response(
            vertexes=[vertex(0)],
            warnings=[
                pb.VertexWarning(
                    vertex=f"sha256:{0:064}",
                    level=-(2**63),
                    short=b"\xff" * 100,
                    detail=[b"d"] * 20,
                    info=ops_pb2.SourceInfo(filename="f", data=b"x\n" * 1000),
                    ranges=[ops_pb2.Range(start=POSITION, end=POSITION)] * 20,
                )
            ]
            * 50,
        )
    ],
    "groups": lambda: (
        response(
            vertexes=[
                vertex(n, completed=NOW, progressGroup=ops_pb2.ProgressGroup(id=f"g{n}", name="x"))
            ]
        )
        for n in range(2_000)
    ),
}
DISPLAYS = {"plain": PlainDisplay, "tty": TtyDisplay}


def follow(responses: Iterable[pb.StatusResponse], display: Any) -> None:
    """Handle responses as a build does."""
    nothing = cast("Any", None)
    build = BuildRun(nothing, nothing, Receivers(), [], display)
    for one in responses:
        build._handle(one)
    assert build._failure is None


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("display", DISPLAYS)
def test_a_flood_is_shown_within_limits(name: str, display: str) -> None:
    responses = list(FLOODS[name]())
    with limited(memory=128 * MIB), DISPLAYS[display](io.StringIO()) as shown:
        follow(responses, shown)


def everywhere(text: str) -> Iterator[pb.StatusResponse]:
    """Yield a text as every string that a daemon reports."""
    group = ops_pb2.ProgressGroup(id="g", name=text)
    yield response(vertexes=[vertex(0, name=text), vertex(1, name=text, progressGroup=group)])
    yield response(statuses=[status(0, name=text), pb.VertexStatus(ID=text, vertex=text)])
    yield response(logs=[log(0, text.encode() + b"\n"), pb.VertexLog(vertex=text, msg=b"x\n")])
    info = ops_pb2.SourceInfo(filename=text, data=text.encode())
    line = ops_pb2.Position(line=1)
    warning = pb.VertexWarning(
        vertex=f"sha256:{0:064}",
        short=text.encode(),
        detail=[text.encode()],
        url=text,
        info=info,
        ranges=[ops_pb2.Range(start=line, end=line)],
    )
    yield response(warnings=[warning])
    yield response(vertexes=[vertex(0, name=text, completed=NOW, error=text)])
    yield response(vertexes=[pb.Vertex(digest=text, name=text, started=NOW, error=text)])


@pytest.mark.parametrize("display", DISPLAYS)
def test_no_string_of_a_daemon_drives_the_terminal(display: str) -> None:
    stream = io.StringIO()
    with DISPLAYS[display](stream) as shown:
        follow(everywhere(SEQUENCES), shown)
    output = stream.getvalue()
    assert [
        part for part in ("\x1b]", "\x1b[2J", "\x1b[6n", "\x07", "\x9b") if part in output
    ] == []


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63), 253_402_300_800])
def test_a_time_outside_the_calendar_is_one_error(seconds: int) -> None:
    time = Timestamp(seconds=seconds)
    for sent in (
        response(vertexes=[vertex(0, started=time)]),
        response(statuses=[status(0, completed=time)]),
        response(logs=[pb.VertexLog(vertex="x", timestamp=time)]),
    ):
        with pytest.raises(TransportError, match="invalid time from the daemon"):
            follow([sent], lambda _: None)


def failed(*bodies: tuple[str, object], message: str = "failed") -> str:
    """Render the error of a build with these details."""
    details = tuple(
        AnyMessage(
            type_url=f"github.com/moby/buildkit/{kind}+json", value=json.dumps(body).encode()
        ).SerializeToString()
        for kind, body in bodies
    )
    error = RemoteError(message, code=2, details=details)
    return render(to_solve_error(error, lambda _: SEQUENCES, lambda _: (SEQUENCES,) * 1000))


def source(text: str, *, lines: int = 1, filename: str = "Dockerfile") -> tuple[str, object]:
    info = {"filename": filename, "data": base64.b64encode(text.encode()).decode()}
    span = {"start": {"line": 1}, "end": {"line": lines, "character": 2**40}}
    return "errdefs.Source", {"info": info, "ranges": [span]}


ERRORS: dict[str, Callable[[], str]] = {
    "a message of a megabyte": lambda: failed(message="x " * MIB),
    "a message of newlines": lambda: failed(message="\n" * MIB),
    "a traceback of a megabyte": lambda: failed(message='e\n  File "x"\n' + "x\n" * 100_000),
    "thousands of sources": lambda: failed(*(source(f"RUN {n}\n") for n in range(3000))),
    "thousands of details": lambda: failed(*[("errdefs.Vertex", {"digest": "x"})] * 5000),
    "a source of thousands of lines": lambda: failed(source("x\n" * 20_000, lines=20_000)),
    "a source of one long line": lambda: failed(source("x" * MIB)),
    "directories of an overlay": lambda: failed(message="lowerdir=" + "/a:" * 300_000),
    "control characters": lambda: failed(
        source(SEQUENCES, filename=SEQUENCES),
        ("errdefs.Vertex", {"digest": SEQUENCES}),
        message=SEQUENCES,
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_rendered_within_limits(name: str) -> None:
    with limited(memory=128 * MIB):
        text = ERRORS[name]()
    assert len(text) < 16 * MIB
    assert [part for part in ("\x1b", "\x07", "\x9b") if part in text] == []
