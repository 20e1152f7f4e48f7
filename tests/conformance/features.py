"""Pages of features: what there is, line by line, and the tests and files that hold each line.

A page is written from a file features.toml, which has its lines, and from the markers
``feature("A1")`` of tests.
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
_LABS = "-labs"


@frozen
class Kind:
    """Files that hold features: a word for several of them, and ``place``, where they are.

    The place is a path below the root, in which ``*`` stands for the name of one.
    """

    plural: str
    place: str

    def names(self) -> list[str]:
        """Return the names of all there are."""
        before, after = (len(part) for part in self.place.split("*"))
        found = (path.relative_to(ROOT).as_posix() for path in ROOT.glob(self.place))
        return sorted(path[before : len(path) - after] for path in found)

    def link(self, name: str) -> str:
        """Return where one is, as seen from docs/."""
        return f"../{self.place.replace('*', name)}"


@frozen
class Page:
    """A document, the file with its lines, what stands above them, and which files hold lines."""

    lines: Path
    document: Path
    head: str
    kinds: tuple[Kind, ...] = ()


@frozen
class Feature:
    """A line of a page; ``held`` are patterns of names of files, by the plurals of their kinds.

    ``since`` is the version that brought it, where the page tells versions. ``missing`` says
    why it is not supported, None where it is.
    """

    id: str
    what: str
    since: str = ""
    missing: str | None = None
    held: Mapping[str, Iterable[str]] = field(factory=dict)

    @property
    def status(self) -> str:
        """Whether it is supported, in a word or with the reason."""
        if self.missing is not None:
            return f"no: {self.missing}"
        return "in the labs image" if self.since.endswith(_LABS) else "yes"

    def names(self, kind: Kind) -> list[str]:
        """Return the names of the files of a kind that hold it."""
        patterns = tuple(self.held.get(kind.plural, ()))
        return [name for name in kind.names() if any(fnmatchcase(name, each) for each in patterns)]


@frozen
class Marked:
    """A test that says by its marker which features it holds; ``path`` is below tests/."""

    path: str
    name: str
    ids: tuple[str, ...]


@frozen
class Support:
    """A page with its sections by their letters, features in order, and the marked tests."""

    page: Page
    sections: Mapping[str, str]
    features: tuple[Feature, ...]
    marked: tuple[Marked, ...]

    @classmethod
    def read(cls, page: Page) -> Support:
        """Return what the page's file says, and those tests that are marked with its features."""
        data = tomllib.loads(page.lines.read_text())
        features = tuple(_feature(key, value) for key, value in data["features"].items())
        ids = {each.id for each in features}
        return cls(page, data["sections"], features, tuple(m for m in marked() if ids & set(m.ids)))

    def tests(self, feature: Feature) -> list[Marked]:
        """Return the tests that are marked with a feature."""
        return [each for each in self.marked if feature.id in each.ids]

    def mistakes(self) -> list[str]:
        """Return what does not fit: ids, patterns without a file, and what nothing holds."""
        return [mistake for feature in self.features for mistake in self._mistakes(feature)]

    def _mistakes(self, feature: Feature) -> Iterator[str]:
        if feature.id.rstrip("0123456789") not in self.sections:
            yield f"{feature.id}: no section"
        kinds = {kind.plural: kind for kind in self.page.kinds}
        for plural, patterns in feature.held.items():
            names = kinds[plural].names() if plural in kinds else []
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern) for name in names):
                    yield f"{feature.id}: no file of {plural}: {pattern}"
        is_held = any(feature.held.values()) or bool(self.tests(feature))
        if is_held == (feature.missing is not None):
            yield f"{feature.id}: {'held, yet missing' if is_held else 'nothing holds it'}"


def marked() -> Iterator[Marked]:
    """Yield all tests with a marker, in the order of their files."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            ids = _ids(node)
            if ids and isinstance(node, ast.FunctionDef):
                yield Marked(path.relative_to(TESTS).as_posix(), node.name, ids)


def text(support: Support) -> str:
    """Return the document."""
    statuses = [each.status for each in support.features]
    supported = statuses.count("yes")
    labs = statuses.count("in the labs image")
    total, missing = len(statuses), len(statuses) - supported - labs
    head = support.page.head.rstrip("\n")
    parts = [head.format(total=total, supported=supported, labs=labs, missing=missing)]
    columns = ["", "feature", *_since(support, "since"), "supported", "held by"]
    for letter, title in support.sections.items():
        parts += [f"\n## {letter}. {title}\n", _cells(columns), f"|{'---|' * len(columns)}"]
        parts += [_row(support, each) for each in support.features if each.id[0] == letter]
    parts.append("\n## What holds them")
    parts += [_held(support, each) for each in support.features if each.missing is None]
    return "\n".join(parts) + "\n"


def write(page: Page) -> None:
    """Write the document of a page."""
    page.document.write_text(text(Support.read(page)))


def _feature(key: str, value: dict[str, Any]) -> Feature:
    own = {name: value.pop(name) for name in ("what", "since", "missing") if name in value}
    return Feature(key, **own, held=value)


def _ids(node: ast.stmt) -> tuple[str, ...]:
    """Return the arguments of a function's marker."""
    decorators: list[Any] = getattr(node, "decorator_list", [])
    return tuple(
        ast.literal_eval(argument)
        for each in decorators
        if isinstance(each, ast.Call) and ast.unparse(each.func) == MARKER
        for argument in each.args
    )


def _since(support: Support, value: str) -> list[str]:
    """Return the cell about versions, on a page that tells them."""
    return [value] if any(each.since for each in support.features) else []


def _cells(cells: Iterable[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _row(support: Support, feature: Feature) -> str:
    kinds = support.page.kinds
    counts = [(len(feature.names(kind)), kind.plural.removesuffix("s")) for kind in kinds]
    counts.append((len(support.tests(feature)), "test"))
    told = ", ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in counts if count)
    link = f"[{told}](#{feature.id.lower()})" if told else ""
    what = feature.what.replace("|", "\\|")
    return _cells([feature.id, what, *_since(support, feature.since), feature.status, link])


def _held(support: Support, feature: Feature) -> str:
    """Return the paragraph with links to all that holds a feature."""
    parts = [f"\n### {feature.id}\n"]
    for kind in support.page.kinds:
        links = [f"[{name}]({kind.link(name)})" for name in feature.names(kind)]
        parts += [f"- {kind.plural}: {', '.join(links)}"] if links else []
    parts += [
        f"- [{each.path}](../tests/{each.path}): `{each.name}`" for each in support.tests(feature)
    ]
    return "\n".join(parts)
