"""What COPY and ADD copy: one action for each source.

A source is a path in a tree, a here-document of the Dockerfile and, for ADD, a
repository or a file of the web (Dockerfile reference, "ADD" and "COPY").
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
class Copied:
    """What an instruction copies, once its variables are replaced.

    ``documents`` are names and contents. ``code`` is the whole
    instruction, ``name`` that of the step, which what comes from elsewhere has too, and
    ``history`` what the image tells of it.
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

    def path(self, text: str, doing: str = DRIVE) -> str:
        """Return a path as LLB has it. Raises InvalidValueError."""
        return to_slashes(text, doing) if self.is_windows else text

    @property
    def span(self) -> Span:
        """The place of the instruction."""
        return self.instruction.origin.span


def copy_actions(copied: Copied, tree: State) -> Iterator[CopyAction]:
    """Return the actions, of paths in ``tree``. Raises DockerfileError and InvalidValueError."""
    _check_checksum(copied)
    wanted = copied
    for source in copied.sources:
        git = _repository(source, copied.span)
        if git is not None and not git.is_bare:
            # What one repository says of itself holds for those after it.
            wanted = _agreed(wanted, git)
            yield _from_repository(wanted, git)
        elif is_remote(source):
            yield _from_web(wanted, source)
        else:
            yield _from_tree(wanted, tree, source)
    for name, content in copied.documents:
        path = copied.path(name)
        inline = heredoc_file(path, encode(content), name=INLINE, locations=())
        yield copied.destination.copy_file(inline, path)


def _repository(source: str, span: Span) -> GitRef | None:
    try:
        return parse_git_ref(source)
    except ValueError as error:
        raise errors.bad_repository(span, str(error)) from error


def _check_checksum(copied: Copied) -> None:
    if not copied.checksum:
        return
    if len(copied.sources) != 1:
        raise errors.bad_checksum(copied.span, "can't be specified for multiple sources")
    (source,) = copied.sources
    try:
        has_checksum = is_remote(source) or parse_git_ref(source) is not None
    except ValueError:
        has_checksum = False
    if not has_checksum:
        raise errors.bad_checksum(copied.span, "requires HTTP(S) or Git sources")


def _agreed(copied: Copied, git: GitRef) -> Copied:
    """Add the flags of a repository's own query to those of the instruction."""
    keep, checksum = copied.instruction.keep_git_dir, copied.checksum
    try:
        keep, checksum = agreed_flags(git, keep_git_dir=keep, checksum=checksum)
    except ValueError as error:
        raise errors.bad_repository(copied.span, str(error)) from error
    instruction = evolve(copied.instruction, keep_git_dir=keep)
    return evolve(copied, instruction=instruction, checksum=checksum)


def _from_repository(copied: Copied, git: GitRef) -> CopyAction:
    if not copied.instruction.is_add:
        raise errors.remote_in_copy(copied.span, "git ref")
    tree = repository(
        git,
        keep_git_dir=bool(copied.instruction.keep_git_dir),
        checksum=copied.checksum,
        name=copied.name,
        locations=(),
    )
    return copied.destination.copy_repository(tree)


def _from_web(copied: Copied, url: str) -> CopyAction:
    if not copied.instruction.is_add:
        raise errors.remote_in_copy(copied.span, "URL")
    try:
        checksum = copied.checksum and check_digest(copied.checksum)
    except InvalidValueError as error:
        raise errors.bad_digest(copied.span, copied.checksum) from error
    tree = web_file(url, checksum, name=copied.name, description={COMMAND: ""}, locations=())
    unpack = bool(copied.instruction.unpack)
    return copied.destination.copy_file(tree, filename_of(url), unpack=unpack)


def _from_tree(copied: Copied, tree: State, source: str) -> CopyAction:
    is_parents = copied.instruction.parents
    selection = select_parents(source, copied.path) if is_parents else Selection(source)
    if copied.is_windows:
        selection = selection._replace(path=copied.path(selection.path, DRIVE * 2))
    unpack = copied.instruction.unpacks_paths
    return copied.destination.copy_paths(tree, selection, unpack=unpack)
