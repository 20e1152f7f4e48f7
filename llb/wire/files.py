"""Encode FileOp: file actions on a tree, each on the result of the one before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, assert_never

from llb import ops_proto as pb
from llb.ops.nodes import CopyAction, MkdirAction, MkfileAction, RmAction, SymlinkAction
from llb.wire.inputs import NONE, SKIP_OUTPUT, add_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.ops.nodes import FileAction, FileOp, Owner, User

_NO_TIMESTAMP = -1
_KEEP_MODE = -1


def encode_file(op: FileOp, references: Mapping[int, bytes]) -> tuple[bytes, bytes]:
    """Encode the inputs, as a field of ``pb.Op``, and the content of ``pb.FileOp``."""
    inputs: dict[bytes, int] = {}
    base = add_input(inputs, references, op.base)
    sources = [
        add_input(inputs, references, action.source) if isinstance(action, CopyAction) else NONE
        for action in op.actions
    ]
    out: list[bytes] = []
    last = len(op.actions) - 1
    for index, (action, source) in enumerate(zip(op.actions, sources, strict=True)):
        # An action after the first works on the result of the one before it,
        # which is numbered after the inputs.
        tree = base if index == 0 else len(inputs) + index - 1
        numbers = (
            pb.FileAction.input(tree)
            + pb.FileAction.secondaryInput(source)
            + pb.FileAction.output(0 if index == last else SKIP_OUTPUT)
        )
        out.append(pb.FileOp.actions(numbers + _action(action, base)))
    return b"".join(inputs), b"".join(out)


def _action(action: FileAction, base: int) -> bytes:
    match action:
        case CopyAction():
            return pb.FileAction.copy(_copy(action, base))
        case MkdirAction():
            return pb.FileAction.mkdir(_mkdir(action, base))
        case MkfileAction():
            return pb.FileAction.mkfile(_mkfile(action, base))
        case RmAction():
            return pb.FileAction.rm(_rm(action))
        case SymlinkAction():
            return pb.FileAction.symlink(_symlink(action, base))
        case _:
            assert_never(action)


def _copy(action: CopyAction, base: int) -> bytes:
    fields = pb.FileActionCopy
    mode = _KEEP_MODE if action.mode is None else action.mode
    return b"".join(
        [
            fields.src(action.src),
            fields.dest(action.dest),
            _owner(fields.owner, action.owner, base),
            b"" if isinstance(mode, str) else fields.mode(mode),
            _copy_flags(
                action.follow_symlinks,
                action.copy_dir_contents_only,
                action.attempt_unpack,
                action.create_dest_path,
                action.allow_wildcard,
                action.allow_empty_wildcard,
            ),
            fields.timestamp(_nanoseconds(action.timestamp)),
            fields.include_patterns(action.include_patterns),
            fields.exclude_patterns(action.exclude_patterns),
            fields.alwaysReplaceExistingDestPaths(action.always_replace_existing_dest_paths),
            fields.modeStr(mode) if isinstance(mode, str) else b"",
            fields.required_paths(action.required_paths),
        ]
    )


@cache
def _copy_flags(*flags: bool) -> bytes:
    fields = pb.FileActionCopy
    encoders = (
        fields.followSymlink,
        fields.dirCopyContents,
        fields.attemptUnpackDockerCompatibility,
        fields.createDestPath,
        fields.allowWildcard,
        fields.allowEmptyWildcard,
    )
    return b"".join([encode(flag) for encode, flag in zip(encoders, flags, strict=True)])


def _mkdir(action: MkdirAction, base: int) -> bytes:
    fields = pb.FileActionMkDir
    return (
        fields.path(action.path)
        + fields.mode(action.mode)
        + fields.makeParents(action.make_parents)
        + _owner(fields.owner, action.owner, base)
        + fields.timestamp(_nanoseconds(action.timestamp))
    )


def _mkfile(action: MkfileAction, base: int) -> bytes:
    fields = pb.FileActionMkFile
    return (
        fields.path(action.path)
        + fields.mode(action.mode)
        + fields.data(action.data)
        + _owner(fields.owner, action.owner, base)
        + fields.timestamp(_nanoseconds(action.timestamp))
    )


def _rm(action: RmAction) -> bytes:
    fields = pb.FileActionRm
    return (
        fields.path(action.path)
        + fields.allowNotFound(action.allow_not_found)
        + fields.allowWildcard(action.allow_wildcard)
    )


def _symlink(action: SymlinkAction, base: int) -> bytes:
    fields = pb.FileActionSymlink
    return (
        fields.oldpath(action.oldpath)
        + fields.newpath(action.newpath)
        + _owner(fields.owner, action.owner, base)
        + fields.timestamp(_nanoseconds(action.timestamp))
    )


def _nanoseconds(timestamp: int | None) -> int:
    return _NO_TIMESTAMP if timestamp is None else timestamp


def _owner(encode: Callable[[bytes], bytes], owner: Owner | None, base: int) -> bytes:
    if owner is None:
        return b""
    user = b"" if owner.user is None else pb.ChownOpt.user(_user(owner.user, base))
    group = b"" if owner.group is None else pb.ChownOpt.group(_user(owner.group, base))
    return encode(user + group)


def _user(user: User, base: int) -> bytes:
    if user.name is None:
        return pb.UserOpt.byID(user.id or 0)
    return pb.UserOpt.byName(pb.NamedUserOpt.name(user.name) + pb.NamedUserOpt.input(base))
