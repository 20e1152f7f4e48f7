"""COPY and ADD: files of the context, of other stages, and of the Dockerfile itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve

from frontend.dockerfile import errors
from frontend.dockerfile.convert.naming import expanded_code
from llb import Scratch, mkfile
from llb import copy as copy_action
from llb.paths import absolute, is_symbolic_mode

if TYPE_CHECKING:
    from frontend.dockerfile.convert.conversion import Conversion, StageResult
    from frontend.dockerfile.instructions import Copy

_INLINE = "[internal] preparing inline document"
_REMOTE = ("http://", "https://", "git://", "git@", "ssh://")
_OCTAL = re.compile(r"[0-7]+\Z")


def copy(conversion: Conversion, result: StageResult, instruction: Copy) -> None:
    """Copy what the instruction names, in one step."""
    env = result.env
    word = conversion.expander.word
    span = instruction.origin.span
    sources = tuple(word(each, env) for each in instruction.sources)
    dest = word(instruction.dest, env)
    chown, chmod = word(instruction.chown, env), word(instruction.chmod, env)
    tree = (
        conversion.context.state
        if instruction.stage is None
        else conversion.source_of(result, instruction)
    )
    target = absolute(result.state.cwd, dest if dest not in ("", ".") else "./", keep_slash=True)
    owner, mode = chown or None, _mode(chmod, instruction)
    actions = []
    for source in sources:
        if source.startswith(_REMOTE):
            raise errors.unsupported(span, "a source in a repository or at a URL")
        actions.append(
            copy_action(
                tree,
                target,
                path=absolute("/", source),
                follow_symlinks=True,
                allow_empty_wildcard=True,
                unpack=instruction.unpack,
                owner=owner,
                mode=mode,
                exclude=instruction.exclude,
            )
        )
        if instruction.stage is None:
            conversion.context.use(source)
    raw = evolve(conversion.expander, escape="\\", quotes=False)
    for document in instruction.documents:
        data = document.chomped
        text = raw.word(data, env) if document.expand else data
        inline = Scratch().file(mkfile(document.name, text), name=_INLINE, locations=())
        actions.append(
            copy_action(
                inline,
                target,
                path=document.name,
                contents_only=False,
                wildcard=False,
                owner=owner,
                mode=mode,
                exclude=instruction.exclude,
            )
        )
    code = expanded_code(instruction.origin.code, conversion.expander, env)
    result.state = result.state.file(
        *actions,
        name=result.numbering.next(code),
        ignore_cache=result.no_cache,
        locations=conversion.locations(instruction.origin),
    )
    result.commit(_history(instruction, sources, dest, chown, chmod), layer=True)


def _history(instruction: Copy, sources: tuple[str, ...], dest: str, chown: str, chmod: str) -> str:
    words = ["ADD" if instruction.is_add else "COPY"]
    words += [f"--chown={chown}"] if chown else []
    words += [f"--chmod={chmod}"] if chmod else []
    words += [*sources, *(f"<<{document.name}" for document in instruction.documents), dest]
    return f"{' '.join(words)} # buildkit"


def _mode(chmod: str, instruction: Copy) -> int | str | None:
    if not chmod:
        return None
    if _OCTAL.match(chmod):
        if int(chmod, 8) > 0o7777:
            raise errors.bad_chmod(instruction.origin.span, chmod)
        return int(chmod, 8)
    if not is_symbolic_mode(chmod):
        raise errors.bad_chmod(instruction.origin.span, chmod)
    return chmod
