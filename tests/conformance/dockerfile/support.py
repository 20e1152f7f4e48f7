"""The table of docs/dockerfile-support.md: what is supported, and the cases and tests that hold it.

``python -m tests.conformance.dockerfile.support`` writes it from features.toml, which has the
lines of the table, and from the markers ``feature("A1")`` of tests.
"""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
FEATURES = HERE / "features.toml"
TABLE = TESTS.parent / "docs" / "dockerfile-support.md"
KINDS = ("cases", "checks")
MARKER = "pytest.mark.feature"
_LABS = "-labs"


def _patterns(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@frozen
class Feature:
    """A line of the table; ``cases`` and ``checks`` are patterns of the names of such files.

    ``missing`` says why it is not supported, None where it is.
    """

    id: str
    since: str
    what: str
    cases: tuple[str, ...] = field(default=(), converter=_patterns)
    checks: tuple[str, ...] = field(default=(), converter=_patterns)
    missing: str | None = None

    @property
    def status(self) -> str:
        """Whether it is supported, in a word or with the reason."""
        if self.missing is not None:
            return f"no: {self.missing}"
        return "in the labs image" if self.since.endswith(_LABS) else "yes"


@frozen
class Marked:
    """A test that says by its marker which features it holds; ``path`` is below tests/."""

    path: str
    name: str
    ids: tuple[str, ...]


@frozen
class Support:
    """The table: sections by their letters, features in order, and the tests that are marked."""

    sections: Mapping[str, str]
    features: tuple[Feature, ...]
    marked: tuple[Marked, ...]

    @classmethod
    def read(cls) -> Support:
        """Return what features.toml and the tests say."""
        data = tomllib.loads(FEATURES.read_text())
        features = tuple(Feature(id=key, **value) for key, value in data["features"].items())
        return cls(data["sections"], features, tuple(_marked()))

    def tests(self, feature: Feature) -> list[Marked]:
        """Return the tests that are marked with a feature."""
        return [each for each in self.marked if feature.id in each.ids]

    def mistakes(self) -> list[str]:
        """Return what does not fit: unknown ids, patterns without a file, and what nothing holds."""
        known = {each.id for each in self.features}
        found = [
            f"{each.path}: {each.name}: no feature {name}"
            for each in self.marked
            for name in each.ids
            if name not in known
        ]
        for feature in self.features:
            found += self._mistakes(feature)
        return found

    def _mistakes(self, feature: Feature) -> Iterator[str]:
        if feature.id.rstrip("0123456789") not in self.sections:
            yield f"{feature.id}: no section"
        for kind in KINDS:
            for pattern in getattr(feature, kind):
                if not any(fnmatchcase(name, pattern) for name in names_of(kind)):
                    yield f"{feature.id}: no file of {kind}: {pattern}"
        is_held = bool(feature.cases or feature.checks or self.tests(feature))
        if is_held == (feature.missing is not None):
            yield f"{feature.id}: {'held, yet missing' if is_held else 'nothing holds it'}"


def names_of(kind: str) -> list[str]:
    """Return the names of all cases, or of all checks."""
    return sorted(path.stem for path in (HERE / kind).glob("*.Dockerfile"))


def files(feature: Feature, kind: str) -> list[str]:
    """Return the names of the cases, or checks, that hold a feature."""
    patterns = getattr(feature, kind)
    return [name for name in names_of(kind) if any(fnmatchcase(name, each) for each in patterns)]


def _marked() -> Iterator[Marked]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            ids = _ids(node)
            if ids and isinstance(node, ast.FunctionDef):
                yield Marked(path.relative_to(TESTS).as_posix(), node.name, ids)


def _ids(node: ast.stmt) -> tuple[str, ...]:
    """Return the arguments of a function's marker."""
    decorators: list[Any] = getattr(node, "decorator_list", [])
    return tuple(
        ast.literal_eval(argument)
        for each in decorators
        if isinstance(each, ast.Call) and ast.unparse(each.func) == MARKER
        for argument in each.args
    )


_HEAD = """\
# What of Dockerfiles is supported

<!-- python -m tests.conformance.dockerfile.support writes this file. -->

This is the language of `docker/dockerfile` up to 1.26, the frontend of BuildKit v0.32.2, line by
line. Of {total} lines, {supported} are supported, {missing} are not, and {labs} is in the image of
the target `labs` of Dockerfile.frontend alone, as it is in that of `docker/dockerfile:labs`.
*Since* is the version of `docker/dockerfile` that brought it, and numbers in parentheses are of
what came later.

The last column leads to what holds a line:

- **cases** are Dockerfiles that BuildKit's own Go packages convert as well. Operations, their
  names and places, and the image config are equal byte for byte; what Go refuses (`error-…`) is
  refused at the same line.
- **checks** are Dockerfiles whose warnings, outlines and targets are equal to those of BuildKit's
  frontend, to the byte.
- **tests** say something else of it; those in `tests/e2e` build on a real daemon, and most of them
  compare with what the stock frontend builds.

[conformance.md](conformance.md) has what else the two are compared by, and what differs on
purpose.
"""


def text(support: Support) -> str:
    """Return the document."""
    statuses = [each.status for each in support.features]
    supported = statuses.count("yes")
    labs = statuses.count("in the labs image")
    total, missing = len(statuses), len(statuses) - supported - labs
    parts = [
        _HEAD.rstrip("\n").format(total=total, supported=supported, labs=labs, missing=missing)
    ]
    for letter, title in support.sections.items():
        parts += [f"\n## {letter}. {title}\n", "| | feature | since | supported | held by |"]
        parts.append("|---|---|---|---|---|")
        parts += [_row(support, each) for each in support.features if each.id[0] == letter]
    parts.append("\n## What holds them")
    parts += [_held(support, each) for each in support.features if each.missing is None]
    return "\n".join(parts) + "\n"


def _row(support: Support, feature: Feature) -> str:
    counts = [(len(files(feature, kind)), kind[:-1]) for kind in KINDS]
    counts.append((len(support.tests(feature)), "test"))
    told = ", ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in counts if count)
    link = f"[{told}](#{feature.id.lower()})" if told else ""
    what = feature.what.replace("|", "\\|")
    return f"| {feature.id} | {what} | {feature.since} | {feature.status} | {link} |"


def _held(support: Support, feature: Feature) -> str:
    """Return the paragraph with links to all that holds a feature."""
    parts = [f"\n### {feature.id}\n"]
    for kind in KINDS:
        folder = f"../tests/conformance/dockerfile/{kind}"
        links = [f"[{name}]({folder}/{name}.Dockerfile)" for name in files(feature, kind)]
        parts += [f"- {kind}: {', '.join(links)}"] if links else []
    parts += [
        f"- [{each.path}](../tests/{each.path}): `{each.name}`" for each in support.tests(feature)
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    TABLE.write_text(text(Support.read()))
