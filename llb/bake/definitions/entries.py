"""Entries of a target that are objects or lines of CSV: outputs, caches, secrets and others.

Each kind is parsed from a line (``parse_x``) or from a value of a bake file (``x_from_value``), is
printed as JSON, and is a value that other targets may use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from llb.arguments.checked import checked_raw_init
from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    is_mapping,
)
from llb.bake.values.value import (
    Value,
    integer,
    list_of,
    map_of,
    null,
    object_of,
    string,
)
from llb.gocompat.csv import split_csv
from llb.gocompat.fmt import quote
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Mapping

Attributes: TypeAlias = "Mapping[str, str]"
STRINGS = MapType(STRING)
_SECRET_TYPE = ObjectType.of(
    dict.fromkeys(("id", "src", "env"), STRING), frozenset({"id", "src", "env"})
)
_SSH_TYPE = ObjectType.of({"id": STRING, "paths": ListType(STRING)}, frozenset({"id", "paths"}))
_TEXTS = ("memory", "memory-swap", "cpuset-cpus", "cpuset-mems")
_COUNTS = ("cpu-shares", "cpu-period", "cpu-quota")
RESOURCE_NAMES = ("memory", "memory-swap", *_COUNTS, "cpuset-cpus", "cpuset-mems")
_RESOURCES_TYPE = ObjectType.of(
    {**dict.fromkeys(_TEXTS, STRING), **dict.fromkeys(_COUNTS, NUMBER)},
    frozenset((*_TEXTS, *_COUNTS)),
)


@checked_raw_init
@frozen
class Attestation:
    """An attestation that is added to the result, or ``disabled``."""

    type: str
    disabled: bool = False
    attributes: Attributes = field(factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        disabled = {"disabled": True} if self.disabled else {}
        return _sorted({**self.attributes, "type": self.type, **disabled})

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        disabled = {"disabled": "true"} if self.disabled else {}
        return _strings({**self.attributes, "type": self.type, **disabled})

    def __str__(self) -> str:
        """Format as a line of CSV."""
        disabled = {"disabled": "true"} if self.disabled else {}
        return _line({"type": self.type, **disabled}, self.attributes)


@checked_raw_init
@frozen
class CacheEntry:
    """A cache to import or export."""

    type: str
    attributes: Attributes = field(factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        return _sorted({**self.attributes, "type": self.type})

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        return _strings({**self.attributes, "type": self.type})

    def __str__(self) -> str:
        """Format as a line of CSV; a reference alone is an image in a registry."""
        if self.type == "registry" and list(self.attributes) == ["ref"]:
            return self.attributes["ref"]
        return _line({"type": self.type}, self.attributes)


@checked_raw_init
@frozen
class OutputEntry:
    """An exporter of the result."""

    type: str
    destination: str = ""
    attributes: Attributes = field(factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        destination = {"dest": self.destination} if self.destination else {}
        return _sorted({**self.attributes, "type": self.type, **destination})

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        return _strings({**self.attributes, "type": self.type, "dest": self.destination})

    def __str__(self) -> str:
        """Format as a line of CSV."""
        destination = {"dest": self.destination} if self.destination else {}
        return _line({"type": self.type, **destination}, self.attributes)


@checked_raw_init
@frozen
class SecretEntry:
    """A secret from a file or a variable of the environment."""

    id: str = ""
    source: str = ""
    env: str = ""

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        return _filled({"id": self.id, "src": self.source, "env": self.env})

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        members = {"id": self.id, "src": self.source, "env": self.env}
        return object_of({name: string(text) for name, text in members.items()})

    def __str__(self) -> str:
        """Format as a line of CSV."""
        return _line(_filled({"id": self.id, "src": self.source, "env": self.env}), {})


@checked_raw_init
@frozen
class SSHEntry:
    """An SSH agent, or keys, that steps may use."""

    id: str = ""
    paths: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        return _filled({"id": self.id, "paths": list(self.paths)})

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        paths = list_of(map(string, self.paths), STRING)
        return object_of({"id": string(self.id), "paths": paths})

    def __str__(self) -> str:
        """Format as ``id=path,path``."""
        return f"{self.id}={','.join(self.paths)}" if self.paths else self.id


@checked_raw_init
@frozen
class PolicyEntry:
    """A policy for the sources of the build."""

    files: tuple[str, ...] = ()
    reset: bool = False
    disabled: bool = False
    strict: bool | None = None
    log_level: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        return {
            "Files": [{"Filename": name, "Data": None} for name in self.files] or None,
            "Reset": self.reset,
            "Disabled": self.disabled,
            "Strict": self.strict,
            "LogLevel": self.log_level,
        }

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        return _strings(self._fields())

    def __str__(self) -> str:
        """Format as a line of CSV."""
        fields = self._fields()
        fields.pop("filename", None)
        files = (_quoted(f"filename={name}") for name in self.files)
        return ",".join((*files, *filter(None, (_line({}, fields),))))

    def _fields(self) -> dict[str, str]:
        flags: dict[str, bool | None] = {
            "reset": self.reset or None,
            "disabled": self.disabled or None,
            "strict": self.strict,
        }
        fields = {name: str(flag).lower() for name, flag in flags.items() if flag is not None}
        if self.files:
            fields["filename"] = self.files[0]
        if self.log_level is not None:
            fields["log-level"] = self.log_level
        return fields


@checked_raw_init
@frozen
class Resources:
    """Limits of the cgroups of steps, by the names of the flag ``--resource``."""

    limits: Mapping[str, str | int] = field(factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Convert to what ``--print`` shows."""
        return {name: self.limits[name] for name in RESOURCE_NAMES if name in self.limits}

    def to_value(self) -> Value:
        """Convert to a value of a bake file."""
        members = {}
        for name in RESOURCE_NAMES:
            limit = self.limits.get(name)
            kind = NUMBER if name in _COUNTS else STRING
            match limit:
                case None:
                    members[name] = null(kind)
                case int():
                    members[name] = integer(limit)
                case str():
                    members[name] = string(limit)
        return object_of(members)


