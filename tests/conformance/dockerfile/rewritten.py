"""Dockerfiles rewritten in Python, and whether that comes to the same; ``make corpus-rewrite DIR=…``.

Rewrites every Dockerfile below a folder, converts the file and the build file, and counts in how
many the operations and the image configs are equal, with the build args of the file as they are
and with others. Exit status: 1 where something differs that is not known to.
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
# Docker writes these for old daemons and for ``docker history``; builds do not depend on them.
_UNCOMPARED = ("created", "history", "rootfs", "variant")
_OTHER = "v9"


@frozen
class Outcome:
    """How a file went: ``equal``, ``refused``, ``fallback``, or what differs, with the detail."""

    kind: str
    detail: str = ""


def as_registries_have(images: Resolver) -> Resolver:
    """Return images by the digests that they are asked for by, and for the platforms."""

    def resolve(request: ImageRequest) -> ResolvedImage:
        name, _, pinned = request.ref.partition("@")
        found, platform = images(evolve(request, ref=name)), request.platform
        config = json.loads(found.config)
        config |= {"os": platform.os, "architecture": platform.architecture}
        return ResolvedImage(pinned or found.digest, json.dumps(config).encode())

    return resolve


def go_back(data: bytes, images: Resolver = IMAGES) -> Outcome | None:
    """Write the tree of a file as a Dockerfile, and compare; None where the file is refused."""
    given = ConvertOptions(
        platform=AMD64, build_platform=AMD64, build_platforms=(AMD64,), unique_id=""
    )
    resolve = as_registries_have(images)
    try:
        made = convert_parsed(
            parse(data, "Dockerfile"),
            given,
            lambda requests: resolve_purely(requests, resolve, given),
        )
        tree = with_config(made.state, made.image_config)
    except LLBError:
        return None
    try:
        text = to_dockerfile(tree, resolver=resolve, platform=AMD64)
    except UnsayableError as error:
        return Outcome("unsayable", str(error))
    again = dockerfile.convert(text, resolver=resolve, build_platform=AMD64)
    expected = tree.marshal(platform=AMD64).ops
    return Outcome("equal" if again.definition.ops == expected else "differs", text)


def compare(data: bytes, options: Mapping[str, Any], images: Resolver = IMAGES) -> Outcome | None:
    """Rewrite a file, and compare what both come to; None where the file itself is refused."""
    resolve = as_registries_have(images)
    given = {"build_platform": "linux/amd64", "local_unique_id": UNIQUE, **options}
    try:
        theirs = dockerfile.convert(data, resolver=resolve, **given)
    except LLBError:
        return None
    try:
        made = rewrite(data, target=given.pop("target", None), resolver=resolve)
    except LLBError as error:
        return Outcome("refused", error.message)
    try:
        ours = convert_python(made.source, resolver=resolve, **given)
    except LLBError as error:
        return Outcome("fails", str(error))
    differs = difference(ours, theirs)
    if made.fallbacks:
        reasons = "; ".join(f"line {each.line}: {each.reason}" for each in made.fallbacks)
        return Outcome("fallback, differs" if differs else "fallback", f"{reasons} {differs}")
    return Outcome("differs", differs) if differs else Outcome("equal")


def difference(ours: Conversion, theirs: Conversion) -> str:
    """Return in what two conversions differ, empty for nothing."""
    pairs = zip(ours.definition.vertices(), theirs.definition.vertices(), strict=False)
    for place, (mine, other) in enumerate(pairs):
        if mine.encoded != other.encoded:
            return f"operation {place}\nours:   {mine.op}\ntheirs: {other.op}"
    if ours.definition.ops != theirs.definition.ops:
        return f"{len(ours.definition.ops)} operations, not {len(theirs.definition.ops)}"
    configs = known(ours.image_config), known(theirs.image_config)
    return "" if configs[0] == configs[1] else "config\nours:   {}\ntheirs: {}".format(*configs)


def known(config: bytes) -> dict[str, Any]:
    """Return an image config without what only Docker writes."""
    image = json.loads(config)
    image = {key: value for key, value in image.items() if key not in _UNCOMPARED}
    inner = {key: value for key, value in image["config"].items() if key != "ArgsEscaped"}
    # What is not said is the root.
    return {**image, "config": {"WorkingDir": "/", **inner}}


def other_args(data: bytes) -> dict[str, str]:
    """Return other values for every second build arg of a file."""
    found = [each for each in interpret(parse(data, "Dockerfile")) if isinstance(each, Arg)]
    names = dict.fromkeys(name for each in found for name, _ in each.args)
    return {name: _OTHER for name in list(names)[::2] if not name.startswith(_AUTOMATIC)}


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="all files, whatever their names")
    parser.add_argument("--examples", type=int, default=3, help="shown of each kind of difference")
    given = parser.parse_args()
    found: defaultdict[str, list[tuple[Path, str]]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for path in files_below(given.folder, every=given.all):
        data = path.read_bytes()
        outcome = compare(data, {})
        back = go_back(data)
        if outcome is None:
            counts["refused by Docker"] += 1
            continue
        found[outcome.kind].append((path, outcome.detail))
        assert back is not None
        found[f"{back.kind}, and back"].append((path, back.detail))
        args = other_args(data)
        changed = compare(data, {"build_args": args}) if args else None
        if changed is not None:
            found[f"{changed.kind}, with other build args"].append((path, changed.detail))
    for kind, results in sorted(found.items()):
        counts[kind] = len(results)
        if not kind.startswith("equal"):
            for path, detail in results[: given.examples]:
                print(f"=== {kind}: {path.relative_to(given.folder)}\n{detail}\n")  # noqa: T201
    for kind, count in sorted(counts.items()):
        print(f"{count:>7}  {kind}")  # noqa: T201
    return int(any("differs" in kind or "fails" in kind for kind in found))


if __name__ == "__main__":
    sys.exit(main())
