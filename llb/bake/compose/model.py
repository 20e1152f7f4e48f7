"""The services and secrets of compose files: read, interpolated, extended and merged."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from llb.bake.compose.interpolation import interpolate
from llb.bake.compose.merging import build_mapping, merge_mappings
from llb.bake.compose.yaml_text import Replacement, read_yaml
from llb.bake.hcl.places import BakeFile
from llb.errors import BakeFileError, UnknownKeyWarning, did_you_mean
from llb.gocompat.path import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEYS = ("services", "secrets")
_KNOWN = (
    "name",
    "version",
    "services",
    "networks",
    "volumes",
    "secrets",
    "configs",
    "include",
    "models",
)


@define
class ComposeModel:
    """What compose files define, as far as builds need it."""

    look_up: Callable[[str], str | None]
    services: dict[str, Any] = field(factory=dict)
    secrets: dict[str, Any] = field(factory=dict)

    def add(self, source: BakeFile) -> None:
        """Merge a file over those before. Raises BakeFileError."""
        for document in read_yaml(source):
            model = self._model(document, source)
            services = _mapping(model.get("services"), "services", source)
            for name in services:
                if services[name] is None:
                    services[name] = {}
            extended = {name: self._extended(name, services, source, ()) for name in services}
            self.services = merge_mappings(self.services, extended, "services")
            secrets = _mapping(model.get("secrets"), "secrets", source)
            self.secrets = merge_mappings(self.secrets, secrets, "secrets")

    def _model(self, document: Any, source: BakeFile) -> dict[str, Any]:
        if not isinstance(document, dict):
            raise BakeFileError(f"{source.name}: the top level must be a mapping")
        for key in document:
            if not isinstance(key, str):
                raise BakeFileError(f"{source.name}: the key {key!r} must be a text")
            if key not in _KNOWN and not key.startswith("x-"):
                near = did_you_mean(key, _KNOWN)
                hint = "" if near is None else f" ({near})"
                message = f"{source.name}: unknown element '{key}' is ignored{hint}"
                warnings.warn(UnknownKeyWarning(message), stacklevel=2)
        if document.get("include"):
            raise BakeFileError(
                f"{source.name}: include is not supported", hint="name all files with -f"
            )
        model = interpolate({key: document.get(key) for key in _KEYS}, self.look_up)
        assert isinstance(model, dict)
        return model

    def _extended(
        self, name: str, services: dict[str, Any], source: BakeFile, path: tuple[str, ...]
    ) -> Any:
        """Merge a service over the one that it extends. Raises BakeFileError."""
        service = services[name]
        if isinstance(service, Replacement):
            return service
        if not isinstance(service, dict):
            raise BakeFileError(f"{source.name}: services.{name} must be a mapping")
        extends = service.get("extends")
        if extends is None:
            return service
        here = f"{source.name}:{name}"
        if here in path:
            raise BakeFileError(f"{source.name}: the service '{name}' extends itself")
        base_name, file = _extends(extends, name, source)
        own = {key: value for key, value in service.items() if key != "extends"}
        if file is None:
            others, other = services, source
        else:
            others, other = self._other(file, source)
        if base_name not in others:
            hint = did_you_mean(base_name, others)
            raise BakeFileError(
                f"{source.name}: services.{name} extends '{base_name}', which {other.name} does not"
                " define",
                hint=hint,
            )
        base = self._extended(base_name, others, other, (*path, here))
        if file is not None:
            base = _rebased(base, str(Path(file).parent))
        return merge_mappings(base, own, f"services.{name}")

    def _other(self, file: str, source: BakeFile) -> tuple[dict[str, Any], BakeFile]:
        folder = Path(source.name).parent
        path = Path(file) if Path(file).is_absolute() or source.name == "-" else folder / file
        try:
            other = BakeFile(str(path), path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise BakeFileError(f"{source.name}: cannot read {path}: {error}") from None
        services: dict[str, Any] = {}
        for document in read_yaml(other):
            found = _mapping(self._model(document, other).get("services"), "services", other)
            services = merge_mappings(services, found, "services")
        return {name: service or {} for name, service in services.items()}, other


def _extends(extends: Any, name: str, source: BakeFile) -> tuple[str, str | None]:
    match extends:
        case str():
            return extends, None
        case {"service": str() as service}:
            file = extends.get("file")
            return service, None if file is None else str(file)
        case _:
            raise BakeFileError(f"{source.name}: services.{name}.extends needs a service")


def _rebased(service: Any, folder: str) -> Any:
    """Make the paths of a service from another file relative to the working directory."""
    if not isinstance(service, dict) or "build" not in service or folder == ".":
        return service
    build = dict(build_mapping(service["build"]))
    context = build.get("context", ".")
    if isinstance(context, str) and "://" not in context and not Path(context).is_absolute():
        build["context"] = clean(os.path.join(folder, context))  # noqa: PTH118 - it stays a text
    return {**service, "build": build}


def _mapping(value: Any, name: str, source: BakeFile) -> dict[str, Any]:
    if value is None or isinstance(value, Replacement):
        return {}
    if not isinstance(value, dict):
        raise BakeFileError(f"{source.name}: {name} must be a mapping")
    return {str(key): each for key, each in value.items()}


def load_model(sources: Iterable[BakeFile], look_up: Callable[[str], str | None]) -> ComposeModel:
    """Read compose files, later ones over earlier ones. Raises BakeFileError."""
    model = ComposeModel(look_up)
    for source in sources:
        model.add(source)
    return model
