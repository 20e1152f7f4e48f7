"""What COPY and ADD copy: one action for each source.

A source is a path in a tree, a here-document of the Dockerfile and, for ADD, a
repository or a file of the web (Dockerfile reference, "ADD" and "COPY").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb import Scratch, mkfile
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.sources.git_refs import GitRef, parse_git_ref
from llb.dockerfile.sources.remote import filename_of, is_remote, repository, web_file
from llb.dockerfile.sources.windows_paths import DRIVE, to_slashes
from llb.dockerfile.to_llb.step_names import COMMAND
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute, join
from llb.gocompat.utf8 import encode
from llb.ops.nodes import CopyAction
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb import State
    from llb.dockerfile.instructions.nodes import Copy
    from llb.errors import Span
    from llb.ops.nodes import Owner

_INLINE = "[internal] preparing inline document"
_PIVOT = "/./"
# What a backslash stands before is no wildcard.
_WILDCARD = re.compile(r"(?:[^\\*?\[]|\\.)*[*?\[]", re.DOTALL)


@frozen
class Copied:
    """What an instruction copies, once its variables are replaced.

    ``documents`` are names and contents, ``dest`` is absolute. ``code`` is the whole
    instruction, ``name`` that of the step, which what comes from elsewhere has too, and
    ``history`` what the image tells of it.
    """

    instruction: Copy
    sources: tuple[str, ...]
    documents: tuple[tuple[str, str], ...]
    dest: str
    owner: Owner | None
    mode: int | str | None
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
        inline = Scratch().file(mkfile(path, encode(content)), name=_INLINE, locations=())
        yield _action(copied, inline, absolute("/", path))


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
    """Return what is copied with what the repository says of itself, in one with the flags."""
    keep, checksum = copied.instruction.keep_git_dir, copied.checksum
    if None not in (keep, git.keep_git_dir) and keep != git.keep_git_dir:
        raise errors.bad_repository(copied.span, "inconsistent keep-git-dir configuration")
    if checksum and git.checksum and checksum != git.checksum:
        reason = f'checksum mismatch "{checksum}" != "{git.checksum}"'
        raise errors.bad_repository(copied.span, reason)
    keep = keep if git.keep_git_dir is None else git.keep_git_dir
    instruction = evolve(copied.instruction, keep_git_dir=keep)
    return evolve(copied, instruction=instruction, checksum=git.checksum or checksum)


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
    return _action(copied, tree, "/")


def _from_web(copied: Copied, url: str) -> CopyAction:
    if not copied.instruction.is_add:
        raise errors.remote_in_copy(copied.span, "URL")
    try:
        checksum = copied.checksum and check_digest(copied.checksum)
    except InvalidValueError as error:
        raise errors.bad_digest(copied.span, copied.checksum) from error
    tree = web_file(url, checksum, name=copied.name, description={COMMAND: ""}, locations=())
    path = absolute("/", filename_of(url))
    return _action(copied, tree, path, attempt_unpack=bool(copied.instruction.unpack))


def _from_tree(copied: Copied, tree: State, source: str) -> CopyAction:
    instruction = copied.instruction
    path, patterns, required = _parents(copied, source) if instruction.parents else (source, (), ())
    unpack = instruction.is_add if instruction.unpack is None else instruction.unpack
    return _action(
        copied,
        tree,
        absolute("/", copied.path(path, DRIVE * 2)),
        follow_symlinks=True,
        copy_dir_contents_only=True,
        include_patterns=patterns,
        required_paths=required,
        attempt_unpack=unpack,
        allow_wildcard=True,
        allow_empty_wildcard=True,
    )


def _parents(copied: Copied, source: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the directory to copy from, the pattern of what is copied, and what must exist.

    The directories in front of ``/./`` are not made at the destination.
    """
    parent, pivot, pattern = source.partition(_PIVOT)
    if not pivot:
        parent, pattern = "/", source
    # An absolute pattern stays as it is written.
    pattern = pattern if pattern.startswith("/") else join("/", copied.path(pattern))
    has_wildcard = _WILDCARD.match(parent) or _WILDCARD.match(pattern)
    required = () if has_wildcard else (join("/", copied.path(join(parent, pattern))),)
    return parent, (pattern.removeprefix("/"),), required


def _action(copied: Copied, tree: State, path: str, **options: Any) -> CopyAction:
    return CopyAction(
        source=tree.output,
        src=path,
        dest=copied.dest,
        owner=copied.owner,
        mode=copied.mode,
        create_dest_path=True,
        exclude_patterns=copied.instruction.exclude,
        **options,
    )
