"""FileOp: actions on a tree, each upon the result of the one before it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, assert_never

from llb.definition.protobuf import message, number, number_tag, tag, text, texts, varint
from llb.ops.nodes import CopyAction, MkdirAction, MkfileAction, RmAction, SymlinkAction
from llb.wire.inputs import NONE, Inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.ops.nodes import FileAction, FileOp, Owner, User

_ACTIONS = tag(2)
_INPUT, _SECONDARY_INPUT, _OUTPUT = number_tag(1), number_tag(2), number_tag(3)
_COPY, _MKFILE, _MKDIR, _RM, _SYMLINK = tag(4), tag(5), tag(6), tag(7), tag(8)
_SKIP_OUTPUT = -1
_NO_TIMESTAMP = -1
_KEEP_MODE = -1

_FIRST, _SECOND, _THIRD, _FOURTH = tag(1), tag(2), tag(3), tag(4)
_INCLUDE, _EXCLUDE, _MODE_TEXT, _REQUIRED = tag(12), tag(13), tag(15), tag(16)
_NUMBERS = tuple(number_tag(place) for place in range(16))


def encode_file(op: FileOp, references: Mapping[int, bytes]) -> tuple[bytes, bytes]:
    """Return the field of inputs and the content of pb.FileOp."""
    inputs = Inputs(references)
    base = inputs.add(op.base)
    sources = [
        inputs.add(action.source) if isinstance(action, CopyAction) else NONE
        for action in op.actions
    ]
    out: list[bytes] = []
    last = len(op.actions) - 1
    for place, (action, source) in enumerate(zip(op.actions, sources, strict=True)):
        # An action after the first works on the result of the one before it,
        # which is numbered after the inputs.
        on = base if place == 0 else len(inputs) + place - 1
        numbers = (
            number(_INPUT, on)
            + number(_SECONDARY_INPUT, source)
            + number(_OUTPUT, 0 if place == last else _SKIP_OUTPUT)
        )
        out.append(message(_ACTIONS, numbers + _action(action, base)))
    return inputs.to_bytes(), b"".join(out)


def _action(action: FileAction, base: int) -> bytes:
    match action:
        case CopyAction():
            return message(_COPY, _copy(action, base))
        case MkdirAction():
            return message(
                _MKDIR,
                text(_FIRST, action.path)
                + number(_NUMBERS[2], action.mode)
                + number(_NUMBERS[3], action.make_parents)
                + _owner(_FOURTH, action.owner, base)
                + _timestamp(5, action.timestamp),
            )
        case MkfileAction():
            return message(
                _MKFILE,
                text(_FIRST, action.path)
                + number(_NUMBERS[2], action.mode)
                + (message(_THIRD, action.data) if action.data else b"")
                + _owner(_FOURTH, action.owner, base)
                + _timestamp(5, action.timestamp),
            )
        case RmAction():
            return message(
                _RM,
                text(_FIRST, action.path)
                + number(_NUMBERS[2], action.allow_not_found)
                + number(_NUMBERS[3], action.allow_wildcard),
            )
        case SymlinkAction():
            return message(
                _SYMLINK,
                text(_FIRST, action.oldpath)
                + text(_SECOND, action.newpath)
                + _owner(_THIRD, action.owner, base)
                + _timestamp(4, action.timestamp),
            )
        case _:
            assert_never(action)


def _copy(action: CopyAction, base: int) -> bytes:
    mode = action.mode
    if mode is None:
        mode = _KEEP_MODE
    flags = _flags(
        action.follow_symlinks,
        action.copy_dir_contents_only,
        action.attempt_unpack,
        action.create_dest_path,
        action.allow_wildcard,
        action.allow_empty_wildcard,
    )
    return b"".join(
        [
            text(_FIRST, action.src),
            text(_SECOND, action.dest),
            _owner(_THIRD, action.owner, base),
            b"" if isinstance(mode, str) else number(_NUMBERS[4], mode),
            flags,
            _timestamp(11, action.timestamp),
            texts(_INCLUDE, action.include_patterns),
            texts(_EXCLUDE, action.exclude_patterns),
            number(_NUMBERS[14], action.always_replace_existing_dest_paths),
            text(_MODE_TEXT, mode) if isinstance(mode, str) else b"",
            texts(_REQUIRED, action.required_paths),
        ]
    )


@cache
def _flags(*flags: bool) -> bytes:
    return b"".join([number(_NUMBERS[place], flag) for place, flag in enumerate(flags, 5)])


def _timestamp(place: int, value: int | None) -> bytes:
    return number(_NUMBERS[place], _NO_TIMESTAMP if value is None else value)


def _owner(field_tag: bytes, owner: Owner | None, base: int) -> bytes:
    if owner is None:
        return b""
    user, group = _user(_FIRST, owner.user, base), _user(_SECOND, owner.group, base)
    return message(field_tag, user + group)


def _user(field_tag: bytes, user: User | None, base: int) -> bytes:
    if user is None:
        return b""
    if user.name is not None:
        named = text(_FIRST, user.name) + number(_NUMBERS[2], base)
        return message(field_tag, message(_FIRST, named))
    # A member of a oneof is written even where it is 0.
    return message(field_tag, _NUMBERS[2] + varint(user.id or 0))
