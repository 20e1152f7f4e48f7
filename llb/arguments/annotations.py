"""Convert annotations to kinds of arguments.

Annotations are the strings in the source (PEP 563). Most of their names are imported for type
checkers only, and are read without importing them: :data:`_ALIASES` has the aliases and protocols,
and any other name is the name of a class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable as CallableType
from types import UnionType
from typing import TYPE_CHECKING, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from llb import buildkit_names
from llb.arguments.expectations import expectation, hint
from llb.arguments.kinds import (
    Anything,
    Choice,
    Data,
    Either,
    Fixed,
    Function,
    Instance,
    Kind,
    Like,
    Pairs,
    PathObject,
    Seconds,
    Several,
    Text,
    TimeSpan,
    Whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PLAIN: dict[str, Kind] = {
    "str": Text(),
    "RawText": Text(is_data=True),
    "bytes": Data(),
    "int": Whole(),
    "float": Seconds(),
    "timedelta": TimeSpan(),
    "bool": Kind("True or False", bool),
    "None": Kind("None", type(None)),
    "object": Anything(),
    "Any": Anything(),
}
_SEVERAL: dict[str, type] = {
    "Iterable": tuple,
    "Collection": tuple,
    "Sequence": tuple,
    "tuple": tuple,
    "list": list,
    "frozenset": frozenset,
}
_PAIRS = ("Mapping", "dict")
# Names that modules import for type checkers only. One that means different things is preceded by
# its module.
_ALIASES = {
    "AnyImage": "FakeImage | bytes | str",
    "Build": "State | Definition",
    "FileAction": "CopyAction | MkdirAction | MkfileAction | RmAction | SymlinkAction",
    "BuildContext": "str | PathLike[str] | bytes | BinaryIO | Mapping[str, Content] | State",
    # llb.client.registry_auth checks these, because its errors contain no secrets.
    "Credentials": "object",
    "PEMValue": "object",
    "Dialer": "Callable",
    "Files": "Mapping[str, Content] | PathLike[str]",
    "Mount": "Bind | Cache | Tmpfs",
    "MountValue": "Bind | Cache | Tmpfs | Secret | SSH",
    "PolicyCheck": "Callable",
    "Function": "Callable",
    "Origin": "object",
    "Resolver": "Callable",
    "Resolve": "Callable",
    "Script": "Callable",
    "SourcePolicy": "Mapping[str, object] | Callable",
    "Targets": "Callable",
    "Value": "object",
    "Path": "PathLike[str]",
    "Event": "Vertex | VertexStatus | VertexLog | VertexWarning",
    "Duration": "float | timedelta",
    "TreePath": "str | PurePath",
    "StrPath": "str | PathLike[str]",
    # llb.gateway.process_io checks them, with the same errors for all files.
    "Stderr": "object",
    "Stdin": "object",
    "Stdout": "object",
    "StepOutput": "Mapping[str, Content] | Failed",
    "Content": "bytes | str | File | Directory | Symlink",
    "llb.client.options.Secret": "bytes | str | PathLike[str] | EnvSecret | Callable",
    "llb.client.image_build.options.Network": "Literal['default', 'none', 'host']",
    # llb.grpcio checks it: channels of grpc.aio and of this package have the same name.
    "llb.client.client.Channel": "object",
    "llb.testing.daemon.Frontend": "Callable",
    "llb.testing.gateway.Frontend": "Callable",
    "llb.testing.daemon.Build": "FakeBuild",
}
_LIKE = {
    "Tree": ("output", "cwd"),
    "ImageResolver": ("resolve_image_config",),
    "PathLike": ("__fspath__",),
    "Pipe": ("read", "write", "close"),
    "Calls": ("call", "stream"),
    "Host": ("context", "named"),
    "ReadableFile": ("read",),
    "WritableFile": ("write",),
    "BinaryIO": ("read",),
    "IO": ("read",),
}
_PATHS = ("Path", "PathLike", "PurePath")

_kinds: dict[tuple[str, str], Kind] = {}


def kind_of(annotation: object, module: str) -> Kind:
    """Convert an annotation of a function in ``module``: a string, or an object of ``typing``."""
    if isinstance(annotation, str):
        key = annotation, module
        if key not in _kinds:
            _kinds[key] = _from_text(annotation.strip(), module)
        return _kinds[key]
    return _from_object(annotation, module)


def _from_text(text: str, module: str) -> Kind:
    parts = list(_split(text, "|"))
    if len(parts) > 1:
        return _either(parts, module)
    if text[0] in "'\"":
        return kind_of(text[1:-1], module)
    name, _, arguments = text.partition("[")
    return _named(name, list(_split(arguments.removesuffix("]"), ",")), module)


def _either(alternatives: Sequence[object], module: str) -> Kind:
    kinds = tuple(kind_of(alternative, module) for alternative in alternatives)
    # An alternative that the function checks leaves all of them to it.
    return _PLAIN["object"] if _PLAIN["object"] in kinds else Either(kinds)


def _named(name: str, arguments: list[Any], module: str) -> Kind:
    short = name.rpartition(".")[2]
    if name.endswith((".args", ".kwargs")):
        # Those of a ParamSpec belong to another function.
        return _PLAIN["Any"]
    if short in _PLAIN:
        return _PLAIN[short]
    if short == "Literal":
        return Choice([_literal(argument) for argument in arguments])
    if short in _PAIRS:
        key, value = arguments or ("object", "object")
        return Pairs(kind_of(key, module), kind_of(value, module))
    if short in _SEVERAL:
        return _several(short, arguments, module)
    if short == "Callable":
        return Function(expectation(short))
    return _from_module(name, short, module)


def _several(name: str, arguments: list[Any], module: str) -> Kind:
    if name == "tuple" and arguments[-1] not in ("...", Ellipsis):
        return Fixed(tuple(kind_of(argument, module) for argument in arguments))
    # A command is a sequence: one string would be a shell's.
    return Several(
        kind_of(arguments[0], module), _SEVERAL[name], takes_one=name in ("Iterable", "Collection")
    )


def _from_module(name: str, short: str, module: str) -> Kind:
    """Resolve a name as the module does, or by the table if the module does not import it."""
    value: object = sys.modules[module]
    for part in name.split("."):
        value = vars(value).get(part) if hasattr(value, "__dict__") else None
    if f"{module}.{short}" in _ALIASES:
        return kind_of(_ALIASES[f"{module}.{short}"], module)
    if value is not None and not isinstance(value, type):
        return kind_of(value, module)
    if value is None and short in vars(buildkit_names):
        return _from_object(vars(buildkit_names)[short], module)
    if short not in _LIKE and value is None and short in _ALIASES:
        return kind_of(_ALIASES[short], module)
    return _of_class(short)


def _of_class(name: str) -> Kind:
    text, example = expectation(name), hint(name)
    kind = Like(_LIKE[name], text, example) if name in _LIKE else Instance(name, text, example)
    return PathObject(kind) if name in _PATHS else kind


def _from_object(annotation: Any, module: str) -> Kind:
    """Convert an alias, which is an object of ``typing`` or ``types``."""
    if isinstance(annotation, ForwardRef):
        return kind_of(annotation.__forward_arg__, annotation.__forward_module__ or module)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, TypeVar):
        return _PLAIN["Any"]
    if origin is Literal:
        return Choice(arguments)
    if origin in (Union, UnionType):
        return _either(arguments, module)
    if origin is CallableType:
        return kind_of("Callable", module)
    if annotation in (None, type(None)):
        return _PLAIN["None"]
    if origin is None:
        return _named(annotation.__name__, [], module)
    return _named(origin.__name__, list(arguments), module)


def _literal(text: str) -> object:
    return {"True": True, "False": False, "None": None}.get(text, text.strip("'\""))


def _split(text: str, separator: str) -> Iterator[str]:
    """Split at the separators that are outside brackets."""
    depth = start = 0
    for index, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == separator and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    if text:
        yield text[start:].strip()
