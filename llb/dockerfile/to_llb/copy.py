"""COPY and ADD: one step that copies all sources, or with ``--link`` two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve

from llb import Scratch, merge
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.shell.expand import DOCUMENT
from llb.dockerfile.sources.remote import is_remote
from llb.dockerfile.to_llb.chown import to_owner
from llb.dockerfile.to_llb.copy_actions import Copied, copy_actions
from llb.dockerfile.to_llb.step_names import expanded_code
from llb.gocompat.path import absolute, is_symbolic_mode
from llb.ops.nodes import ProgressGroup
from llb.protobuf import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.instructions.nodes import Copy
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.ops.nodes import CopyAction
    from llb.state.step_options import StepOptions

_OCTAL = re.compile(r"[0-7]+\Z")
_ID_LENGTH = 25


def copy(conversion: Conversion, result: StageResult, instruction: Copy) -> None:
    """Copy what the instruction names."""
    copied = _copied(conversion, result, instruction)
    is_context = instruction.stage is None
    source = conversion.context if is_context else conversion.source_of(result, instruction)
    actions = tuple(copy_actions(copied, source.state))
    options: StepOptions = {
        "ignore_cache": result.no_cache,
        "locations": conversion.locations(instruction.origin),
    }
    # Docker makes no layer of its own of what is given a mode.
    if instruction.link and copied.mode is None:
        _link(result, copied, actions, options)
    else:
        step: StepOptions = {**options, "name": copied.name}
        result.state = result.state.file(*actions, **step)
    for path in copied.sources:
        if not (instruction.is_add and is_remote(path)):
            source.use(path)
    result.commit(copied.history, layer=True)


def _copied(conversion: Conversion, result: StageResult, instruction: Copy) -> Copied:
    """Return what an instruction says, in the environment at its place."""
    env = result.env
    word = conversion.expander.word
    chown, chmod = word(instruction.chown, env), word(instruction.chmod, env)
    checksum = word(instruction.checksum, env)
    sources = tuple(word(each, env) for each in instruction.sources)
    dest = word(instruction.dest, env)
    code = expanded_code(instruction.origin.code, conversion.expander, env)
    return Copied(
        instruction=instruction,
        sources=sources,
        documents=_documents(instruction, env),
        dest=_dest(result, dest),
        is_windows=result.is_windows,
        owner=to_owner(chown),
        mode=_mode(chmod, instruction),
        checksum=checksum,
        code=code,
        name=result.numbering.next(code, env),
        history=_history(instruction, sources, dest, chown, chmod),
    )


def _dest(result: StageResult, dest: str) -> str:
    path = result.path(dest)
    return absolute(result.state.cwd, path if path not in ("", ".") else "./", keep_slash=True)


def _link(
    result: StageResult, copied: Copied, actions: tuple[CopyAction, ...], options: StepOptions
) -> None:
    """Copy into an empty tree, and lay that over the present one."""
    group = ProgressGroup(_group_id(copied.name, options), copied.name)
    copying: StepOptions = {
        **options,
        "name": copied.name,
        "progress_group": evolve(group, weak=True),
    }
    linking: StepOptions = {
        **options,
        "name": result.numbering.again(f"LINK {copied.code}", result.env),
        "progress_group": group,
    }
    alone = Scratch().file(*actions, **copying)
    result.state = result.state.with_output(merge([result.state, alone], **linking))


def _group_id(name: str, options: StepOptions) -> str:
    """Return what tells a group of steps from others of the build.

    In Go it is random; a name and a place do as well, and give the same bytes every time.
    """
    places = [each.ranges for each in options["locations"]]
    return sha256_of(f"{name}\0{places}".encode())[:_ID_LENGTH]


def _documents(instruction: Copy, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the here-documents by name, with their variables replaced unless they are quoted."""
    return tuple(
        (each.name, DOCUMENT.word(each.chomped, env) if each.expand else each.chomped)
        for each in instruction.documents
    )


def _history(instruction: Copy, sources: tuple[str, ...], dest: str, chown: str, chmod: str) -> str:
    words = ["ADD" if instruction.is_add else "COPY"]
    words += ["--parents"] if instruction.parents else []
    words += [f"--chown={chown}"] if chown else []
    words += [f"--chmod={chmod}"] if chmod else []
    words += [*sources, *(f"<<{each.name}" for each in instruction.documents), dest]
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
