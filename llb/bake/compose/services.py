"""Turn the services of compose files into targets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb.bake.compose.dotenv import parse_dotenv
from llb.bake.compose.merging import build_mapping, pairs, to_text
from llb.bake.definitions.entries import (
    SecretEntry,
    SSHEntry,
    parse_attestation,
    parse_caches,
    parse_output,
    parse_secret,
    parse_ssh,
)
from llb.bake.definitions.merging import last_of_each, without_duplicates
from llb.bake.definitions.target import Target
from llb.bake.values.problems import Unsuitable
from llb.buildkit_names import GIT_SCHEME, HTTP_SCHEME, HTTPS_SCHEME
from llb.errors import BakeFileError, did_you_mean
from llb.gocompat.path import clean
from llb.gocompat.strconv import parse_switch
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_REMOTE = (HTTPS_SCHEME, HTTP_SCHEME, GIT_SCHEME, "ssh://", "github.com/", "git@")
_BUILD_KEYS = (
    "additional_contexts",
    "args",
    "cache_from",
    "cache_to",
    "context",
    "dockerfile",
    "dockerfile_inline",
    "entitlements",
    "extra_hosts",
    "isolation",
    "labels",
    "network",
    "no_cache",
    "platforms",
    "privileged",
    "provenance",
    "pull",
    "sbom",
    "secrets",
    "shm_size",
    "ssh",
    "tags",
    "target",
    "ulimits",
)
_XBAKE_KEYS = (
    "tags",
    "cache-from",
    "cache-to",
    "secret",
    "ssh",
    "platforms",
    "output",
    "pull",
    "no-cache",
    "no-cache-filter",
    "contexts",
)
_EXTENDED = {
    "tags": "tags",
    "platforms": "platforms",
    "no_cache_filter": "no-cache-filter",
    "cache_from": "cache-from",
    "cache_to": "cache-to",
    "secrets": "secret",
    "ssh": "ssh",
    "outputs": "output",
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtTpP]?)i?[bB]?")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@frozen
class Services:
    """The services of a model, and what their builds refer to."""

    services: Mapping[str, Any]
    secrets: Mapping[str, Any]
    look_up: Callable[[str], str | None]

    def targets(self) -> list[Target]:
        """Create a target for each service with a build section. Raises BakeFileError."""
        found = []
        for name in sorted(self.services, key=str.encode):
            service = self.services[name]
            if not isinstance(service, dict):
                continue
            if service.get("build") is None:
                if not service.get("image"):
                    raise BakeFileError(f"services.{name} has neither an image nor a build context")
            else:
                try:
                    found.append(self._target(name, service))
                except Unsuitable as error:
                    raise BakeFileError(f"services.{name}.build: {error}") from None
        return found

    def _target(self, name: str, service: Mapping[str, Any]) -> Target:
        target_name = name.replace(".", "_")
        if not _NAME.fullmatch(target_name):
            raise BakeFileError(
                f"invalid service name '{name}': letters, digits, '_', '-' and '.' are allowed"
            )
        if not isinstance(service["build"], str | dict):
            raise BakeFileError(f"services.{name}.build must be a text or a mapping")
        build = _Section(f"services.{name}.build", build_mapping(service["build"]))
        build.check(_BUILD_KEYS)
        tags = build.texts("tags")
        image = service.get("image")
        target = Target(
            target_name,
            context=_context(build.text("context") or "."),
            contexts=_named_contexts(build.pairs("additional_contexts")),
            dockerfile=build.text("dockerfile"),
            dockerfile_inline=build.text("dockerfile_inline"),
            tags=tags,
            labels={key: value or "" for key, value in build.pairs("labels").items()},
            args=self._args(name, service, build),
            cache_from=_caches(build.texts("cache_from")),
            cache_to=_caches(build.texts("cache_to")),
            network=build.text("network"),
            platforms=build.texts("platforms"),
            ssh=_agents(build.members.get("ssh")),
            secrets=self._secrets(build),
            shm_size=_size(build.members.get("shm_size")),
            ulimits=_ulimits(build),
            extra_hosts=_hosts(build.members.get("extra_hosts")),
            attest=_attestations(build),
            no_cache=build.flag("no_cache") or None,
            pull=build.flag("pull") or None,
            target=build.text("target"),
        )
        target = _extended(target, build)
        if not target.tags and image:
            target = evolve(target, tags=(to_text(image),))
        return target

    def _args(
        self, name: str, service: Mapping[str, Any], build: _Section
    ) -> dict[str, str] | None:
        """Resolve arguments without values from the service's environment, or that of the user."""
        args = build.pairs("args")
        if not args:
            return None
        environment: dict[str, str] | None = None
        resolved: dict[str, str] = {}
        for key, value in args.items():
            if value is None and environment is None:
                environment = self._environment(name, service)
            found = value
            if found is None:
                found = (environment or {}).get(key, self.look_up(key))
            if found is not None:
                resolved[key] = found
        return resolved

    def _environment(self, name: str, service: Mapping[str, Any]) -> dict[str, str]:
        values: dict[str, str] = {}
        files = service.get("env_file") or []
        for file in files if isinstance(files, list) else [files]:
            path = file.get("path", "") if isinstance(file, dict) else file
            required = not isinstance(file, dict) or file.get("required", True)
            if not paths.is_file(str(path)):
                if required:
                    raise BakeFileError(f"services.{name}.env_file: there is no file {path}")
                continue
            values |= parse_dotenv(Path(str(path)).read_text(), self.look_up, str(path))
        for key, value in pairs(service.get("environment"), f"services.{name}.environment").items():
            found = self.look_up(key) if value is None else value
            if found is not None:
                values[key] = found
        return values

    def _secrets(self, build: _Section) -> tuple[SecretEntry, ...] | None:
        found = []
        for each in build.list("secrets"):
            name = each.get("source", "") if isinstance(each, dict) else to_text(each)
            secret = self.secrets.get(name)
            if not isinstance(secret, dict):
                raise Unsuitable(f"the secret '{name}' is not defined")
            if secret.get("external"):
                raise Unsuitable(f"unsupported external secret {name}")
            file = to_text(secret["file"]) if secret.get("file") else ""
            env = to_text(secret["environment"]) if secret.get("environment") else ""
            found.append(SecretEntry(str(name), _path(file), env))
        return tuple(found) or None


