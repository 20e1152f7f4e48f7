"""The small languages in a Dockerfile are parsed as by Go's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llb import LLBError, Platform, Reference
from llb.dockerfile import parse_ignore
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.gocompat.path import is_symbolic_mode
from llb.gocompat.patternmatcher import Patterns
from tests.conformance.dockerfile import go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.go

bounded = settings(
    max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
ENV = {"A": "a.b/c", "EMPTY": "", "two_2": "x y", "STAR": "*"}


@pytest.fixture(scope="module")
def packages() -> Iterator[go.Packages]:
    with go.packages() as process:
        yield process


def ours(function: Callable[[], Any]) -> Any:
    """Call a function; return None if it refuses its input."""
    try:
        return function()
    except (LLBError, ExpansionError):
        return None


def pieces(*parts: str, most: int = 8) -> st.SearchStrategy[str]:
    """Join strings from parts and from the characters in them."""
    characters = "".join(sorted(set("".join(parts))))
    return st.lists(st.sampled_from(parts) | st.sampled_from(characters), max_size=most).map(
        "".join
    )


WORDS = pieces(
    *("$A", "${A}", "${EMPTY:-", "${NONE-", "${A+", "${A:?", "${A#", "${A##", "${A%", "${A%%"),
    *("${A/b/", "${A//?/", "}", "'", '"', "\\", " ", "\t", "/", "*", "x", "é", "$two_2", "$1", "$"),
    most=10,
)


@bounded
@given(text=WORDS)
@example(text="${A//./\\/}")
def test_words_expand(packages: go.Packages, text: str) -> None:
    assert ours(lambda: Expander().word(text, ENV)) == packages.ask("word", text=text, env=ENV)


@bounded
@given(text=WORDS)
@example(text="$A ${NONE#'x\\y'} \"\\x\"")
def test_words_in_step_names_expand(packages: go.Packages, text: str) -> None:
    expander = Expander(raw_quotes=True, raw_escapes=True, keep_unset=True)
    assert ours(lambda: expander.word(text, ENV)) == packages.ask("shown", text=text, env=ENV)


@bounded
@given(text=WORDS)
def test_words_split(packages: go.Packages, text: str) -> None:
    split = ours(lambda: list(Expander().words(text, ENV)))
    assert split == packages.ask("words", text=text, env=ENV)


PATTERNS = pieces(
    *("**", "*", "?", "[a-c]", "[^x]", "\\", "/", "!", "..", ".", "a", "b", "c", "a/b", "é"), most=6
)


@pytest.mark.feature("E10")
@bounded
@given(text=st.lists(PATTERNS | pieces("#", " ", "\t", "!", "/a"), max_size=4).map("\n".join))
def test_ignore_files_read(packages: go.Packages, text: str) -> None:
    patterns = ours(lambda: list(parse_ignore(text.encode())))
    assert patterns == packages.ask("ignore", text=text)


@pytest.mark.feature("E10")
@bounded
@given(
    lines=st.lists(PATTERNS.filter(bool), min_size=1, max_size=3),
    path=st.lists(st.sampled_from(["a", "b", "c", "abc", "é", "x"]), min_size=1, max_size=4),
)
def test_patterns_match(packages: go.Packages, lines: list[str], path: list[str]) -> None:
    joined = "/".join(path)
    matches = ours(lambda: Patterns.compile(lines).matches(joined))
    if matches is None:
        # Go refuses an invalid pattern when it is used; we refuse it when it is compiled.
        single = {pattern for line in lines for pattern in (line, line.lstrip("!")) if pattern}
        assert None in [packages.ask("match", lines=[pattern], text=joined) for pattern in single]
    else:
        assert matches == packages.ask("match", lines=lines, text=joined)


@bounded
@given(
    text=pieces(
        *("docker.io/", "index.docker.io/", "library/", "localhost", "host:80/", "a", "A", "b-c"),
        *(":", "@", "/", "latest", "_", "__", ".", "[::1]/", f"sha256:{'a' * 64}"),
        most=6,
    )
)
@example(text="a" * 64)
@example(text="a/" * 128)
def test_references(packages: go.Packages, text: str) -> None:
    def full() -> list[str]:
        reference = Reference.parse(text)
        return [str(reference.tagged()), reference.familiar]

    assert ours(full) == packages.ask("reference", text=text)


@bounded
@given(
    text=pieces(
        *("linux", "windows", "Linux", "darwin", "macos", "/", "amd64", "arm", "arm64", "x86_64"),
        *("aarch64", "armhf", "armel", "i386", "v6", "v7", "v8", "v1", "8", "5"),
        *("(10.0.1)", "(10+win32k)", "-", "_", "."),
        most=5,
    ).filter(lambda text: "/" in text)
)
def test_platforms(packages: go.Packages, text: str) -> None:
    # Go completes a single word with the platform of the machine, the frontend with the daemon's.
    platform = ours(lambda: str(Platform.parse(text)))
    assert platform == packages.ask("platform", text=text)


@pytest.mark.feature("E3")
@bounded
@given(text=pieces("u", "g", "o", "a", "+", "-", "=", "r", "w", "x", "X", "s", "t", ",", "go", "7"))
def test_symbolic_modes(packages: go.Packages, text: str) -> None:
    is_valid = is_symbolic_mode(text) or None
    if text.isdigit():
        # Numbers are parsed elsewhere, as octal modes.
        return
    assert is_valid == packages.ask("mode", text=text)
