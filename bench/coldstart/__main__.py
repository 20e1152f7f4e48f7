"""Measure what a build waits for its frontend: ours in Python beside the stock one in Go.

    python -m bench.coldstart [--pairs N] [--ours IMAGE] [--theirs IMAGE] [--output FILE]

The Dockerfile has one COPY onto scratch and everything is cached but the run
of the frontend itself. Where ours spends its time is measured inside its image.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

from bench.pairs import BUILDCTL, Run, alternate, run, table, write
from llb import Image, Local, Scratch, bind

OURS = "localhost:5000/pyfrontend"
THEIRS = "docker.io/docker/dockerfile:1"
RESULTS = Path(__file__).with_name("results.json")
PROBE = Path(__file__).with_name("probe.py")


def build(image: str, context: Path) -> Run:
    """Build the directory through the frontend in ``image``, without an exporter."""
    frontend = ["--frontend", "gateway.v0", "--opt", f"source={image}"]
    inputs = ["--local", f"context={context}", "--local", f"dockerfile={context}"]
    return run([BUILDCTL, "build", "--progress", "plain", *frontend, *inputs])


def breakdown(image: str, scratch: Path) -> dict[str, object]:
    """Return what ``probe.py`` measures in the image."""
    probed = Image(image).run(
        ["python3", "/probe/probe.py", "/out/probe.json"],
        env={"PYTHONPATH": "/opt/pyllb", "PYTHONDONTWRITEBYTECODE": "1"},
        mounts=[
            bind(Local("probe", include=[PROBE.name]), "/probe", readonly=True),
            bind(Scratch(), "/out"),
        ],
        ignore_cache=True,
    )
    definition = scratch / "probe.pb"
    definition.write_bytes(probed.mounted("/out").marshal().to_bytes())
    places = ["--local", f"probe={PROBE.parent}", "--output", f"type=local,dest={scratch}"]
    run([BUILDCTL, "build", "--progress", "plain", *places], stdin=definition)
    measured: dict[str, object] = json.loads((scratch / "probe.json").read_text())
    return measured


def main() -> None:
    """Measure, print the table and the breakdown, and write the data."""
    parser = argparse.ArgumentParser(prog="bench.coldstart", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--ours", default=OURS)
    parser.add_argument("--theirs", default=THEIRS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
        (context / "a").write_text("content\n")
        ours = partial(build, arguments.ours, context)
        theirs = partial(build, arguments.theirs, context)
        ours(), theirs()
        pairs = alternate("trivial build, all cached", arguments.pairs, ours, theirs)
        inside = breakdown(arguments.ours, context)
    print(table([pairs]))
    print(json.dumps(inside, indent=1))
    images = {"ours": arguments.ours, "theirs": arguments.theirs}
    write(arguments.output, [pairs], {"images": images, "inside_our_image": inside})


if __name__ == "__main__":
    main()
