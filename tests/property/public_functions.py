"""The public functions, each with a valid call.

Arguments come from the annotation of a parameter (:data:`BY_ANNOTATION`), unless the function is
particular about them (:data:`BY_NAME`).
"""

from __future__ import annotations

import inspect
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import frozen

import llb.client
from tests.public_surface import MODULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

# Methods whose arguments come from this package, never from its users.
OWN = {
    "ImageConfig.from_dict": "documented to raise TypeError and AttributeError, for from_json",
    "Definition.from_pb": "takes a message of the generated code",
    "Build.argument": "called by the decorator of a target",
    "ClientCall.on_headers": "called by the endpoint",
    "ClientCall.on_reset": "called by the endpoint",
    "ServerCall.on_headers": "called by the endpoint",
    "ServerCall.on_reset": "called by the endpoint",
    "FakeBuild.begin": "called by the fake daemon",
    "FakeBuild.finish": "called by the fake daemon",
}
# The modules that grpcio's compiler generates.
GENERATED = "llb.grpcio"
# None counts as an omitted option.
NONE_IS_OMITTED = ("ImageBuildOptions",)
# Classes whose instances this package creates, as results.
RESULTS = frozenset(
    {
        *(
            "AffectedStep",
            "AsyncBuildHandle",
            "AsyncHistory",
            "Attachment",
            "Blob",
            "Build",
            "BuildHandle",
            "Builder",
            "BuildRecord",
            "Caps",
            "ChangedStep",
            "ClientCall",
        ),
        *("Comparison", "Completed", "Container", "Conversion", "Converted", "Definition"),
        *("DockerfileRequest", "FailedStep", "Fallback", "FakeBuild", "FieldChange", "FileStat"),
        *(
            "Frontend",
            "Golden",
            "History",
            "ImageRequest",
            "ImageResult",
            "Info",
            "Missing",
            "NodeReport",
            "Outcome",
            "Packed",
        ),
        *("Parsed", "Process", "Rewritten", "RootCause", "ServerCall", "Site", "SolveResult"),
        *(
            "ComparedStep",
            "Source",
            "State",
            "Step",
            "Target",
            "Trail",
            "Usage",
            "Vertex",
            "VertexLog",
        ),
        *("VertexStatus", "VertexWarning", "Worker"),
        *("Selection", "Variable"),
        *("CreatedImage", "InspectedImage", "Manifest", "Repository"),
    }
)


@frozen
class PublicFunction:
    """A public function, or the constructor of ``kind``, with its name for users."""

    module: str
    name: str
    function: Callable[..., Any]
    kind: type | None = None

    @property
    def owner(self) -> str:
        """The class of a method."""
        return self.name.rpartition(".")[0]

    @property
    def takes_self(self) -> bool:
        """Whether the first parameter is ``self`` or ``cls``."""
        return next(iter(self.signature.parameters), "") in ("self", "cls")

    @property
    def signature(self) -> inspect.Signature:
        """The signature, with annotations as strings."""
        return inspect.signature(self.function)

    @property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The parameters without ``self``, and those of the options."""
        return tuple(self._parameters())

    def _parameters(self) -> Iterator[inspect.Parameter]:
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                yield from self._options(parameter)
            elif name not in ("self", "cls"):
                yield parameter

    def _options(self, rest: inspect.Parameter) -> Iterator[inspect.Parameter]:
        """Yield the keys of a TypedDict as keyword parameters."""
        if not rest.annotation.startswith("Unpack["):
            return
        path = rest.annotation.removeprefix("Unpack[").removesuffix("]")
        options = _named(import_module(self.function.__module__), path)
        for key, annotation in options.__annotations__.items():
            yield inspect.Parameter(
                key,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=annotation | None if path in NONE_IS_OMITTED else annotation,
            )


def _named(module: ModuleType, path: str) -> Any:
    """Look up a TypedDict, which its package offers if the module imports it for types only."""
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name, None) or getattr(llb.client, name)
    return value


def public_functions() -> list[PublicFunction]:
    """List every public function that has parameters, once."""
    functions: dict[Callable[..., Any], PublicFunction] = {}
    for module in MODULES:
        if module == GENERATED:
            continue
        package = import_module(module)
        for name in sorted(package.__all__):
            for function in _functions(module, name, getattr(package, name)):
                functions.setdefault(function.function, function)
    return [function for function in functions.values() if function.parameters]


def _functions(module: str, name: str, value: Any) -> Iterator[PublicFunction]:
    if inspect.isclass(value):
        yield from _methods(module, name, value)
    elif inspect.ismodule(value):
        for key, member in vars(value).items():
            is_own = inspect.isfunction(member) and member.__module__ == value.__name__
            if is_own and not key.startswith("_"):
                yield PublicFunction(module, f"{name}.{key}", member)
    elif inspect.isfunction(value):
        yield PublicFunction(module, name, value)


def _methods(module: str, name: str, kind: type) -> Iterator[PublicFunction]:
    # Those who implement a protocol are called by this package.
    if issubclass(kind, BaseException | Enum) or getattr(kind, "_is_protocol", False):
        return
    if name not in RESULTS and "__init__" in vars(kind):
        yield PublicFunction(module, name, kind.__init__, kind)
    for key, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        if not key.startswith("_") and inspect.isfunction(function):
            yield PublicFunction(module, f"{name}.{key}", function)
