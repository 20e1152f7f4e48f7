"""Measure the cold start of frontends: ours in Python against the stock one in Go.

    python -m bench.coldstart [--pairs N] [--ours IMAGE] [--theirs IMAGE] [--output FILE]

The Dockerfile has one COPY to scratch, and everything is cached except the frontend
itself. The time inside our frontend is measured in its image, by ``spy.py`` in builds
of the same kind, and by ``probe.py`` in a build step.
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
    """Compose the command that builds the directory with the frontend in ``image``."""
    inputs = ["--local", f"context={context}", "--local", f"dockerfile={context}"]
    return [*PLAIN, "--frontend", "gateway.v0", "--opt", f"source={image}", *inputs]


def build(image: str, context: Path) -> Run:
    """Build the directory with the frontend in ``image``, without an exporter."""
    return run(frontend(image, context))


def conversation(image: str, context: Path, count: int) -> dict[str, float]:
    """Measure the parts of a build with ``spy.py``: medians of several builds, in milliseconds."""
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
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(count + 1):
        process = subprocess.run(
            frontend(name, context), cwd=ROOT, capture_output=True, text=True, check=False
        )
        times = process.stderr.rpartition("TIMES ")[2].partition(" SEMIT")[0]
        for part, duration in parts(json.loads(times)).items():
            samples[part].append(duration)
    return {part: round(median(durations[1:]), 1) for part, durations in samples.items()}


def parts(times: list[tuple[str, float]]) -> dict[str, float]:
    """Sum up the times of one build by part."""
    totals: dict[str, float] = defaultdict(float)
    phase = "starting to talk"
    for name, duration in times:
        if name == "early":
            totals[phase] += duration
            phase = IMPORTS
        elif name.startswith("before "):
            totals[phase] += duration
            phase = "reading, converting, writing" if phase == IMPORTS else phase
        elif name == "Ping":
            totals["first answer of the daemon"] += duration
            phase = "asking for files early"
        elif name[0].isupper():
            is_early = phase == "asking for files early"
            totals[phase if is_early else "waiting for the daemon"] += duration
        else:
            totals[name] += duration
    return totals


def inside(image: str, scratch: Path) -> dict[str, object]:
    """Run ``probe.py`` in the image and load its measurements."""
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
    arguments = ["--local", f"probe={PROBE.parent}", "--output", f"type=local,dest={scratch}"]
    run([*PLAIN, *arguments], stdin=definition)
    measured: dict[str, object] = json.loads((scratch / "probe.json").read_text())
    return measured


def size(image: str, scratch: Path) -> float:
    """Measure the compressed size of the layers of an image, in MB."""
    definition, archive = scratch / "image.pb", scratch / "image.tar"
    definition.write_bytes(Image(image).marshal().to_bytes())
    run([*PLAIN, "--output", f"type=oci,dest={archive}"], stdin=definition)
    with tarfile.open(archive) as members:
        blobs = {member.name.rpartition("/")[2]: member.size for member in members}
        index = json.load(members.extractfile("index.json"))
        digest = index["manifests"][0]["digest"].partition(":")[2]
        manifest = json.load(members.extractfile(f"blobs/sha256/{digest}"))
    layers = (layer["digest"].partition(":")[2] for layer in manifest["layers"])
    return round(sum(blobs[layer] for layer in layers) / 1e6, 1)


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
    print(*(f"{name}: {megabytes} MB compressed" for name, megabytes in sizes.items()), sep="\n")
    images = {"ours": arguments.ours, "theirs": arguments.theirs}
    measured = {"parts_ms": spied, "compressed_mb": sizes, "inside_our_image": probed}
    write(arguments.output, [pairs], {"images": images, **measured})


def milliseconds(spied: dict[str, float]) -> str:
    """Format the parts of a build as a Markdown table."""
    lines = ["| inside our frontend | ms |", "|---|---:|"]
    lines += [f"| {part} | {duration} |" for part, duration in spied.items()]
    return "\n".join([*lines, f"| together | {round(sum(spied.values()), 1)} |"])


if __name__ == "__main__":
    main()