def with_limit(resources: Resources, name: str, text: str) -> Resources:
    """Set one limit from text. Raises Unsuitable."""
    if name not in RESOURCE_NAMES:
        raise Unsuitable(f"unknown resources key {name}")
    limit: str | int = text
    if name in _COUNTS:
        try:
            limit = int(text)
        except ValueError:
            raise Unsuitable(f"invalid value {text} for int64 key resources.{name}") from None
    return Resources({**resources.limits, name: limit})


def parse_attestation(text: str) -> Attestation:
    """Parse a line such as ``type=provenance,mode=max``. Raises Unsuitable."""
    fields = _fields(text, lower_keys=False)
    known = {key.strip().lower(): value for key, value in fields.items()}
    attributes = {
        key: value
        for key, value in fields.items()
        if key.strip().lower() not in {"type", "disabled"}
    }
    if not known.get("type"):
        raise Unsuitable("attestation type not specified")
    return Attestation(known["type"], _switch(known.get("disabled", "false")), attributes)


def parse_caches(text: str) -> list[CacheEntry]:
    """Parse a line: one cache, or references of images. Raises Unsuitable."""
    if "=" not in text:
        return [CacheEntry("registry", {"ref": ref}) for ref in _split(text)]
    fields = _fields(text)
    kind = fields.pop("type", "")
    if not kind:
        raise Unsuitable(f"type required for {quote(text)}")
    return [CacheEntry(kind, fields)]


def parse_output(text: str) -> OutputEntry:
    """Parse a line such as ``type=local,dest=out``, a directory or ``-``. Raises Unsuitable."""
    parts = _split(text)
    if parts == [text] and not text.startswith("type="):
        return OutputEntry("tar" if text == "-" else "local", text)
    fields = {key.strip(): value for key, value in _fields(text).items()}
    kind, destination = fields.pop("type", ""), fields.pop("dest", "")
    if not kind:
        raise Unsuitable("type is required for output")
    return OutputEntry(kind, destination, fields)


def parse_secret(text: str) -> SecretEntry:
    """Parse a line such as ``id=token,env=TOKEN``. Raises Unsuitable."""
    identifier = source = env = kind = ""
    for key, value in _fields(text, what="must be a key=value pair").items():
        match key:
            case "type":
                if value not in {"file", "env"}:
                    raise Unsuitable(f"unsupported secret type {quote(value)}")
                kind = value
            case "id":
                identifier = value
            case "source" | "src":
                source = value
            case "env":
                env = value
            case _:
                raise Unsuitable(f"unexpected key '{key}' in '{key}={value}'")
    if kind == "env" and not env:
        return SecretEntry(identifier, "", source)
    return SecretEntry(identifier, source, env)


def parse_ssh(text: str) -> SSHEntry:
    """Parse ``default``, or ``id=path,path``."""
    identifier, equals, paths = text.partition("=")
    return SSHEntry(identifier, tuple(paths.split(",")) if equals else ())


