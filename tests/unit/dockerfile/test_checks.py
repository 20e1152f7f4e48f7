"""The table of checks, who shows what they say, and how they do on odd files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis.strategies import lists, text

from frontend.columns import align
from frontend.dockerfile import ConvertOptions, ImageTable, ResolvedImage, parse
from frontend.dockerfile.errors import DockerfileError
from frontend.dockerfile.lint import RULES
from frontend.dockerfile.lint.settings import Settings, parse_settings
from frontend.dockerfile.nearest import nearest
from frontend.dockerfile.passes import convert_parsed, warnings_of
from frontend.dockerfile.resolver import resolve_purely
from frontend.dockerfile.trail import Trail
from frontend.reporting import File
from llb.errors import RemoteError
from llb.testing.gateway import FakeGateway
from tests.timing import cpu_seconds

if TYPE_CHECKING:
    from frontend.dockerfile.requests import Found, Request

CONFIG = '{"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:a"]}}'
WARNED = b"FROM scratch AS One\nWORKDIR x\n"


def resolve(requests: tuple[Request, ...]) -> Found:
    image = ResolvedImage(f"sha256:{'0' * 64}", CONFIG.encode())
    return resolve_purely(requests, ImageTable({"*": image}), ConvertOptions())


def shorts(text: bytes, options: ConvertOptions | None = None) -> list[str]:
    """Return what the checks say of a file, whether it can be converted or not."""
    options = options or ConvertOptions()
    trail = Trail()
    parsed = parse(text, "Dockerfile")
    try:
        return [each.short for each in convert_parsed(parsed, options, resolve, trail).warnings]
    except DockerfileError:
        return [each.short for each in warnings_of(parsed, options, trail)]


def test_there_are_22_rules_and_their_pages_follow_from_their_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 22
    for rule in RULES:
        kebab = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", rule.name).lower()
        page = f"https://docs.docker.com/go/dockerfile/rule/{kebab}/"
        assert rule.url in ("", page)
    assert [rule.name for rule in RULES if not rule.url] == ["InvalidBaseImagePlatform"]


def test_settings_of_the_build_take_the_place_of_those_of_the_file() -> None:
    given = {"BUILDKIT_DOCKERFILE_CHECK": "error=true"}
    assert parse_settings("skip=all", given) == Settings(fails=True)
    assert parse_settings("skip=a,b", {}) == Settings(skipped=frozenset("ab"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skip", 'invalid check option "skip"'),
        ("warn=all", 'invalid check option "warn"'),
        (
            "error=on",
            (
                'failed to parse check option "error=on": '
                'strconv.ParseBool: parsing "on": invalid syntax'
            ),
        ),
    ],
)
def test_settings_that_cannot_be_read_are_refused(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_settings(text, {})
    assert caught.value.message == f"failed to parse check options: {message}"


def test_files_can_go_unchecked() -> None:
    assert len(shorts(WARNED)) == 2
    assert shorts(WARNED, ConvertOptions(checks=False)) == []


def test_many_unknown_names_take_no_more_than_the_square_of_their_number() -> None:
    def seconds(count: int, *, runs: int = 3) -> float:
        lines = [b"FROM scratch", *(b"ENV A%d=$B%d" % (each, each) for each in range(count))]
        parsed, trail = parse(b"\n".join(lines), "Dockerfile"), Trail()
        convert_parsed(parsed, ConvertOptions(checks=False), resolve, trail)
        assert len(warnings_of(parsed, ConvertOptions(), trail)) == count
        return cpu_seconds(lambda: warnings_of(parsed, ConvertOptions(), trail), runs=runs)

    assert seconds(800, runs=1) < 2 * 64 * seconds(100)


def test_a_known_word_has_no_near_one() -> None:
    assert nearest("PATH", ["PAT", "PATH"]) is None
    assert nearest("PATHS", ["PAT", "PATH"]) == "PATH"
    assert nearest("A", ["BCDE"]) is None


def test_columns_reach_over_the_lines_that_have_them() -> None:
    rows = [("a", "b", "c"), ("long", ""), ("x",), ("é", "y\tz")]
    assert align(rows, padding=2) == "a     b  c\nlong  \nx\né  y  z\n"


@pytest.mark.parametrize(("errors", "count"), [({}, 2), ({"Warn": RemoteError("no", code=12)}, 0)])
def test_a_warning_that_cannot_be_shown_does_not_fail_a_build(
    errors: dict[str, RemoteError], count: int
) -> None:
    with FakeGateway(errors=errors) as daemon:
        file = File(WARNED, "sha256:x", b"", daemon.connect(), resolve)
        options = ConvertOptions()
        assert len(file.convert(file.parse(options), options).warnings) == 2
        assert len(daemon.warnings) == count


@given(text(alphabet="AB_", max_size=6), lists(text(alphabet="AB_", max_size=6), max_size=5))
def test_the_nearest_word_is_the_first_of_those_with_the_fewest_changes(
    word: str, known: list[str]
) -> None:
    distances = [distance(word, each) for each in known]
    if word in known or min(distances, default=3) > 2:
        assert nearest(word, known) is None
    else:
        assert nearest(word, known) == known[distances.index(min(distances))]


def distance(one: str, other: str) -> int:
    """Return the distance of Levenshtein, by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return distance(one[1:], other[1:])
    return 1 + min(distance(one[1:], other[1:]), distance(one[1:], other), distance(one, other[1:]))
