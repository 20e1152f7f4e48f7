"""Convert COPY and ADD to calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Git
from llb.dockerfile.sources.git_refs import parse_git_ref
from llb.dockerfile.sources.remote import agreed_flags, repository
from llb.dockerfile.to_python.code_layout import (
    Call,
    Expr,
    Interpolation,
    Pairs,
    Raw,
    Word,
    call,
    literal,
    string_list,
)
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.sources import source_tree
from llb.dockerfile_rules.copy import has_wildcard, is_remote
from llb.dockerfile_rules.permissions import parse_chmod
from llb.errors import InvalidValueError, LLBError
from llb.gocompat.utf8 import has_octets
from llb.ops.nodes import SourceOp

if TYPE_CHECKING:
    from llb import State
    from llb.dockerfile.instructions.nodes import Copy
    from llb.dockerfile.sources.git_refs import GitRef
    from llb.dockerfile.to_python.expansion import Expansion
    from llb.dockerfile.to_python.function_body import Body


def copy(body: Body, instruction: Copy) -> None:
    """Convert a COPY or an ADD. Raises NotExpressible."""
    expansion = body.expansion
    sources = tuple(expansion.word(source) for source in instruction.sources)
    dest = expansion.word(instruction.dest)
    flags = _flags(expansion, instruction)
    if instruction.documents:
        step = _copy_heredocs(expansion, instruction, dest, flags)
    elif instruction.is_add and (
        download := _download(expansion, instruction, sources, dest, flags)
    ):
        step = download
    else:
        step = _copy_paths(body, instruction, sources, dest, flags)
    body.add(step)


def _flags(expansion: Expansion, instruction: Copy) -> dict[str, Expr | None]:
    owner, mode = expansion.word(instruction.chown), expansion.word(instruction.chmod)
    return {
        "owner": None if owner.constant == "" else owner,
        "mode": _mode(mode),
        "exclude": string_list(instruction.exclude) if instruction.exclude else None,
        "link": Raw("True") if instruction.link else None,
    }


def _mode(mode: Word) -> Expr | None:
    constant = mode.constant
    if constant is None:
        return mode
    try:
        value = parse_chmod(constant)
    except InvalidValueError as error:
        raise NotExpressible(f"invalid mode {constant}") from error
    if value is None:
        return None
    return literal(value) if isinstance(value, str) else Raw(oct(value))


def _copy_heredocs(
    expansion: Expansion, instruction: Copy, dest: Word, flags: dict[str, Expr | None]
) -> Call:
    names = [document.name for document in instruction.documents]
    if instruction.sources or len(set(names)) < len(names):
        raise NotExpressible("heredocs mixed with other sources, or two heredocs with one name")
    contents = []
    for document in instruction.documents:
        if has_octets(document.chomped):
            raise NotExpressible("a heredoc that is not UTF-8")
        contents.append(
            expansion.document(document.chomped) if document.expand else literal(document.chomped)
        )
    pairs = zip(map(literal, names), contents, strict=True)
    return call("pipe", Raw("instructions.write"), Pairs(tuple(pairs)), dest, **flags)


def _copy_paths(
    body: Body,
    instruction: Copy,
    sources: tuple[Word, ...],
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call:
    if instruction.checksum:
        raise NotExpressible("--checksum on a source that is not a URL")
    for path in sources:
        _check_path(instruction, path)
    tree = source_tree(body, instruction.stage, numbers=True)
    is_wild = any(has_wildcard(_with_placeholder_letters(path)) for path in sources)
    if instruction.parents and is_wild and instruction.stage is None:
        raise NotExpressible("--parents with wildcards in the build context")
    paths: Expr = sources[0] if len(sources) == 1 else string_list(sources)
    return call(
        "pipe",
        Raw("instructions.copy"),
        tree,
        paths,
        dest,
        parents=Raw("True") if instruction.parents else None,
        unpack=Raw("True") if instruction.unpacks_paths else None,
        **flags,
    )


def _check_path(instruction: Copy, path: Word) -> None:
    """Check that a source is a path. Raises NotExpressible."""
    first_part = path.parts[0] if path.parts else ""
    if isinstance(first_part, Interpolation):
        if instruction.is_add:
            raise NotExpressible("an ADD source that may be a path, a URL or a Git repository")
        return
    path_string = _with_placeholder_letters(path)
    git = _parse_git(path_string)
    if is_remote(path_string) or (git is not None and not git.is_bare):
        raise NotExpressible("sources of several kinds")


def _with_placeholder_letters(path: Word) -> str:
    """Write a path with a letter in place of each variable."""
    return "".join(part if isinstance(part, str) else "x" for part in path.parts)


def _parse_git(url: str) -> GitRef | None:
    try:
        return parse_git_ref(url)
    except ValueError as error:
        raise NotExpressible(str(error)) from error


def _download(
    expansion: Expansion,
    instruction: Copy,
    sources: tuple[Word, ...],
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call | None:
    """Convert an ADD of URLs or a Git repository; None for paths of the build context."""
    encoded_sources = [expansion.placeholders.encode(source) for source in sources]
    gits = [_parse_git(source) for source in encoded_sources]
    checksum = expansion.word(instruction.checksum)
    if len(sources) == 1 and gits[0] is not None and not gits[0].is_bare:
        return _clone(expansion, instruction, encoded_sources[0], gits[0], dest, flags)
    if not all(is_remote(source) for source in encoded_sources) or any(gits):
        return None
    if checksum.constant != "" and len(sources) > 1:
        raise NotExpressible("--checksum with several sources")
    urls: Expr = sources[0] if len(sources) == 1 else string_list(sources)
    return call(
        "pipe",
        Raw("instructions.fetch"),
        urls,
        dest,
        checksum=None if checksum.constant == "" else checksum,
        unpack=Raw("True") if instruction.unpack else None,
        **flags,
    )


def _clone(
    expansion: Expansion,
    instruction: Copy,
    encoded_source: str,
    git: GitRef,
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call:
    if not is_remote(encoded_source):
        raise NotExpressible("a Git repository that Docker also looks up in the build context")
    try:
        keep_git_dir, checksum = agreed_flags(
            git,
            keep_git_dir=instruction.keep_git_dir,
            checksum=expansion.encode(instruction.checksum),
        )
    except ValueError as error:
        raise NotExpressible("flags that contradict the Git URL") from error
    keep = bool(keep_git_dir)
    try:
        theirs = repository(git, keep_git_dir=keep, checksum=checksum)
        ours = Git(
            git.url,
            ref=git.ref or None,
            subdir=git.subdir or None,
            checksum=checksum or None,
            keep_git_dir=keep,
            skip_submodules=git.submodules is False,
            fetch_by_commit=git.fetch_by_commit,
        )
    except LLBError as error:
        raise NotExpressible(error.message) from error
    if _identifier_and_attrs(ours) != _identifier_and_attrs(theirs):
        raise NotExpressible("an unusual spelling of a Git URL")
    options = {"ref": git.ref, "subdir": git.subdir, "checksum": checksum}
    switches = {
        "keep_git_dir": keep,
        "skip_submodules": git.submodules is False,
        "fetch_by_commit": git.fetch_by_commit,
    }
    tree = call(
        "Git",
        expansion.placeholders.decode(git.url),
        **{
            key: expansion.placeholders.decode(value) if value else None
            for key, value in options.items()
        },
        **{key: Raw("True") if value else None for key, value in switches.items()},
    )
    return call("pipe", Raw("instructions.clone"), tree, dest, **flags)


def _identifier_and_attrs(tree: State) -> tuple[str, tuple[tuple[str, str], ...]]:
    assert tree.output is not None
    assert isinstance(tree.output.op, SourceOp)
    return tree.output.op.identifier, tuple(sorted(tree.output.op.attrs))
