"""Values that a shell completes: stages and targets, platforms, builds, and words.

A mistake in a file, or a daemon that does not answer, offers nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.cli.connection_options import NAMES, Connection
from llb.errors import LLBError
from llb.local_files import paths

with lazy_imports(__name__):
    import ast  # 0.0 ms

    from click import shell_completion  # 2 ms

    from llb.dockerfile.parser import parser  # 20 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    import click
    from click.shell_completion import CompletionItem

    Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

# The platforms of BuildKit's own images.
PLATFORMS = (
    *("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386"),
    *("linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64"),
)
DISPLAYS = ("auto", "plain", "tty", "rawjson", "quiet", "none")
_BUILDS = 50
_SECONDS = 2.0
_PYTHON = ".py"


def words(*choices: str) -> Complete:
    """Complete one of several words."""

    def complete(
        context: click.Context,  # noqa: ARG001 - click's signature
        parameter: click.Parameter,  # noqa: ARG001
        incomplete: str,
    ) -> list[CompletionItem]:
        return _items(((word, "") for word in choices), incomplete)

    return complete


def stages(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Complete a stage of the Dockerfile, or a target of the build file, on the command line."""
    try:
        return _items(_stages(_build_file(context)), incomplete)
    except (OSError, SyntaxError, ValueError, LLBError):
        return []


def builds(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Complete the reference of a build in the history of the daemon."""
    given = {name: context.params[name] for name in NAMES if context.params.get(name)}
    try:
        with Connection(**given).open() as client:
            client.ping(timeout=_SECONDS)
            records = client.history().builds(limit=_BUILDS)
    except (OSError, LLBError):
        return []
    return _items(((record.ref, record.status) for record in records), incomplete)


def _items(values: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    return [
        shell_completion.CompletionItem(value, help=text or None)
        for value, text in values
        if value.startswith(incomplete)
    ]


def _build_file(context: click.Context) -> Path:
    """Find the file that would be built."""
    params = context.params
    # Click does not assign arguments if the last option has no value yet, which is completed here.
    source = Path(next(iter(context.args), None) or params.get("source") or ".")
    if params.get("dockerfile"):
        return Path(params["dockerfile"])
    return source / "Dockerfile" if paths.is_dir(source) else source


def _stages(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_bytes()
    if path.suffix == _PYTHON:
        yield from _targets(text)
        return
    for node in parser.parse(text, path.name).nodes:
        if node.name.upper() == "FROM" and len(node.args) > 2 and node.args[-2].upper() == "AS":
            yield node.args[-1], ""


def _targets(text: bytes) -> Iterator[tuple[str, str]]:
    """List the targets of a build file without running it, with the first lines about them."""
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            function = decorator if call is None else call.func
            if isinstance(function, ast.Name) and function.id == "target":
                names = [
                    keyword.value.value
                    for keyword in (() if call is None else call.keywords)
                    if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
                ]
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                yield str(names[0]) if names else node.name, summary
