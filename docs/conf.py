"""Settings of the documentation site, which ``make docs`` builds with Sphinx."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module, metadata
from itertools import pairwise
from typing import TYPE_CHECKING, TypeGuard

import click

from llb.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sphinx.application import Sphinx

project = "pyllb"
author = "The pyllb authors"
project_copyright = "The pyllb authors"
release = metadata.version("pyllb")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence"]
# Links to headings, as on GitHub.
myst_heading_anchors = 3

# Annotations are strings with names that modules import for type checkers only.
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}

html_theme = "furo"
html_title = "pyllb"
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

SOURCE = "https://github.com/pyllb/pyllb"
REFERENCE = "reference/"
INDEX = f"{REFERENCE}index"
COMMANDS = f"{REFERENCE}commands"
# A link of a page to a file outside of this folder, such as a test.
_OUTSIDE = re.compile(r"\]\((?:\.\./)+(?!docs/)([^)]*)\)")


def documented_modules(app: Sphinx) -> list[str]:
    """List the modules of the reference, in the order of its table of contents."""
    text = (app.srcdir / f"{INDEX}.md").read_text()
    return re.findall(r"^(llb[\w.]*)$", text, re.MULTILINE)


def prepare_source(app: Sphinx, page: str, source: list[str]) -> None:
    """Link files of the repository, and complete the pages of the reference."""
    source[0] = _OUTSIDE.sub(rf"]({SOURCE}/blob/main/\1)", source[0])
    if page == COMMANDS:
        source[0] += "".join(helps(cli, "llb"))
    elif page.startswith(REFERENCE) and page != INDEX:
        module = page.removeprefix(REFERENCE)
        source[0] = without_repetition(app, module, source[0]) + "".join(values(module))


def helps(command: click.Command, name: str) -> Iterator[str]:
    """Yield the help of a command and of those below it, each as a section."""
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    level = name.count(" ") + 2
    yield f"\n{'#' * level} {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            subcommand = command.get_command(context, below)
            assert subcommand is not None
            yield from helps(subcommand, f"{name} {below}")


def values(module: str) -> Iterator[str]:
    """Yield the descriptions of type aliases and constants, which autodoc finds where they are."""
    package = import_module(module)
    for name in sorted(package.__all__):
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            continue
        text, description = definition(package, name)
        body = "\n".join(f"   {line}".rstrip() for line in description.splitlines())
        directive = f".. py:data:: {module}.{name}\n   :value: {text}\n\n{body}"
        yield f"\n```{{eval-rst}}\n{directive}\n```\n"


def definition(package: ModuleType, name: str) -> tuple[str, str]:
    """Read the value of a name, and the string below it, where it is defined."""
    tree = ast.parse(inspect.getsource(package))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    homes = [node.module for node in imports if name in [alias.name for alias in node.names]]
    body = ast.parse(inspect.getsource(import_module(homes[0] or ""))).body if homes else tree.body
    for node, below in pairwise(body):
        if assigned(node) == name:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            assert value is not None
            text = ast.literal_eval(below.value) if is_string(below) else ""
            return ast.unparse(value), inspect.cleandoc(text)
    raise LookupError(f"no definition of {name} in {package.__name__}")


def assigned(node: ast.stmt) -> str | None:
    """Get the name that a statement assigns, if it is one."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None


def is_string(node: ast.stmt) -> TypeGuard[ast.Expr]:
    """Check whether a statement is a string alone."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def without_repetition(app: Sphinx, module: str, text: str) -> str:
    """Document each name in the first module that exports it, and link it in the others."""
    elsewhere: dict[str, str] = {}
    for other in documented_modules(app):
        if other == module:
            break
        package = import_module(other)
        elsewhere |= {id_of(getattr(package, name)): other for name in package.__all__}
    package = import_module(module)
    exports = {name: elsewhere.get(id_of(getattr(package, name))) for name in package.__all__}
    repeated = {name: home for name, home in exports.items() if home is not None}
    if not repeated:
        return text
    directive = f".. automodule:: {module}\n"
    exclusion = f"   :exclude-members: {', '.join(sorted(repeated))}\n"
    links = [f"{{py:obj}}`{name} <{home}.{name}>`" for name, home in sorted(repeated.items())]
    return text.replace(directive, directive + exclusion) + (
        f"\nAlso exported here: {', '.join(links)}.\n"
    )


def id_of(value: object) -> str:
    """Identify a class or function by where it is defined, and other values by themselves."""
    name = getattr(value, "__qualname__", None)
    return f"{id(value)}" if name is None else f"{getattr(value, '__module__', '')}.{name}"


def setup(app: Sphinx) -> None:
    """Register the preparation of pages."""
    app.connect("source-read", prepare_source)
