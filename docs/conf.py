"""Settings of the documentation site, which ``make docs`` builds with Sphinx."""

from __future__ import annotations

import ast
import inspect
import re
from enum import Enum
from importlib import import_module, metadata
from itertools import pairwise
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeGuard

import attrs
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
autodoc_default_options = {"members": True, "member-order": "bysource"}
# Longer signatures have each parameter on a line of its own.
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "pyllb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

SOURCE = "https://github.com/pyllb/pyllb"
REFERENCE = "reference/"
INDEX = f"{REFERENCE}index"
COMMANDS = f"{REFERENCE}commands"
LONGEST_DEFAULT = 60
# The command whose help has all sections of options.
BUILD = "llb build"
SHARED = {
    *("Input", "Result", "Cache", "Steps", "Registries", "Display and information", "Connection"),
}
REFERRAL = "Connection options, and those of the build if it builds: as for llb build."
# The search finds these pages by their titles only, so that guides come first.
FOR_MAINTAINERS = re.compile(r"adr/|maintainers|conformance|cold-start|client-support|dockerfile-s")
# The default of an attrs field, in the source of the generated __init__.
_FIELD = re.compile(r"attr_dict\['(\w+)'\]\.default")
_FACTORY = re.compile(r"(\w+)(: [^=]*) = (?:_Nothing\.)?NOTHING")
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
    elif page.startswith(f"{REFERENCE}llb"):
        module = page.removeprefix(REFERENCE)
        source[0] = without_repetition(app, module, source[0]) + "".join(values(module))


def limit_search(app: Sphinx, document: object) -> None:  # noqa: ARG001 - the signature
    """Leave the text of pages for maintainers out of the search."""
    page = app.env.current_document.docname
    if FOR_MAINTAINERS.match(page):
        app.env.metadata[page]["no-search"] = "true"


def show_defaults(
    app: Sphinx,  # noqa: ARG001 - the signature of the event
    what: str,
    name: str,  # noqa: ARG001
    value: object,
    options: object,  # noqa: ARG001
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Show the defaults of attrs classes as values, not as the code that attrs generates."""
    if what not in {"class", "exception"} or signature is None or not attrs.has(value):  # type: ignore[arg-type]
        return signature, returned
    # A private field has a parameter without the underscore.
    fields = {field.name.lstrip("_"): field for field in attrs.fields(value)}
    defaults = {name: default_of(field) for name, field in fields.items()}
    shown = _FIELD.sub(lambda match: defaults[match[1].lstrip("_")], signature)
    return _FACTORY.sub(
        lambda match: f"{match[1]}{match[2]} = {defaults[match[1]]}", shown
    ), returned


def default_of(field: attrs.Attribute[Any]) -> str:
    """Write the default of a field as a reader would: modes in octal, enumerations by name."""
    value: Any = field.default
    # `attrs.Factory` is a class, which its stubs declare as a function.
    if hasattr(value, "takes_self"):
        if value.takes_self:
            return "…"
        value = value.factory()
    match value:
        case Enum():
            return str(value)
        case int() if field.name == "mode":
            return oct(value)
        case FunctionType():
            return "…"
    text = repr(value)
    return text if len(text) <= LONGEST_DEFAULT else "…"


def show_base(
    app: Sphinx,
    what: str,
    name: str,  # noqa: ARG001 - the signature of the event
    value: object,
    options: object,  # noqa: ARG001
    lines: list[str],
) -> None:
    """Name the base class of an error, which `except` needs; other classes have none to know."""
    if what == "exception" and isinstance(value, type):
        bases = " and ".join(f":class:`{public_name(app, base)}`" for base in value.__bases__)
        lines[:0] = [f"A subclass of {bases}.", ""]


def public_name(app: Sphinx, value: type) -> str:
    """Find the first documented module that exports a class; other classes are Python's."""
    for module in documented_modules(app):
        if getattr(import_module(module), value.__name__, None) is value:
            return f"~{module}.{value.__name__}"
    return value.__name__


def helps(command: click.Command, name: str) -> Iterator[str]:
    """Yield the help of a command and of those below it, each as a section."""
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    level = name.count(" ") + 2
    text = without_shared_options(name, command.get_help(context))
    yield f"\n{'#' * level} {name}\n\n```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            subcommand = command.get_command(context, below)
            assert subcommand is not None
            yield from helps(subcommand, f"{name} {below}")


def without_shared_options(name: str, text: str) -> str:
    """Leave out the sections of options that ``llb build`` has as well."""
    if name == BUILD:
        return text
    parts = text.split("\n\n")
    kept = [part for part in parts if part.partition(":\n")[0] not in SHARED]
    return "\n\n".join(kept) + (f"\n\n{REFERRAL}" if len(kept) < len(parts) else "")


def values(module: str) -> Iterator[str]:
    """Yield the descriptions of type aliases and constants, which autodoc finds where they are."""
    package = import_module(module)
    for name in sorted(package.__all__):
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            continue
        text, description = definition(package, name)
        body = "\n".join(f"   {line}".rstrip() for line in description.splitlines())
        directive = f".. py:data:: {name}\n   :value: {text}\n\n{body}"
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
        for name in package.__all__:
            # The first module documents it, and the others link it there.
            elsewhere.setdefault(id_of(getattr(package, name)), other)
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
    """Register the functions that prepare pages."""
    app.connect("source-read", prepare_source)
    app.connect("doctree-read", limit_search)
    app.connect("autodoc-process-signature", show_defaults)
    app.connect("autodoc-process-docstring", show_base)
