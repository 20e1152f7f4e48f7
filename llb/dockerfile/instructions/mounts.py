"""Parse ``RUN --mount``.

The grammar is that of the Dockerfile reference ("RUN --mount"): the fields of one line of CSV.
They are read in order, so ``type`` comes before fields that only one type allows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from attrs import define, frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile_rules.run import file_name
from llb.gocompat.csv import split_csv
from llb.gocompat.strconv import parse_switch
from llb.ops.nodes import CacheSharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.errors import Span

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARINGS = tuple(sharing.name.lower() for sharing in CacheSharing)
_KEYS = {
    "type": "type",
    "from": "from",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "readonly": "readonly",
    "ro": "readonly",
    "readwrite": "readwrite",
    "rw": "readwrite",
    "required": "required",
    "size": "size",
    "id": "id",
    "sharing": "sharing",
    "mode": "mode",
    "uid": "uid",
    "gid": "gid",
    "env": "env",
}
_SWITCHES = ("readonly", "readwrite", "required")
_SIZE = re.compile(
    r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?) ?(?:([kmgtp])(?:i?b)?|b)?\Z",
    re.ASCII | re.IGNORECASE,
)
_MAX_SIZE = 2**63 - 1
_NUMBERS = {8: re.compile(r"0*([0-7]{1,11})\Z"), 10: re.compile(r"0*([0-9]{1,10})\Z")}
_POWERS = "kmgtp"


@frozen
class MountFlag:
    """One ``--mount`` before expansion: its fields, and the stage or image that ``from`` names."""

    fields: tuple[str, ...]
    stage: str | None
    span: Span


@define
class Mount:
    """A mount of a RUN, as the flag specifies it; None is the default of the mount type."""

    kind: str = "bind"
    source: str = ""
    target: str = ""
    id: str = ""
    sharing: str = ""
    size: int = 0
    required: bool = False
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    access: str | None = None

    WRITABLE: ClassVar = ("cache", "tmpfs")

    @property
    def readonly(self) -> bool:
        """Whether the mount is read-only; by default, caches and tmpfs are writable."""
        if self.access is None:
            return self.kind not in self.WRITABLE
        return self.access == "readonly"

    @property
    def has_owner(self) -> bool:
        """Whether the owner or the mode is set."""
        return (self.uid, self.gid, self.mode) != (None, None, None)

    @property
    def secret_id(self) -> str:
        """The id that a secret is requested by."""
        return self.source or self.id or file_name(self.target)


def parse_flag(flag: str, span: Span) -> MountFlag:
    """Split a ``--mount`` into its fields. Raises DockerfileError."""
    stage = None
    try:
        fields = split_csv(flag)
    except ValueError as error:
        hint = None if flag else "for example type=cache,target=/root/.cache"
        reason = f"failed to parse csv mounts: {error}"
        raise errors.bad_mount(span, reason, hint=hint) from error
    for field in fields:
        key, equals, value = field.partition("=")
        if key.lower() == "from" and equals:
            if "$" in value[:-1]:
                raise errors.bad_mount(
                    span,
                    "'from' doesn't support variable expansion, define alias stage instead",
                    hint="use the variable in FROM … AS NAME, and from=NAME here",
                )
            stage = value or None
    return MountFlag(fields, stage, span)


def parse_mount(
    flag: MountFlag, expand: Callable[[str], str], *, is_windows: bool = False
) -> Mount:
    """Parse a flag and expand its values, and write the target of a Windows secret with slashes.

    Raises DockerfileError and ExpansionError.
    """
    mount = Mount()
    for field in flag.fields:
        written, equals, value = field.partition("=")
        key = _KEYS.get(written.lower())
        if not equals and key not in _SWITCHES:
            reason = f"invalid field '{field}' must be a key=value pair"
            hint = None if key is None else f"write {written}=VALUE"
            raise errors.bad_mount(flag.span, reason, hint=hint)
        if key is None:
            reason = f"unexpected key '{written.lower()}' in '{field}'"
            raise errors.bad_mount(flag.span, reason, near=(written.lower(), _KEYS))
        _set(mount, key, written.lower(), expand(value) if equals else "true", flag.span)
    _check(mount, flag)
    if is_windows and mount.kind == "secret":
        mount.target = mount.target.replace("\\", "/")
    return mount


def _set(mount: Mount, key: str, written: str, value: str, span: Span) -> None:
    match key:
        case "from":
            pass
        case "type":
            mount.kind = _parse_choice(value, TYPES, f'unsupported mount type "{value}"', span)
        case "sharing":
            mount.sharing = _parse_choice(
                value, SHARINGS, f'unsupported sharing value "{value}"', span
            )
        case "readonly" | "readwrite":
            mount.access = _access(key, is_on=_parse_bool(written, value, span))
        case "required":
            _only_for(mount, key, ("secret", "ssh"), span)
            mount.required = _parse_bool(key, value, span)
        case "size":
            _only_for(mount, key, ("tmpfs",), span)
            mount.size = _parse_size(value, span)
        case "mode" | "uid" | "gid":
            setattr(mount, key, _parse_number(key, value, span))
        case _:
            setattr(mount, key, value)


def _check(mount: Mount, flag: MountFlag) -> None:
    """Refuse fields that the mount type does not allow."""
    kind, span = mount.kind, flag.span
    if kind in ("bind", "tmpfs"):
        for key in ("mode", "uid", "gid"):
            if getattr(mount, key) is not None:
                raise errors.bad_mount(span, f'{key} not allowed for "{kind}" type mounts')
    if kind == "secret":
        _check_secret(mount, flag)
    if mount.sharing and kind != "cache":
        raise errors.bad_mount(span, f"invalid cache sharing set for {kind} mount")


def _check_secret(mount: Mount, flag: MountFlag) -> None:
    if flag.stage is not None:
        raise errors.bad_mount(flag.span, "secret mount should not have a from")
    if mount.sharing:
        raise errors.bad_mount(flag.span, "secret mount should not define sharing")
    if not (mount.source or mount.id or mount.target):
        raise errors.bad_mount(flag.span, "invalid secret mount. one of source, target required")
    if mount.source and mount.id:
        raise errors.bad_mount(flag.span, "both source and id can't be set")


def _only_for(mount: Mount, key: str, kinds: tuple[str, ...], span: Span) -> None:
    if mount.kind not in kinds:
        raise errors.bad_mount(
            span,
            f"unexpected key '{key}' for mount type '{mount.kind}'",
            hint=f"put it after type={' or type='.join(kinds)}",
        )


def _parse_choice(value: str, allowed: tuple[str, ...], reason: str, span: Span) -> str:
    if value.lower() not in allowed:
        raise errors.bad_mount(span, reason, near=(value.lower(), allowed))
    return value.lower()


def _access(key: str, *, is_on: bool) -> str:
    return "readonly" if (key == "readonly") == is_on else "readwrite"


def _parse_bool(key: str, value: str, span: Span) -> bool:
    try:
        return parse_switch(value)
    except ValueError as error:
        reason = f"invalid value for {key}: {value}"
        raise errors.bad_mount(span, reason, hint="expected true or false") from error


def _parse_number(key: str, value: str, span: Span) -> int:
    base = 8 if key == "mode" else 10
    match = _NUMBERS[base].match(value)
    if match is None or int(match[1], base) >= 2**32:
        hint = (
            "expected an octal number, for example 0755" if key == "mode" else "expected an integer"
        )
        raise errors.bad_mount(span, f"invalid value {value} for {key}", hint=hint)
    return int(match[1], base)


def _parse_size(value: str, span: Span) -> int:
    """Parse a size in bytes, with units that are powers of 1024 (docker/go-units)."""
    match = _SIZE.match(value)
    size = -1.0
    if match is not None:
        unit = (match[2] or "").lower()
        size = float(match[1]) * (1024 ** (_POWERS.index(unit) + 1) if unit else 1)
    if not 0 <= size <= _MAX_SIZE:
        raise errors.bad_mount(span, f"invalid value for size: {value}", hint="for example 64m")
    return int(size)