def parse_policy(text: str) -> PolicyEntry:
    """Parse a line such as ``filename=policy.rego,strict=true``. Raises Unsuitable."""
    files: list[str] = []
    switches: dict[str, bool] = {}
    level: str | None = None
    for part in _split(text):
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        if key == "filename" and value:
            files.append(value)
        elif key in {"reset", "disabled", "strict"} and equals:
            switches[key] = _switch(value)
        elif key == "log-level" and value:
            level = _log_level(value)
        else:
            raise Unsuitable(f"invalid value {part}")
    return PolicyEntry(
        tuple(files),
        switches.get("reset", False),
        switches.get("disabled", False),
        switches.get("strict"),
        level,
    )


def _log_level(text: str) -> str:
    level = {"warn": "warning"}.get(text.lower(), text.lower())
    if level not in {"panic", "fatal", "error", "warning", "info", "debug", "trace"}:
        raise Unsuitable(f"invalid value log-level={text}")
    return level


def attestation_from_value(value: Value) -> Attestation:
    """Convert an element of ``attest``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_attestation(value.text)
    members = _members(value)
    disabled = _switch(members.pop("disabled", "false"))
    return Attestation(members.pop("type", ""), disabled, members)


def caches_from_value(value: Value) -> list[CacheEntry]:
    """Convert an element of ``cache-from`` or ``cache-to``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_caches(value.text)
    members = _members(value)
    kind = members.pop("type", "")
    if not kind:
        raise Unsuitable("a cache needs a type")
    return [CacheEntry(kind, members)]


def output_from_value(value: Value) -> OutputEntry:
    """Convert an element of ``output``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_output(value.text)
    members = _members(value)
    kind, destination = members.pop("type", ""), members.pop("dest", "")
    if not kind:
        raise Unsuitable("type is required for output")
    return OutputEntry(kind, destination, members)


def secret_from_value(value: Value) -> SecretEntry:
    """Convert an element of ``secret``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_secret(value.text)
    members = convert(value, _SECRET_TYPE).members
    texts = {name: "" if each.is_null else each.text for name, each in members.items()}
    return SecretEntry(texts["id"], texts["src"], texts["env"])


def ssh_from_value(value: Value) -> SSHEntry:
    """Convert an element of ``ssh``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_ssh(value.text)
    members = convert(value, _SSH_TYPE).members
    paths = () if members["paths"].is_null else members["paths"].elements
    identifier = "" if members["id"].is_null else members["id"].text
    return SSHEntry(identifier, tuple(path.text for path in paths))


def policy_from_value(value: Value) -> PolicyEntry:
    """Convert an element of ``policy``. Raises Unsuitable."""
    if value.type == STRING:
        return parse_policy(value.text)
    if not is_mapping(value.type):
        raise Unsuitable(f"map of string required, but have {value.type.friendly}")
    texts = {
        name: convert(each, STRING).text
        for name, each in value.members.items()
        if not each.is_null and each.content != ""
    }
    return parse_policy(",".join(_quoted(f"{name}={text}") for name, text in texts.items()))


def resources_from_value(value: Value) -> Resources:
    """Convert ``resources``. Raises Unsuitable."""
    limits: dict[str, str | int] = {}
    for name, each in convert(value, _RESOURCES_TYPE).members.items():
        if each.is_null:
            continue
        if each.type == NUMBER:
            if not each.number.is_integer:
                raise Unsuitable(f"{name} must be a whole number")
            limits[name] = int(each.number.value)
        else:
            limits[name] = each.text
    return Resources(limits)


def _members(value: Value) -> dict[str, str]:
    converted = convert(value, STRINGS)
    if converted.is_null:
        raise Unsuitable("an entry must not be null")
    if any(each.is_null for each in converted.members.values()):
        raise Unsuitable("the attributes of an entry must not be null")
    return {name: each.text for name, each in converted.members.items()}


def _split(text: str) -> list[str]:
    try:
        return list(split_csv(text))
    except ValueError as error:
        raise Unsuitable(str(error)) from None


def _fields(text: str, *, lower_keys: bool = True, what: str | None = None) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in _split(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise Unsuitable(f"invalid field '{part}' {what}" if what else f"invalid value {part}")
        fields[key.lower() if lower_keys else key] = value
    return fields


def _switch(text: str) -> bool:
    try:
        return parse_switch(text)
    except ValueError:
        raise Unsuitable(f"invalid bool {quote(text)}") from None


def _sorted(members: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(members.items()))


def _filled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in members.items() if member}


def _strings(members: Mapping[str, str]) -> Value:
    return map_of({name: string(text) for name, text in members.items()}, STRING)


def _line(first: Mapping[str, str], rest: Attributes) -> str:
    pairs = [*first.items(), *sorted(rest.items())]
    return ",".join(_quoted(f"{key}={value}") for key, value in pairs)


def _quoted(pair: str) -> str:
    if "," not in pair and '"' not in pair:
        return pair
    doubled = pair.replace('"', '""')
    return f'"{doubled}"'
