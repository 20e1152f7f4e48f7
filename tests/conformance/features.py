"""Write the feature pages: each feature with the tests and files that cover it.

The features come from a file features.toml, and the tests from their ``feature("A1")`` markers.
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
TESTS = HERE.parent
ROOT = TESTS.parent
DOCS = ROOT / "docs"
MARKER = "pytest.mark.feature"


@frozen
class Kind:
    """A kind of files that cover features: its plural, and the path pattern of a file.

    The pattern is relative to the root, with ``*`` for the name of a file.
    """

    plural: str
    pattern: str

    def names(self) -> list[str]:
        """List the names of all files of this kind."""
        prefix, suffix = (len(part) for part in self.pattern.split("*"))
        paths = (path.relative_to(ROOT).as_posix() for path in ROOT.glob(self.pattern))
        return sorted(path[prefix : len(path) - suffix] for path in paths)

    def link(self, name: str) -> str:
        """Build the link to a file, relative to docs/."""
        return f"../{self.pattern.replace('*', name)}"


@frozen
class Page:
    """A document, its feature file, its introduction, and the kinds of its files."""

    lines: Path
    document: Path
    head: str
    kinds: tuple[Kind, ...] = ()


@frozen
class Feature:
    """A feature; ``files`` has patterns of file names by the plural of their kind.

    ``since`` is the version that introduced it, on pages with versions. ``missing`` is the reason
    why it is not supported, or None if it is.
    """

    id: str
    what: str
    since: str = ""
    missing: str | None = None
    files: Mapping[str, Iterable[str]] = field(factory=dict)

    @property
    def status(self) -> str:
        """The support status, or the reason why it is missing."""
        if self.missing is not None:
            return f"no: {self.missing}"
        return "yes"

    def names(self, kind: Kind) -> list[str]:
        """List the names of the files of a kind that cover it."""
        patterns = tuple(self.files.get(kind.plural, ()))
        return [
            name for name in kind.names() if any(fnmatchcase(name, pattern) for pattern in patterns)
        ]


@frozen
class MarkedTest:
    """A test whose marker lists the features that it covers; ``path`` is relative to tests/."""

    path: str
    name: str
    ids: tuple[str, ...]


@frozen
class Support:
    """A page with its sections by letter, its features in order, and the marked tests."""

    page: Page
    sections: Mapping[str, str]
    features: tuple[Feature, ...]
    marked: tuple[MarkedTest, ...]

    @classmethod
    def read(cls, page: Page) -> Support:
        """Read the feature file of a page, and collect the tests marked with its features."""
        data = tomllib.loads(page.lines.read_text())
        features = tuple(_feature(key, value) for key, value in data["features"].items())
        ids = {feature.id for feature in features}
        return cls(
            page,
            data["sections"],
            features,
            tuple(test for test in marked() if ids & set(test.ids)),
        )

    def tests(self, feature: Feature) -> list[MarkedTest]:
        """Select the tests that are marked with a feature."""
        return [test for test in self.marked if feature.id in test.ids]

    def mistakes(self) -> list[str]:
        """List invalid IDs, patterns without a file, and features that nothing covers."""
        return [mistake for feature in self.features for mistake in self._mistakes(feature)]

    def _mistakes(self, feature: Feature) -> Iterator[str]:
        if feature.id.rstrip("0123456789") not in self.sections:
            yield f"{feature.id}: unknown section"
        kinds = {kind.plural: kind for kind in self.page.kinds}
        for plural, patterns in feature.files.items():
            names = kinds[plural].names() if plural in kinds else []
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern) for name in names):
                    yield f"{feature.id}: none of the {plural} match {pattern}"
        is_covered = any(feature.files.values()) or bool(self.tests(feature))
        if is_covered == (feature.missing is not None):
            problem = "covered, but marked missing" if is_covered else "no test or file covers it"
            yield f"{feature.id}: {problem}"


def marked() -> Iterator[MarkedTest]:
    """Yield all tests with a marker, file by file."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            ids = _ids(node)
            if ids and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield MarkedTest(path.relative_to(TESTS).as_posix(), node.name, ids)


def render(support: Support) -> str:
    """Render the document."""
    statuses = [feature.status for feature in support.features]
    supported = statuses.count("yes")
    total, missing = len(statuses), len(statuses) - supported
    page_head = support.page.head.rstrip("\n")
    parts = [page_head.format(total=total, supported=supported, missing=missing)]
    columns = ["", "feature", *_since(support, "since"), "supported", "covered by"]
    for letter, title in support.sections.items():
        parts += [f"\n## {letter}. {title}\n", _cells(columns), f"|{'---|' * len(columns)}"]
        parts += [_row(support, feature) for feature in support.features if feature.id[0] == letter]
    parts.append("\n## Coverage")
    parts += [
        _coverage_section(support, feature)
        for feature in support.features
        if feature.missing is None
    ]
    return "\n".join(parts) + "\n"


def write(page: Page) -> None:
    """Write the document of a page."""
    page.document.write_text(render(Support.read(page)))


def _feature(key: str, value: dict[str, Any]) -> Feature:
    attributes = {name: value.pop(name) for name in ("what", "since", "missing") if name in value}
    return Feature(key, **attributes, files=value)


def _ids(node: ast.stmt) -> tuple[str, ...]:
    """Read the arguments of a function's marker."""
    decorators: list[Any] = getattr(node, "decorator_list", [])
    return tuple(
        ast.literal_eval(argument)
        for decorator in decorators
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == MARKER
        for argument in decorator.args
    )


def _since(support: Support, value: str) -> list[str]:
    """List the version cell, on a page with versions."""
    return [value] if any(feature.since for feature in support.features) else []


def _cells(cells: Iterable[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _row(support: Support, feature: Feature) -> str:
    kinds = support.page.kinds
    counts = [(len(feature.names(kind)), kind.plural.removesuffix("s")) for kind in kinds]
    counts.append((len(support.tests(feature)), "test"))
    summary = ", ".join(f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count)
    link = f"[{summary}](#{feature.id.lower()})" if summary else ""
    description = feature.what.replace("|", "\\|")
    return _cells([feature.id, description, *_since(support, feature.since), feature.status, link])


def _coverage_section(support: Support, feature: Feature) -> str:
    """Render the section with links to everything that covers a feature."""
    parts = [f"\n### {feature.id}\n"]
    for kind in support.page.kinds:
        links = [f"[{name}]({kind.link(name)})" for name in feature.names(kind)]
        parts += [f"- {kind.plural}: {', '.join(links)}"] if links else []
    parts += [
        f"- [{test.path}](../tests/{test.path}): `{test.name}`" for test in support.tests(feature)
    ]
    return "\n".join(parts)
