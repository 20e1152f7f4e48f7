"""Convert an image config to instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.dockerfile.to_dockerfile.quoting import NotExpressible, array, flag, value, word, words
from llb.gocompat.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb import Healthcheck, ImageConfig

_DURATIONS = {
    "interval": "interval",
    "timeout": "timeout",
    "start_period": "start-period",
    "start_interval": "start-interval",
}


def config_lines(config: ImageConfig, base: ImageConfig) -> Iterator[str]:
    """Yield the instructions that turn the image config of the base into another.

    Variables, working directory and user are written elsewhere. Raises NotExpressible if a field
    of the base was removed.
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
        raise NotExpressible("a multi-line ONBUILD instruction")
    yield from (f"ONBUILD {instruction}" for instruction in config.onbuild)
    yield from _command_lines(config, base)


def _command_lines(config: ImageConfig, base: ImageConfig) -> Iterator[str]:
    is_new = config.entrypoint != base.entrypoint
    if is_new:
        yield f"ENTRYPOINT {array(config.entrypoint or ())}"
    # A new entrypoint resets CMD.
    if config.cmd if is_new else config.cmd != base.cmd:
        yield f"CMD {array(config.cmd or ())}"


def _is_changed(key: str, value: object, base_value: object) -> bool:
    if base_value and not value:
        raise NotExpressible(f"an image without its base's {key}")
    return bool(value) and value != base_value


def _entries(
    name: str, key: str, entries: Mapping[str, Any], base_entries: Mapping[str, Any]
) -> Iterator[str]:
    if base_entries.keys() - entries.keys():
        raise NotExpressible(f"an image without some of its base's {key}")
    for entry, entry_value in entries.items():
        if entry not in base_entries or base_entries[entry] != entry_value:
            match name:
                case "LABEL":
                    yield f"LABEL {value(entry)}={value(entry_value)}"
                case "EXPOSE":
                    yield f"EXPOSE {entry}"
                case _:
                    yield f"VOLUME {words([entry])}"


def _healthcheck(check: Healthcheck) -> str:
    match check.test:
        case ("NONE",):
            return "HEALTHCHECK NONE"
        case ("CMD-SHELL", line) if "\n" not in line and not line.startswith("["):
            command = f"CMD {line}"
        case ("CMD", *args):
            command = f"CMD {array(args)}"
        case _:
            raise NotExpressible("a health check command that HEALTHCHECK cannot express")
    durations = {name: getattr(check, field) for field, name in _DURATIONS.items()}
    flags = [flag(name, format_duration(time)) for name, time in durations.items() if time]
    flags += [flag("retries", str(check.retries))] if check.retries else []
    return " ".join(["HEALTHCHECK", *flags, command])
