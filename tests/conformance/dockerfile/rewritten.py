"""Compare Dockerfiles with their conversion to Python; ``make corpus-rewrite DIR=…``.

Convert every Dockerfile below a folder to a build file, convert both to LLB, and count how often
the operations and image configs are equal, with the build args of the file and with others. The
exit status is 1 if there is an unexpected difference.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb import LLBError, Platform, dockerfile
from llb.buildfile.bases import with_config
from llb.dockerfile import ConvertOptions, ResolvedImage, convert_parsed, parse
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.instructions.nodes import Arg
from llb.dockerfile.instructions.parse import interpret
from llb.dockerfile.to_dockerfile import UnsayableError, to_dockerfile
from llb.dockerfile.to_python import rewrite
from llb.frontend.buildfiles.offline import convert as convert_python
from tests.conformance.dockerfile.compared import IMAGES, UNIQUE
from tests.conformance.dockerfile.corpus import files_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile import Conversion, ImageRequest
    from llb.dockerfile.image_table import Resolver

AMD64 = Platform("linux", "amd64")
_AUTOMATIC = ("TARGET", "BUILD", "SOURCE_DATE_EPOCH")
# Docker writes these for old daemons and ``docker history``; builds do not depend on them.
_UNCOMPARED = ("created", "history", "rootfs", "variant")
_OTHER_VALUE = "v9"


@frozen
class Outcome:
    """The result for a file: ``equal``, ``refused``, ``fallback``, or a difference, and details."""

    kind: str
    detail: str = ""


def with_pinned_digests(images: Resolver) -> Resolver:
    """Wrap a resolver to pin requested digests and set the requested platform."""

    def resolve(request: ImageRequest) -> ResolvedImage:
        name, _, pinned = request.ref.partition("@")
        image, platform = images(evolve(request, ref=name)), request.platform
        config = json.loads(image.config)
        config |= {"os": platform.os, "architecture": platform.architecture}
        return ResolvedImage(pinned or image.digest, json.dumps(config).encode())

    return resolve


def go_back(data: bytes, images: Resolver = IMAGES) -> Outcome | None:
    """Convert the tree of a file back to a Dockerfile and compare; None if the file is refused."""
    options = ConvertOptions(
        platform=AMD64, build_platform=AMD64, build_platforms=(AMD64,), unique_id=""
    )
    resolve = with_pinned_digests(images)
    try:
        conversion = convert_parsed(
            parse(data, "Dockerfile"),
            options,
            lambda requests: resolve_purely(requests, resolve, options),
        )
        tree = with_config(conversion.state, conversion.image_config)
    except LLBError:
        return None
    try:
        dockerfile_source = to_dockerfile(tree, resolver=resolve, platform=AMD64)
    except UnsayableError as error:
        return Outcome("unsayable", str(error))
    again = dockerfile.convert(dockerfile_source, resolver=resolve, build_platform=AMD64)
    expected = tree.marshal(platform=AMD64).ops
    return Outcome("equal" if again.definition.ops == expected else "differs", dockerfile_source)


def compare(data: bytes, options: Mapping[str, Any], images: Resolver = IMAGES) -> Outcome | None:
    """Convert a file to Python and compare both results; None if the file itself is refused."""
    resolve = with_pinned_digests(images)
    conversion_options = {"build_platform": "linux/amd64", "local_unique_id": UNIQUE, **options}
    try:
        theirs = dockerfile.convert(data, resolver=resolve, **conversion_options)
    except LLBError:
        return None
    try:
        rewritten = rewrite(data, target=conversion_options.pop("target", None), resolver=resolve)
    except LLBError as error:
        return Outcome("refused", error.message)
    try:
        ours = convert_python(rewritten.source, resolver=resolve, **conversion_options)
    except LLBError as error:
        return Outcome("fails", str(error))
    differs = difference(ours, theirs)
    if rewritten.fallbacks:
        reasons = "; ".join(
            f"line {fallback.line}: {fallback.reason}" for fallback in rewritten.fallbacks
        )
        return Outcome("fallback, differs" if differs else "fallback", f"{reasons} {differs}")
    return Outcome("differs", differs) if differs else Outcome("equal")


def difference(ours: Conversion, theirs: Conversion) -> str:
    """Describe the difference between two conversions; empty if there is none."""
    pairs = zip(ours.definition.vertices(), theirs.definition.vertices(), strict=False)
    for index, (our_vertex, their_vertex) in enumerate(pairs):
        if our_vertex.encoded != their_vertex.encoded:
            return f"operation {index}\nours:   {our_vertex.op}\ntheirs: {their_vertex.op}"
    if ours.definition.ops != theirs.definition.ops:
        return f"{len(ours.definition.ops)} operations, not {len(theirs.definition.ops)}"
    configs = comparable_config(ours.image_config), comparable_config(theirs.image_config)
    return "" if configs[0] == configs[1] else "config\nours:   {}\ntheirs: {}".format(*configs)


def comparable_config(config: bytes) -> dict[str, Any]:
    """Parse an image config without the fields that only Docker writes."""
    image = json.loads(config)
    image = {key: value for key, value in image.items() if key not in _UNCOMPARED}
    inner = {key: value for key, value in image["config"].items() if key != "ArgsEscaped"}
    # The default is the root.
    return {**image, "config": {"WorkingDir": "/", **inner}}


def other_args(data: bytes) -> dict[str, str]:
    """Choose different values for every second build arg of a file."""
    args = [
        instruction
        for instruction in interpret(parse(data, "Dockerfile"))
        if isinstance(instruction, Arg)
    ]
    names = dict.fromkeys(name for arg in args for name, _ in arg.args)
    return {name: _OTHER_VALUE for name in list(names)[::2] if not name.startswith(_AUTOMATIC)}


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="include files with any name")
    parser.add_argument(
        "--examples", type=int, default=3, help="number of examples per kind of difference"
    )
    options = parser.parse_args()
    results_by_kind: defaultdict[str, list[tuple[Path, str]]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for path in files_below(options.folder, every=options.all):
        data = path.read_bytes()
        outcome = compare(data, {})
        back = go_back(data)
        if outcome is None:
            counts["refused by Docker"] += 1
            continue
        results_by_kind[outcome.kind].append((path, outcome.detail))
        assert back is not None
        results_by_kind[f"{back.kind}, and back"].append((path, back.detail))
        args = other_args(data)
        changed = compare(data, {"build_args": args}) if args else None
        if changed is not None:
            results_by_kind[f"{changed.kind}, with other build args"].append((path, changed.detail))
    for kind, results in sorted(results_by_kind.items()):
        counts[kind] = len(results)
        if not kind.startswith("equal"):
            for path, detail in results[: options.examples]:
                print(f"=== {kind}: {path.relative_to(options.folder)}\n{detail}\n")  # noqa: T201
    for kind, count in sorted(counts.items()):
        print(f"{count:>7}  {kind}")  # noqa: T201
    return int(any("differs" in kind or "fails" in kind for kind in results_by_kind))


if __name__ == "__main__":
    sys.exit(main())
