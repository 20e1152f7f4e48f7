"""What an image says besides its files, as instructions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llb.dockerfile.to_dockerfile.quoting import Unsayable, array, flag, value, word, words
from llb.gocompat.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMES = {
    "Interval": "interval",
    "Timeout": "timeout",
    "StartPeriod": "start-period",
    "StartInterval": "start-interval",
}


def config_lines(wanted: bytes, base: Mapping[str, Any]) -> Iterator[str]:
    """Yield the instructions that make an image config out of that of the base.

    Variables, directory and user are not among them. Raises Unsayable for what is taken away.
    """
    image = json.loads(wanted)
    config: Mapping[str, Any] = image["config"]
    if image.get("author") and image["author"] != base.get("author"):
        yield f"MAINTAINER {word(image['author'])}"
    before: Mapping[str, Any] = base.get("config") or {}
    for key, name in (("Labels", "LABEL"), ("ExposedPorts", "EXPOSE"), ("Volumes", "VOLUME")):
        yield from _entries(name, key, config.get(key) or {}, before.get(key) or {})
    if _changed(config, before, "StopSignal"):
        yield f"STOPSIGNAL {word(config['StopSignal'])}"
    if _changed(config, before, "Shell"):
        yield f"SHELL {array(config['Shell'])}"
    if _changed(config, before, "Healthcheck"):
        yield _healthcheck(config["Healthcheck"])
    if config.get("OnBuild"):
        if any("\n" in each for each in config["OnBuild"]):
            raise Unsayable("ONBUILD of several lines")
        yield from (f"ONBUILD {each}" for each in config["OnBuild"])
    yield from _program(config, before)


def _program(config: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    entrypoint, cmd = config.get("Entrypoint"), config.get("Cmd")
    is_new = entrypoint != before.get("Entrypoint")
    if is_new:
        yield f"ENTRYPOINT {array(entrypoint or ())}"
    # A new program drops the arguments of the one before.
    if cmd if is_new else cmd != before.get("Cmd"):
        yield f"CMD {array(cmd or ())}"


def _changed(config: Mapping[str, Any], before: Mapping[str, Any], key: str) -> bool:
    if before.get(key) and not config.get(key):
        raise Unsayable(f"an image without the {key} of its base")
    return bool(config.get(key)) and config[key] != before.get(key)


def _entries(
    name: str, key: str, entries: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[str]:
    if before.keys() - entries.keys():
        raise Unsayable(f"an image without some {key} of its base")
    for each, found in entries.items():
        if each not in before or before[each] != found:
            match name:
                case "LABEL":
                    yield f"LABEL {value(each)}={value(found)}"
                case "EXPOSE":
                    yield f"EXPOSE {each}"
                case _:
                    yield f"VOLUME {words([each])}"


def _healthcheck(check: Mapping[str, Any]) -> str:
    match check.get("Test"):
        case ["NONE"]:
            return "HEALTHCHECK NONE"
        case ["CMD-SHELL", str(line)] if "\n" not in line and not line.startswith("["):
            command = f"CMD {line}"
        case ["CMD", *args]:
            command = f"CMD {array(args)}"
        case _:
            raise Unsayable("the command of a health check")
    flags = [
        flag(name, format_duration(check[key])) for key, name in _TIMES.items() if check.get(key)
    ]
    flags += [flag("retries", str(check["Retries"]))] if check.get("Retries") else []
    return " ".join(["HEALTHCHECK", *flags, command])
