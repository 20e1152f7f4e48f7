"""Create the copy actions of COPY and ADD, one for each source.

A source is a path in a tree, a heredoc of the Dockerfile and, for ADD, a Git repository or a URL
(Dockerfile reference, "ADD" and "COPY").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.sources.git_refs import GitRef, parse_git_ref
from llb.dockerfile.sources.remote import agreed_flags, repository, web_file
from llb.dockerfile.sources.windows_paths import DRIVE, to_slashes
from llb.dockerfile.to_llb.step_names import COMMAND
from llb.dockerfile_rules.copy import (
    Destination,
    Selection,
    filename_of,
    heredoc_file,
    is_remote,
    select_parents,
)
from llb.errors import InvalidValueError
from llb.gocompat.utf8 import encode
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb import State
    from llb.dockerfile.instructions.nodes import Copy
    from llb.errors import Span
    from llb.ops.nodes import CopyAction

INLINE = "[internal] preparing inline document"


@frozen
class ExpandedCopy:
    """A COPY or ADD whose variables are replaced.

    ``documents`` are the names and contents of heredocs. ``code`` is the whole instruction,
    ``name`` the name of the step and of remote sources, and ``history`` the entry in the image
    history. ``git_advice`` is whether git prints its advice.
    """

    instruction: Copy
    sources: tuple[str, ...]
    documents: tuple[tuple[str, str], ...]
    destination: Destination
    checksum: str
    code: str
    name: str
    history: str
    is_windows: bool = False
    git_advice: bool = False

    def path(self, path: str, doing: str = DRIVE) -> str:
        """Convert a path to that of LLB. Raises InvalidValueError."""
        return to_slashes(path, doing) if self.is_windows else path

    @property
    def span(self) -> Span:
        """The position of the instruction."""
        return self.instruction.origin.span


def copy_actions(copy: ExpandedCopy, tree: State) -> Iterator[CopyAction]:
    """Create the actions, for paths in ``tree``. Raises DockerfileError and InvalidValueError."""
    _check_checksum(copy)
    current = copy
    for source in copy.sources:
        git = _parse_repository(source, copy.span)
        if git is not None and not git.is_bare:
            # The query of a repository also applies to the sources after it.
            current = _merge_query(current, git)
            yield _copy_repository(current, git)
        elif is_remote(source):
            yield _copy_url(current, source)
        else:
            yield _copy_paths(current, tree, source)
    for name, content in copy.documents:
        path = copy.path(name)
        inline = heredoc_file(path, encode(content), name=INLINE, locations=())
        yield copy.destination.copy_file(inline, path)


def _parse_repository(source: str, span: Span) -> GitRef | None:
    try:
        return parse_git_ref(source)
    except ValueError as error:
        raise errors.bad_repository(span, str(error)) from error


def _check_checksum(copy: ExpandedCopy) -> None:
    if not copy.checksum:
        return
    if len(copy.sources) != 1:
        raise errors.bad_checksum(copy.span, "can't be specified for multiple sources")
    (source,) = copy.sources
    try:
        has_checksum = is_remote(source) or parse_git_ref(source) is not None
    except ValueError:
        has_checksum = False
    if not has_checksum:
        raise errors.bad_checksum(copy.span, "requires HTTP(S) or Git sources")


def _merge_query(copy: ExpandedCopy, git: GitRef) -> ExpandedCopy:
    """Merge the query of a repository with the flags of the instruction."""
    keep, checksum = copy.instruction.keep_git_dir, copy.checksum
    try:
        keep, checksum = agreed_flags(git, keep_git_dir=keep, checksum=checksum)
    except ValueError as error:
        raise errors.bad_repository(copy.span, str(error)) from error
    instruction = evolve(copy.instruction, keep_git_dir=keep)
    return evolve(copy, instruction=instruction, checksum=checksum)


def _copy_repository(copy: ExpandedCopy, git: GitRef) -> CopyAction:
    if not copy.instruction.is_add:
        raise errors.remote_in_copy(copy.span, "git ref")
    tree = repository(
        git,
        keep_git_dir=bool(copy.instruction.keep_git_dir),
        checksum=copy.checksum,
        advice=copy.git_advice,
        name=copy.name,
        locations=(),
    )
    return copy.destination.copy_repository(tree)


def _copy_url(copy: ExpandedCopy, url: str) -> CopyAction:
    if not copy.instruction.is_add:
        raise errors.remote_in_copy(copy.span, "URL")
    try:
        checksum = copy.checksum and check_digest(copy.checksum)
    except InvalidValueError as error:
        raise errors.bad_digest(copy.span, copy.checksum) from error
    tree = web_file(url, checksum, name=copy.name, description={COMMAND: ""}, locations=())
    unpack = bool(copy.instruction.unpack)
    return copy.destination.copy_file(tree, filename_of(url), unpack=unpack)


def _copy_paths(copy: ExpandedCopy, tree: State, source: str) -> CopyAction:
    is_parents = copy.instruction.parents
    selection = select_parents(source, copy.path) if is_parents else Selection(source)
    if copy.is_windows:
        selection = selection._replace(path=copy.path(selection.path, DRIVE * 2))
    unpack = copy.instruction.unpacks_paths
    return copy.destination.copy_paths(tree, selection, unpack=unpack)
