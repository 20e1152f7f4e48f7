"""Compose files as a plan: a target for each service that is built, and the group of all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define

from llb.bake.compose.dotenv import parse_dotenv
from llb.bake.compose.model import load_model
from llb.bake.compose.services import Services
from llb.bake.compose.yaml_text import read_yaml
from llb.bake.definitions.plan import DEFAULT, Plan
from llb.bake.definitions.target import Group
from llb.errors import BakeFileError
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.bake.hcl.places import BakeFile

_ENV_FILE = ".env"
_PROJECT_NAME = "COMPOSE_PROJECT_NAME"
_PROJECT = "bake"


def is_compose(source: BakeFile) -> bool:
    """Check whether a file of another name is a compose file."""
    try:
        documents = read_yaml(source)
    except BakeFileError:
        return False
    return any(
        isinstance(document, dict) and isinstance(document.get("services"), dict)
        for document in documents
    )


def to_plan(sources: Iterable[BakeFile], look_up: Callable[[str], str | None]) -> Plan:
    """Read compose files. Raises BakeFileError."""
    environment = _Environment(look_up)
    model = load_model(sources, environment.look_up)
    if not model.services and not model.secrets:
        raise BakeFileError("empty compose file")
    targets = Services(model.services, model.secrets, environment.look_up).targets()
    if not model.services:
        return Plan()
    names = tuple(target.name for target in targets)
    return Plan(targets, (Group(DEFAULT, names),))


@define
class _Environment:
    """The variables of the environment, and those of ``.env`` in the working directory."""

    outer: Callable[[str], str | None]
    _file: dict[str, str] | None = None

    def look_up(self, name: str) -> str | None:
        """Find the value of a variable; the file is read when it is first needed."""
        value = self.outer(name)
        if value is not None:
            return value
        if self._file is None:
            self._file = _read_env_file(self.outer)
        return self._file.get(name, _PROJECT if name == _PROJECT_NAME else None)


def _read_env_file(look_up: Callable[[str], str | None]) -> dict[str, str]:
    path = Path(_ENV_FILE)
    if not paths.is_file(path):
        return {}
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BakeFileError(f"cannot read {_ENV_FILE}: {error}") from None
    return parse_dotenv(text, look_up, _ENV_FILE)