@frozen
class _Section:
    """A mapping of a compose file, read with errors that name its path."""

    path: str
    members: Mapping[str, Any]

    def check(self, keys: tuple[str, ...]) -> None:
        for key in self.members:
            if key not in keys and not str(key).startswith("x-"):
                near = did_you_mean(str(key), keys)
                raise BakeFileError(f"{self.path}: unknown element '{key}'", hint=near)

    def text(self, key: str) -> str | None:
        value = self.members.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, dict | list):
            raise BakeFileError(f"{self.path}.{key} must be a text")
        return to_text(value)

    def flag(self, key: str) -> bool | None:
        value = self.members.get(key)
        if value is None or isinstance(value, bool):
            return value
        try:
            return parse_switch(to_text(value))
        except ValueError:
            raise BakeFileError(f"{self.path}.{key} must be true or false") from None

    def list(self, key: str) -> list[Any]:
        value = self.members.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise BakeFileError(f"{self.path}.{key} must be a list")
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        return tuple(dict.fromkeys(map(to_text, self.list(key)))) or None

    def words(self, key: str) -> tuple[str, ...]:
        """Read a list, or a text of words."""
        value = self.members.get(key)
        if isinstance(value, str):
            return tuple(value.split())
        return tuple(map(to_text, self.list(key)))

    def pairs(self, key: str) -> dict[str, str | None]:
        return pairs(self.members.get(key), f"{self.path}.{key}")


def _context(context: str) -> str:
    if "://" in context or context.startswith(("service:", *_REMOTE)):
        return context
    return _path(context)


def _path(path: str) -> str:
    if not path:
        return ""
    expanded = str(paths.expand_user(path)) if path.startswith("~") else path
    return expanded if expanded.startswith("/") else clean(expanded)


def _named_contexts(contexts: Mapping[str, str | None]) -> dict[str, str] | None:
    named = {}
    for name, value in contexts.items():
        text = value or ""
        for prefix in ("service:", "target:"):
            if text.startswith(prefix):
                text = "target:" + text.removeprefix(prefix).replace(".", "_")
        named[name] = text if text.startswith("target:") else _context(text)
    return named or None


def _caches(texts: tuple[str, ...] | None) -> Any:
    if texts is None:
        return None
    return tuple(entry for text in texts if text for entry in parse_caches(text))


def _agents(value: Any) -> tuple[SSHEntry, ...] | None:
    match value:
        case None:
            return None
        case dict():
            agents = [
                SSHEntry(str(key), (str(path),) if path else ()) for key, path in value.items()
            ]
        case list():
            agents = []
            for each in value:
                identifier, _, path = to_text(each).partition("=")
                agents.append(SSHEntry(identifier, (path,) if path else ()))
        case _:
            raise Unsuitable("ssh must be a list or a mapping")
    return _sorted(agents) or None


