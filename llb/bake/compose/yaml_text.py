"""Read YAML as compose files use it: version 1.2, with the tags !reset and !override."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.bake.hcl.places import Place
from llb.errors import BakeFileError

if TYPE_CHECKING:
    from llb.bake.hcl.places import BakeFile

_LONGEST = 10_000_000
_MOST_NODES = 1_000_000
_PLAIN = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.nan",
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
)


@frozen
class Replacement:
    """A value that replaces that of an earlier file, or removes it (``!reset``)."""

    value: Any = None
    removes: bool = False


def read_yaml(source: BakeFile) -> list[Any]:
    """Read the documents of a file. Raises BakeFileError, also if PyYAML is not installed."""
    try:
        import yaml  # noqa: PLC0415
    except ImportError as error:
        raise BakeFileError(
            f"{source.name} is a compose file, and PyYAML is not installed",
            hint="pip install 'pyllb[bake]'",
        ) from error
    if len(source.text) > _LONGEST:
        raise BakeFileError(f"{source.name} is larger than 10 MB")
    try:
        documents = list(yaml.load_all(source.text, _loader(yaml)))
    except yaml.MarkedYAMLError as error:
        raise _error(source, error) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BakeFileError(f"{source.name} is no valid YAML: {error}") from None
    _check_size(documents, source)
    return [document for document in documents if document is not None]


def _loader(yaml: Any) -> Any:
    """Create a loader with the plain values of YAML 1.2, in which ``yes`` is a string."""
    loader: Any = type("_ComposeLoader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in _PLAIN:
        letters = [*first, ""] if tag.endswith("null") else list(first)
        loader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), letters)
    loader.add_constructor("tag:yaml.org,2002:int", _integer)
    loader.add_constructor("!reset", lambda *_: Replacement(removes=True))
    loader.add_constructor("!override", lambda self, node: Replacement(_plain(self, node)))
    return loader


def _integer(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    # A zero in front begins an octal number, as in YAML 1.1.
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits.startswith("0") and set(digits) <= set("01234567")
    return int(text, 8) if octal else int(text)


def _plain(loader: Any, node: Any) -> Any:
    """Construct a node as if it had no tag."""
    tag = loader.resolve(type(node), node.value, (True, False))
    untagged = type(node)(tag, node.value, node.start_mark, node.end_mark)
    return loader.construct_object(untagged, deep=True)


def _error(source: BakeFile, error: Any) -> BakeFileError:
    mark = error.problem_mark or error.context_mark
    message = f"invalid YAML: {error.problem or error.context}"
    if mark is None:
        return BakeFileError(f"{source.name}: {message}")
    return Place(source, mark.index, mark.index + 1).error(message)


def _check_size(documents: list[Any], source: BakeFile) -> None:
    """Refuse files whose aliases multiply to more than anybody writes."""
    left = _MOST_NODES
    stack: list[Any] = [documents]
    while stack:
        node = stack.pop()
        left -= 1
        if left < 0:
            raise BakeFileError(f"{source.name} has more than a million values")
        if isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, list):
            stack += node
