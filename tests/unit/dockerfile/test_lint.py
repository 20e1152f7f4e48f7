"""Running the checks: whether they run, and how long they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile import ConvertOptions, ImageTable, ResolvedImage, parse
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.passes import convert_parsed, warnings_of
from llb.dockerfile.trace import Trail
from tests.timing import cpu_seconds

if TYPE_CHECKING:
    from llb.dockerfile.sources.requests import Found, Request


CONFIG = '{"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:a"]}}'


WARNED = b"FROM scratch AS One\nWORKDIR x\n"


def resolve(requests: tuple[Request, ...]) -> Found:
    image = ResolvedImage(f"sha256:{'0' * 64}", CONFIG.encode())
    return resolve_purely(requests, ImageTable({"*": image}), ConvertOptions())


def shorts(text: bytes, options: ConvertOptions | None = None) -> list[str]:
    """Convert a file, whether it fails or not, and return its warnings in short form."""
    options = options or ConvertOptions()
    trail = Trail()
    parsed = parse(text, "Dockerfile")
    try:
        return [
            warning.short for warning in convert_parsed(parsed, options, resolve, trail).warnings
        ]
    except DockerfileError:
        return [warning.short for warning in warnings_of(parsed, options, trail)]


def test_checks_can_be_disabled() -> None:
    assert len(shorts(WARNED)) == 2
    assert shorts(WARNED, ConvertOptions(checks=False)) == []


def test_many_undefined_variables_take_at_most_quadratic_time() -> None:
    def seconds(count: int, *, runs: int = 3) -> float:
        lines = [b"FROM scratch", *(b"ENV A%d=$B%d" % (number, number) for number in range(count))]
        parsed, trail = parse(b"\n".join(lines), "Dockerfile"), Trail()
        convert_parsed(parsed, ConvertOptions(checks=False), resolve, trail)
        assert len(warnings_of(parsed, ConvertOptions(), trail)) == count
        return cpu_seconds(lambda: warnings_of(parsed, ConvertOptions(), trail), runs=runs)

    assert seconds(800, runs=1) < 2 * 64 * seconds(100)
