"""COPY and ADD: one step that copies all sources, or with ``--link`` two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb import Scratch, merge
from llb.definition.protobuf import sha256_of
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.shell.expand import DOCUMENT
from llb.dockerfile.to_llb.copy_actions import Copied, copy_actions
from llb.dockerfile.to_llb.step_names import expanded_code
from llb.dockerfile_rules.copy import Destination, destination_path, is_remote
from llb.dockerfile_rules.permissions import parse_chmod, parse_chown
from llb.errors import InvalidValueError
from llb.ops.nodes import ProgressGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.instructions.nodes import Copy
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.ops.nodes import CopyAction
    from llb.state.step_options import StepOptions

_ID_LENGTH = 25


def copy(conversion: Conversion, result: StageResult, instruction: Copy) -> None:
    """Copy what the instruction names."""
    copied = _copied(conversion, result, instruction)
    is_context = instruction.stage is None
    source = conversion.context if is_context else conversion.source_of(result, instruction)
    actions = tuple(copy_actions(copied, source.state))
    step = conversion.step(instruction.origin, copied.name, ignore_cache=result.no_cache)
    if copied.destination.has_own_layer:
        _link(result, copied, actions, step)
    else:
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
    sources = tuple([word(source, env) for source in instruction.sources])
    dest = word(instruction.dest, env)
    code = expanded_code(instruction.origin.code, conversion.expander, env)
    return Copied(
        instruction=instruction,
        sources=sources,
        documents=_documents(instruction, env),
        destination=Destination(
            destination_path(result.state.cwd, result.path(dest)),
            owner=parse_chown(chown),
            mode=_mode(chmod, instruction),
            exclude=instruction.exclude,
            link=instruction.link,
        ),
        is_windows=result.is_windows,
        checksum=checksum,
        code=code,
        name=result.numbering.next(code, env),
        history=_history(instruction, sources, dest, chown, chmod),
    )


def _link(
    result: StageResult, copied: Copied, actions: tuple[CopyAction, ...], step: StepOptions
) -> None:
    """Copy into an empty tree, and merge that with the tree of the stage."""
    group = ProgressGroup(_group_id(copied.name, step), copied.name)
    copy_step: StepOptions = {**step, "progress_group": evolve(group, weak=True)}
    merge_step: StepOptions = {
        **step,
        "name": result.numbering.again(f"LINK {copied.code}", result.env),
        "progress_group": group,
    }
    layer = Scratch().file(*actions, **copy_step)
    result.state = result.state.with_output(merge([result.state, layer], **merge_step))


def _group_id(name: str, step: StepOptions) -> str:
    """Return what tells a group of steps from others of the build.

    In Go it is random; a name and a place do as well, and give the same bytes every time.
    """
    places = [each.ranges for each in step["locations"]]
    return sha256_of(f"{name}\0{places}".encode())[:_ID_LENGTH]


def _documents(instruction: Copy, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Pair names of heredocs with their contents, in which variables are replaced unless quoted."""
    if not instruction.documents:
        return ()
    return tuple(
        (heredoc.name, DOCUMENT.word(heredoc.chomped, env) if heredoc.expand else heredoc.chomped)
        for heredoc in instruction.documents
    )


def _history(instruction: Copy, sources: tuple[str, ...], dest: str, chown: str, chmod: str) -> str:
    words = ["ADD" if instruction.is_add else "COPY"]
    words += ["--parents"] if instruction.parents else []
    words += [f"--chown={chown}"] if chown else []
    words += [f"--chmod={chmod}"] if chmod else []
    words += [*sources, *(f"<<{each.name}" for each in instruction.documents), dest]
    return f"{' '.join(words)} # buildkit"


def _mode(chmod: str, instruction: Copy) -> int | str | None:
    try:
        return parse_chmod(chmod)
    except InvalidValueError as error:
        raise errors.bad_chmod(instruction.origin.span, chmod) from error
