"""COPY and ADD as calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Git
from llb.dockerfile.sources.git_refs import parse_git_ref
from llb.dockerfile.sources.remote import agreed_flags, repository
from llb.dockerfile.to_python.code_layout import (
    Call,
    Expr,
    Hole,
    Pairs,
    Raw,
    Word,
    call,
    text,
    texts,
)
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.sources import source
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
    """Write a COPY or an ADD. Raises Refusal."""
    here = body.here
    sources = tuple(here.word(each) for each in instruction.sources)
    dest = here.word(instruction.dest)
    flags = _flags(here, instruction)
    if instruction.documents:
        made = _documents(here, instruction, dest, flags)
    elif instruction.is_add and (remote := _remote(here, instruction, sources, dest, flags)):
        made = remote
    else:
        made = _paths(body, instruction, sources, dest, flags)
    body.add(made)


def _flags(here: Expansion, instruction: Copy) -> dict[str, Expr | None]:
    owner, mode = here.word(instruction.chown), here.word(instruction.chmod)
    return {
        "owner": None if owner.constant == "" else owner,
        "mode": _mode(mode),
        "exclude": texts(instruction.exclude) if instruction.exclude else None,
        "link": Raw("True") if instruction.link else None,
    }


def _mode(mode: Word) -> Expr | None:
    constant = mode.constant
    if constant is None:
        return mode
    try:
        value = parse_chmod(constant)
    except InvalidValueError as error:
        raise Refusal(f"the mode {constant}") from error
    if value is None:
        return None
    return text(value) if isinstance(value, str) else Raw(oct(value))


def _documents(
    here: Expansion, instruction: Copy, dest: Word, flags: dict[str, Expr | None]
) -> Call:
    names = [each.name for each in instruction.documents]
    if instruction.sources or len(set(names)) < len(names):
        raise Refusal("here-documents besides other sources, or two of one name")
    contents = []
    for each in instruction.documents:
        if has_octets(each.chomped):
            raise Refusal("a here-document that is no text")
        contents.append(here.document(each.chomped) if each.expand else text(each.chomped))
    pairs = zip(map(text, names), contents, strict=True)
    return call("pipe", Raw("docker.write"), Pairs(tuple(pairs)), dest, **flags)


def _paths(
    body: Body,
    instruction: Copy,
    sources: tuple[Word, ...],
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call:
    if instruction.checksum:
        raise Refusal("a checksum of what is no file of the web")
    for each in sources:
        _check_path(instruction, each)
    tree = source(body, instruction.stage, numbers=True)
    is_wild = any(has_wildcard(_shown(path)) for path in sources)
    if instruction.parents and is_wild and instruction.stage is None:
        raise Refusal("wildcards with --parents, of which the context sends what they name")
    paths: Expr = sources[0] if len(sources) == 1 else texts(sources)
    return call(
        "pipe",
        Raw("docker.copy"),
        tree,
        paths,
        dest,
        parents=Raw("True") if instruction.parents else None,
        unpack=Raw("True") if instruction.unpacks_paths else None,
        **flags,
    )


def _check_path(instruction: Copy, path: Word) -> None:
    """Raise Refusal for what is, or may be, no path."""
    first = path.parts[0] if path.parts else ""
    if isinstance(first, Hole):
        if instruction.is_add:
            raise Refusal("a source that may be of the web or of git")
        return
    shown = _shown(path)
    git = _git(shown)
    if is_remote(shown) or (git is not None and not git.is_bare):
        raise Refusal("sources of several kinds")


def _shown(path: Word) -> str:
    """Write a path with a letter in the place of each variable."""
    return "".join(part if isinstance(part, str) else "x" for part in path.parts)


def _git(shown: str) -> GitRef | None:
    try:
        return parse_git_ref(shown)
    except ValueError as error:
        raise Refusal(str(error)) from error


def _remote(
    here: Expansion,
    instruction: Copy,
    sources: tuple[Word, ...],
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call | None:
    """Return an ADD of what is not in the context, None where all of it is."""
    marked = [here.marks.marked(each) for each in sources]
    gits = [_git(each) for each in marked]
    checksum = here.word(instruction.checksum)
    if len(sources) == 1 and gits[0] is not None and not gits[0].is_bare:
        return _clone(here, instruction, marked[0], gits[0], dest, flags)
    if not all(is_remote(each) for each in marked) or any(gits):
        return None
    if checksum.constant != "" and len(sources) > 1:
        raise Refusal("a checksum of several sources")
    urls: Expr = sources[0] if len(sources) == 1 else texts(sources)
    return call(
        "pipe",
        Raw("docker.fetch"),
        urls,
        dest,
        checksum=None if checksum.constant == "" else checksum,
        unpack=Raw("True") if instruction.unpack else None,
        **flags,
    )


def _clone(
    here: Expansion,
    instruction: Copy,
    shown: str,
    git: GitRef,
    dest: Word,
    flags: dict[str, Expr | None],
) -> Call:
    if not is_remote(shown):
        raise Refusal("a repository that Docker asks for in the context as well")
    try:
        keep_git_dir, checksum = agreed_flags(
            git,
            keep_git_dir=instruction.keep_git_dir,
            checksum=here.marked(instruction.checksum),
        )
    except ValueError as error:
        raise Refusal("flags that contradict the repository") from error
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
        raise Refusal(error.message) from error
    if _said(ours) != _said(theirs):
        raise Refusal("a repository that is written in an unusual way")
    named = {"ref": git.ref, "subdir": git.subdir, "checksum": checksum}
    switches = {
        "keep_git_dir": keep,
        "skip_submodules": git.submodules is False,
        "fetch_by_commit": git.fetch_by_commit,
    }
    tree = call(
        "Git",
        here.marks.word(git.url),
        **{key: here.marks.word(value) if value else None for key, value in named.items()},
        **{key: Raw("True") if value else None for key, value in switches.items()},
    )
    return call("pipe", Raw("docker.clone"), tree, dest, **flags)


def _said(tree: State) -> tuple[str, tuple[tuple[str, str], ...]]:
    assert tree.output is not None
    assert isinstance(tree.output.op, SourceOp)
    return tree.output.op.identifier, tuple(sorted(tree.output.op.attrs))
