"""Bake files of a repository, which the daemon fetches, and the contexts of their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.bake.definitions.plan import Selection
from llb.bake.definitions.preparation import WORKING_DIRECTORY, is_remote
from llb.bake.hcl.places import BakeFile
from llb.bake.loading import DEFAULT_NAMES
from llb.dockerfile.sources.git_refs import parse_git_ref
from llb.dockerfile.sources.named_contexts import git_context
from llb.errors import BakeFileError, MissingFileError
from llb.gocompat.path import clean, join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.bake.definitions.target import Target
    from llb.client import Client

_OTHER_CONTEXTS = (WORKING_DIRECTORY, "target:", "docker-image:", "oci-layout:")


def read_remote(client: Client, url: str, names: Iterable[str]) -> list[BakeFile]:
    """Read bake files of a repository, by default those that are looked for in a directory.

    Raises BakeFileError, and the errors of ``Client.read_text``.
    """
    try:
        repository = git_context(url)
    except ValueError as error:
        raise BakeFileError(f"invalid URL {url!r}: {error}") from None
    if repository is None:
        raise BakeFileError(f"bake files are read from repositories alone: {url} is none")
    wanted = tuple(names)
    sources = []
    for name in wanted or DEFAULT_NAMES:
        try:
            sources.append(BakeFile(name, client.read_text(repository, name)))
        except MissingFileError:
            if wanted:
                raise
    return sources


def with_remote_contexts(selection: Selection, url: str) -> Selection:
    """Make the paths of contexts those of directories in the repository."""
    targets = {name: _in_repository(target, url) for name, target in selection.targets.items()}
    return Selection(targets, selection.groups)


def _in_repository(target: Target, url: str) -> Target:
    contexts = {name: _location(value, url) for name, value in (target.contexts or {}).items()}
    context = _location(target.context or ".", url)
    return evolve(target, context=context, contexts=contexts or None)


def _location(path: str, url: str) -> str:
    if path.startswith(_OTHER_CONTEXTS) or is_remote(path):
        return path
    folder = clean(path)
    if folder == ".":
        return url
    repository = parse_git_ref(url)
    if repository is not None and repository.subdir:
        folder = join(repository.subdir, folder)
    base, _, fragment = url.partition("#")
    return f"{base}#{fragment.partition(':')[0]}:{folder}"
