"""Measure what a build waits for its frontend: ours in Python beside the stock one in Go.

    python -m bench.coldstart [--pairs N] [--ours IMAGE] [--theirs IMAGE] [--output FILE]

The Dockerfile has one COPY onto scratch and everything is cached but the run
of the frontend itself. Where ours spends its time is measured inside its image,
by ``spy.py`` in builds like the others, and by ``probe.py`` in a step of a build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median

from bench.pairs import BUILDCTL, ROOT, Run, alternate, run, table, write
from llb import Image, Local, Scratch, bind

OURS = "localhost:5000/pyfrontend"
THEIRS = "docker.io/docker/dockerfile:1"
RESULTS = Path(__file__).with_name("results.json")
PROBE = Path(__file__).with_name("probe.py")
SPY = Path(__file__).with_name("spy.py")
ENV = {
    "PYTHONPATH": "/opt/pyllb",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
IMPORTS = "import frontend, while the daemon loads them"
PLAIN = (BUILDCTL, "build", "--progress", "plain")


def frontend(image: str, context: Path) -> list[str]:
    """Return the command that builds the directory through the frontend in ``image``."""
    inputs = ["--local", f"context={context}", "--local", f"dockerfile={context}"]
    return [*PLAIN, "--frontend", "gateway.v0", "--opt", f"source={image}", *inputs]


def build(image: str, context: Path) -> Run:
    """Build the directory through the frontend in ``image``, without an exporter."""
    return run(frontend(image, context))


def conversation(image: str, context: Path, count: int) -> dict[str, float]:
    """Return what ``spy.py`` says of the parts of a build, in milliseconds, medians of several."""
    name = f"{image}-spied"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "spy.py").write_bytes(SPY.read_bytes())
        (folder / "Dockerfile").write_text(
            f'FROM {image}\nCOPY spy.py /\nENTRYPOINT ["python3", "-S", "/spy.py"]\n'
        )
        inputs = ["--local", f"context={folder}", "--local", f"dockerfile={folder}"]
        output = ["--output", f"type=image,name={name},push=true"]
        run([*PLAIN, "--frontend", "dockerfile.v0", *inputs, *output])
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(count + 1):
        done = subprocess.run(
            frontend(name, context), cwd=ROOT, capture_output=True, text=True, check=False
        )
        said = done.stderr.rpartition("TIMES ")[2].partition(" SEMIT")[0]
        for part, taken in parts(json.loads(said)).items():
            found[part].append(taken)
    return {part: round(median(taken[1:]), 1) for part, taken in found.items()}


def parts(times: list[tuple[str, float]]) -> dict[str, float]:
    """Return the parts that the times of one build make."""
    found: dict[str, float] = defaultdict(float)
    between = "starting to talk"
    for name, taken in times:
        if name == "early":
            found[between] += taken
            between = IMPORTS
        elif name.startswith("before "):
            found[between] += taken
            between = "reading, converting, writing" if between == IMPORTS else between
        elif name == "Ping":
            found["first answer of the daemon"] += taken
            between = "asking for files early"
        elif name[0].isupper():
            is_early = between == "asking for files early"
            found[between if is_early else "waiting for the daemon"] += taken
        else:
            found[name] += taken
    return found


def inside(image: str, scratch: Path) -> dict[str, object]:
    """Return what ``probe.py`` measures in the image."""
    probed = Image(image).run(
        ["python3", "/probe/probe.py", "/out/probe.json"],
        env=ENV,
        mounts=[
            bind(Local("probe", include=[PROBE.name]), "/probe", readonly=True),
            bind(Scratch(), "/out"),
        ],
        ignore_cache=True,
    )
    definition = scratch / "probe.pb"
    definition.write_bytes(probed.mounted("/out").marshal().to_bytes())
    places = ["--local", f"probe={PROBE.parent}", "--output", f"type=local,dest={scratch}"]
    run([*PLAIN, *places], stdin=definition)
    measured: dict[str, object] = json.loads((scratch / "probe.json").read_text())
    return measured


def size(image: str, scratch: Path) -> float:
    """Return the size of the layers of an image as they are sent, in MB."""
    definition, archive = scratch / "image.pb", scratch / "image.tar"
    definition.write_bytes(Image(image).marshal().to_bytes())
    run([*PLAIN, "--output", f"type=oci,dest={archive}"], stdin=definition)
    with tarfile.open(archive) as members:
        blobs = {each.name.rpartition("/")[2]: each.size for each in members}
        index = json.load(members.extractfile("index.json"))
        digest = index["manifests"][0]["digest"].partition(":")[2]
        manifest = json.load(members.extractfile(f"blobs/sha256/{digest}"))
    layers = (each["digest"].partition(":")[2] for each in manifest["layers"])
    return round(sum(blobs[each] for each in layers) / 1e6, 1)


def main() -> None:
    """Measure, print the tables, and write the data."""
    parser = argparse.ArgumentParser(prog="bench.coldstart", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--ours", default=OURS)
    parser.add_argument("--theirs", default=THEIRS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
        context = Path(folder)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
        (context / "a").write_text("content\n")
        ours = partial(build, arguments.ours, context)
        theirs = partial(build, arguments.theirs, context)
        ours(), theirs()
        pairs = alternate("trivial build, all cached", arguments.pairs, ours, theirs)
        spied = conversation(arguments.ours, context, arguments.pairs)
        probed = inside(arguments.ours, Path(scratch))
        sizes = {name: size(name, Path(scratch)) for name in (arguments.ours, arguments.theirs)}
    print(table([pairs]), milliseconds(spied), json.dumps(probed, indent=1), sep="\n\n")
    print(*(f"{name}: {taken} MB compressed" for name, taken in sizes.items()), sep="\n")
    images = {"ours": arguments.ours, "theirs": arguments.theirs}
    measured = {"parts_ms": spied, "compressed_mb": sizes, "inside_our_image": probed}
    write(arguments.output, [pairs], {"images": images, **measured})


def milliseconds(spied: dict[str, float]) -> str:
    """Return the parts of a build as a table in Markdown."""
    lines = ["| inside our frontend | ms |", "|---|---:|"]
    lines += [f"| {part} | {taken} |" for part, taken in spied.items()]
    return "\n".join([*lines, f"| together | {round(sum(spied.values()), 1)} |"])


if __name__ == "__main__":
    main()
