"""What an image says besides its files, as instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.dockerfile.to_dockerfile.quoting import Unsayable, array, flag, value, word, words
from llb.gocompat.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb import Healthcheck, ImageConfig

_TIMES = {
    "interval": "interval",
    "timeout": "timeout",
    "start_period": "start-period",
    "start_interval": "start-interval",
}


def config_lines(config: ImageConfig, base: ImageConfig) -> Iterator[str]:
    """Yield the instructions that make an image config out of that of the base.

    Variables, directory and user are not among them. Raises Unsayable for what is taken away.
    """
    if config.author and config.author != base.author:
        yield f"MAINTAINER {word(config.author)}"
    yield from _entries("LABEL", "Labels", dict(config.labels), dict(base.labels))
    ports, volumes = config.exposed_ports, config.volumes
    yield from _entries(
        "EXPOSE", "ExposedPorts", dict.fromkeys(ports), dict.fromkeys(base.exposed_ports)
    )
    yield from _entries("VOLUME", "Volumes", dict.fromkeys(volumes), dict.fromkeys(base.volumes))
    if _is_changed("StopSignal", config.stop_signal, base.stop_signal):
        yield f"STOPSIGNAL {word(config.stop_signal or '')}"
    if _is_changed("Shell", config.shell, base.shell):
        yield f"SHELL {array(config.shell or ())}"
    if _is_changed("Healthcheck", config.healthcheck, base.healthcheck):
        assert config.healthcheck is not None
        yield _healthcheck(config.healthcheck)
    if any("\n" in instruction for instruction in config.onbuild):
        raise Unsayable("ONBUILD of several lines")
    yield from (f"ONBUILD {instruction}" for instruction in config.onbuild)
    yield from _program(config, base)


def _program(config: ImageConfig, base: ImageConfig) -> Iterator[str]:
    is_new = config.entrypoint != base.entrypoint
    if is_new:
        yield f"ENTRYPOINT {array(config.entrypoint or ())}"
    # A new program drops the arguments of the one before.
    if config.cmd if is_new else config.cmd != base.cmd:
        yield f"CMD {array(config.cmd or ())}"


def _is_changed(key: str, value: object, before: object) -> bool:
    if before and not value:
        raise Unsayable(f"an image without the {key} of its base")
    return bool(value) and value != before


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


def _healthcheck(check: Healthcheck) -> str:
    match check.test:
        case ("NONE",):
            return "HEALTHCHECK NONE"
        case ("CMD-SHELL", line) if "\n" not in line and not line.startswith("["):
            command = f"CMD {line}"
        case ("CMD", *args):
            command = f"CMD {array(args)}"
        case _:
            raise Unsayable("the command of a health check")
    times = {name: getattr(check, field) for field, name in _TIMES.items()}
    flags = [flag(name, format_duration(time)) for name, time in times.items() if time]
    flags += [flag("retries", str(check.retries))] if check.retries else []
    return " ".join(["HEALTHCHECK", *flags, command])
