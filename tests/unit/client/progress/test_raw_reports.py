"""Progress messages as JSON contain no control characters."""

from __future__ import annotations

import json

from llb._pb import control_pb2 as pb
from llb.client.progress.raw_reports import to_line, to_report


def test_control_characters_are_escapes_of_json() -> None:
    name = "\x1b]0;title\x07\x7f\x9b2J"
    line = to_line(to_report(pb.StatusResponse(vertexes=[pb.Vertex(name=name)])))
    assert line.isprintable()
    assert json.loads(line)["vertexes"][0]["name"] == name