def _sorted(agents: list[SSHEntry]) -> tuple[SSHEntry, ...]:
    return tuple(sorted(agents, key=lambda agent: (agent.id, agent.paths)))


def _size(value: Any) -> str | None:
    """Format a size as Docker does, with a unit."""
    if value is None:
        return None
    match = _SIZE.fullmatch(to_text(value).strip())
    if match is None:
        raise Unsuitable(f"invalid shm_size {value!r}: expected a number with a unit, such as 128m")
    exponent = " kmgtp".index(match[2].lower() or " ")
    size = float(match[1]) * 1024**exponent
    if not size:
        return None
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.4g}{_UNITS[unit]}"


def _ulimits(build: _Section) -> tuple[str, ...] | None:
    value = build.members.get("ulimits")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Unsuitable("ulimits must be a mapping")
    limits = []
    for name, limit in sorted(value.items()):
        both = limit if isinstance(limit, dict) else {"soft": limit, "hard": limit}
        limits.append(f"{name}={to_text(both.get('soft', 0))}:{to_text(both.get('hard', 0))}")
    return tuple(limits)


def _hosts(value: Any) -> dict[str, str]:
    hosts: dict[str, list[str]] = {}
    if isinstance(value, dict):
        for name, addresses in value.items():
            listed = addresses if isinstance(addresses, list) else [addresses]
            hosts.setdefault(str(name), []).extend(_address(to_text(each)) for each in listed)
    elif isinstance(value, list):
        for each in value:
            text = to_text(each)
            name, sign, address = text.partition("=" if "=" in text else ":")
            if not sign:
                raise Unsuitable(f"invalid extra_hosts {text!r}: expected NAME=ADDRESS")
            hosts.setdefault(name, []).append(_address(address))
    elif value is not None:
        raise Unsuitable("extra_hosts must be a list or a mapping")
    return {name: ",".join(addresses) for name, addresses in hosts.items()}


def _address(text: str) -> str:
    stripped = text.strip()
    return stripped[1:-1] if stripped.startswith("[") and stripped.endswith("]") else stripped


def _attestations(build: _Section) -> Any:
    found = []
    for kind in ("sbom", "provenance"):
        text = build.text(kind)
        if text is None:
            continue
        try:
            found.append(parse_attestation(f"type={kind},disabled={not parse_switch(text)}"))
        except ValueError:
            found.append(parse_attestation(f"type={kind},{text}"))
    return tuple(found) or None


def _extended(target: Target, build: _Section) -> Target:
    """Add what ``x-bake`` says."""
    extension = build.members.get("x-bake")
    if extension is None:
        return target
    if not isinstance(extension, dict):
        raise BakeFileError(f"{build.path}.x-bake must be a mapping")
    section = _Section(f"{build.path}.x-bake", extension)
    section.check(_XBAKE_KEYS)
    changes: dict[str, Any] = {}
    for name, key in _EXTENDED.items():
        if words := section.words(key):
            changes[name] = _combined(name, getattr(target, name) or (), words)
    for name, key in (("pull", "pull"), ("no_cache", "no-cache")):
        if section.flag(key) is not None:
            changes[name] = section.flag(key)
    if extra := section.pairs("contexts"):
        changes["contexts"] = {**_extension_contexts(extra), **(target.contexts or {})}
    return evolve(target, **changes)


def _combined(name: str, earlier: tuple[Any, ...], words: tuple[str, ...]) -> tuple[Any, ...]:
    match name:
        case "cache_from" | "cache_to":
            return without_duplicates((*earlier, *(_caches(words) or ())))
        case "secrets":
            secrets = (*earlier, *map(parse_secret, words))
            return last_of_each(secrets, lambda entry: entry.id)
        case "ssh":
            agents = (*earlier, *map(parse_ssh, words))
            return _sorted(list(last_of_each(agents, lambda entry: entry.id)))
        case "outputs":
            return tuple(map(parse_output, words))
        case _:
            return tuple(dict.fromkeys((*earlier, *words)))


def _extension_contexts(contexts: Mapping[str, str | None]) -> dict[str, str]:
    named = {}
    for name, value in contexts.items():
        text = value or ""
        prefix, colon, rest = text.partition(":")
        linked = colon and prefix in {"service", "target"}
        named[name] = f"target:{rest.replace('.', '_')}" if linked else text
    return named
