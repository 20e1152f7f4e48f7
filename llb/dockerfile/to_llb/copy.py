"""Convert COPY and ADD: one step that copies all sources, or two with ``--link``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb import Scratch, merge
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.shell.expand import DOCUMENT
from llb.dockerfile.to_llb.copy_actions import ExpandedCopy, copy_actions
from llb.dockerfile.to_llb.step_names import expand_code
from llb.dockerfile_rules.copy import Destination, destination_path, is_remote
from llb.dockerfile_rules.permissions import has_names, parse_chmod, parse_chown
from llb.errors import InvalidValueError
from llb.ops.nodes import ProgressGroup
from llb.protobuf import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.instructions.nodes import Copy
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.ops.nodes import CopyAction, Owner
    from llb.state.step_options import StepOptions

_ID_LENGTH = 25


def copy(conversion: Conversion, result: StageResult, instruction: Copy) -> None:
    """Copy the sources of the instruction into the stage."""
    expanded = _expand_copy(conversion, result, instruction)
    is_context = instruction.stage is None
    source = conversion.context if is_context else conversion.source_of(result, instruction)
    actions = tuple(copy_actions(expanded, source.state))
    step = conversion.step(instruction.origin, expanded.name, ignore_cache=result.no_cache)
    if expanded.destination.has_own_layer:
        _link(result, expanded, actions, step)
    else:
        result.state = result.state.file(*actions, **step)
    for path in expanded.sources:
        if not (instruction.is_add and is_remote(path)):
            source.use(path)
    result.commit(expanded.history, layer=True)


def _expand_copy(conversion: Conversion, result: StageResult, instruction: Copy) -> ExpandedCopy:
    """Expand the variables of an instruction."""
    env = result.env
    word = conversion.expander.word
    chown, chmod = word(instruction.chown, env), word(instruction.chmod, env)
    checksum = word(instruction.checksum, env)
    sources = tuple([word(source, env) for source in instruction.sources])
    dest = word(instruction.dest, env)
    code = expand_code(instruction.origin.code, conversion.expander, env)
    return ExpandedCopy(
        instruction=instruction,
        sources=sources,
        documents=_expand_heredocs(instruction, env),
        destination=Destination(
            destination_path(result.state.cwd, result.path(dest)),
            owner=_parse_owner(chown, instruction),
            mode=_parse_mode(chmod, instruction),
            exclude=instruction.exclude,
            link=instruction.link,
        ),
        is_windows=result.is_windows,
        checksum=checksum,
        git_advice=conversion.options.git_advice,
        code=code,
        name=result.numbering.next(code, env),
        history=_history_entry(instruction, sources, dest, chown, chmod),
    )


def _link(
    result: StageResult, expanded: ExpandedCopy, actions: tuple[CopyAction, ...], step: StepOptions
) -> None:
    """Copy into an empty tree, and merge it with the tree of the stage."""
    group = ProgressGroup(_group_id(expanded.name, step), expanded.name)
    copy_step: StepOptions = {**step, "progress_group": evolve(group, weak=True)}
    merge_step: StepOptions = {
        **step,
        "name": result.numbering.again(f"LINK {expanded.code}", result.env),
        "progress_group": group,
    }
    layer = Scratch().file(*actions, **copy_step)
    result.state = result.state.with_output(merge([result.state, layer], **merge_step))


def _group_id(name: str, step: StepOptions) -> str:
    """Derive the id of a progress group from the name and the lines of its step.

    In Go the id is random; this one is unique too, and the same in every conversion.
    """
    ranges = [location.ranges for location in step["locations"]]
    return sha256_of(f"{name}\0{ranges}".encode())[:_ID_LENGTH]


def _expand_heredocs(instruction: Copy, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Pair names of heredocs with their contents, in which variables are replaced unless quoted."""
    if not instruction.documents:
        return ()
    return tuple(
        (heredoc.name, DOCUMENT.word(heredoc.chomped, env) if heredoc.expand else heredoc.chomped)
        for heredoc in instruction.documents
    )


def _history_entry(
    instruction: Copy, sources: tuple[str, ...], dest: str, chown: str, chmod: str
) -> str:
    words = ["ADD" if instruction.is_add else "COPY"]
    words += ["--parents"] if instruction.parents else []
    words += [f"--chown={chown}"] if chown else []
    words += [f"--chmod={chmod}"] if chmod else []
    words += [*sources, *(f"<<{heredoc.name}" for heredoc in instruction.documents), dest]
    return f"{' '.join(words)} # buildkit"


def _parse_owner(chown: str, instruction: Copy) -> Owner | None:
    owner = parse_chown(chown)
    if instruction.link and has_names(owner):
        raise errors.owner_names_in_link(instruction.origin.span, chown)
    return owner


def _parse_mode(chmod: str, instruction: Copy) -> int | str | None:
    try:
        return parse_chmod(chmod)
    except InvalidValueError as error:
        raise errors.bad_chmod(instruction.origin.span, chmod) from error
