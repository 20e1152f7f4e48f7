"""Convert the instructions that change settings and the image config, and WORKDIR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Healthcheck as ImageHealthcheck
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.to_llb.expose_ports import parse_port
from llb.dockerfile.to_llb.run import with_shell
from llb.dockerfile.to_llb.step_names import expand_code
from llb.dockerfile_rules.workdir import workdir_action
from llb.gocompat import fmt
from llb.gocompat.duration import format_duration
from llb.gocompat.signal import is_signal

if TYPE_CHECKING:
    from llb.dockerfile.instructions.nodes import (
        Arg,
        Cmd,
        Entrypoint,
        Env,
        Expose,
        Healthcheck,
        Label,
        Maintainer,
        Onbuild,
        Shell,
        StopSignal,
        User,
        Volume,
        Workdir,
    )
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult

# Arguments that control the frontend and are not variables of processes.
NOT_IN_ENV = ("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE")


def workdir(conversion: Conversion, result: StageResult, instruction: Workdir) -> None:
    """Change the working directory, and create it."""
    result.set_workdir(conversion.expander.word(instruction.path, result.env))
    cwd = result.state.cwd
    if cwd != "/":
        code = expand_code(instruction.origin.code, conversion.expander, result.env)
        result.state = result.state.file(
            workdir_action(cwd, result.image.user, result.epoch),
            **conversion.step(instruction.origin, result.numbering.next(code, result.env)),
        )
    result.commit(f"WORKDIR {cwd}", layer=cwd != "/")


def arg(conversion: Conversion, result: StageResult, instruction: Arg) -> None:
    """Declare arguments, with the value of the build, or the default, or the global value."""
    shown = []
    for name, default in instruction.args:
        value: str | None
        if name in conversion.graph.build_args:
            value = conversion.graph.build_args[name]
        elif default is not None:
            value = conversion.expander.word(default, result.env)
        else:
            value = conversion.graph.arguments.get(name)
        if value is not None and name not in NOT_IN_ENV:
            result.set_variables(((name, value),))
        elif value is not None:
            result.scans[name] = value
        result.declare(name, value)
        shown.append(name if value is None else f"{name}={value}")
    result.commit(f"ARG {' '.join(shown)}")


def env(conversion: Conversion, result: StageResult, instruction: Env) -> None:
    """Set variables, for processes and in the image."""
    pairs = _expand_pairs(conversion, result, instruction)
    result.set_variables(pairs)
    for key, value in pairs:
        result.image.set_variable(key, value)
    result.commit("ENV" + "".join(f" {key}={value}" for key, value in pairs))


def label(conversion: Conversion, result: StageResult, instruction: Label) -> None:
    """Set labels of the image."""
    pairs = _expand_pairs(conversion, result, instruction)
    result.image.labels.update(pairs)
    result.commit("LABEL" + "".join(f" {key}={value}" for key, value in pairs))


def expose(conversion: Conversion, result: StageResult, instruction: Expose) -> None:
    """Add ports that the image listens on."""
    variables = result.env
    span = instruction.origin.span
    words = [
        word for port in instruction.ports for word in conversion.expander.words(port, variables)
    ]
    ports = [port for word in words for port in parse_port(word, span)]
    result.image.exposed_ports.update(dict.fromkeys(ports))
    result.commit(f"EXPOSE {fmt.plain(ports)}")


def user(conversion: Conversion, result: StageResult, instruction: User) -> None:
    """Change the user, for processes and in the image."""
    name = conversion.expander.word(instruction.name, result.env)
    result.set_user(name)
    result.commit(f"USER {name}")


def volume(conversion: Conversion, result: StageResult, instruction: Volume) -> None:
    """Add volumes of the image."""
    paths = [conversion.expander.word(path, result.env) for path in instruction.paths]
    if not all(paths):
        raise errors.empty_volume(instruction.origin.span)
    result.image.volumes.update(dict.fromkeys(paths))
    result.commit(f"VOLUME {fmt.plain(paths)}")


def stop_signal(conversion: Conversion, result: StageResult, instruction: StopSignal) -> None:
    """Set the signal that stops a container."""
    name = conversion.expander.word(instruction.signal, result.env)
    if not is_signal(name):
        raise errors.bad_signal(instruction.origin.span, name)
    result.image.stop_signal = name
    result.commit(f"STOPSIGNAL {name}")


def shell(conversion: Conversion, result: StageResult, instruction: Shell) -> None:  # noqa: ARG001
    """Set the shell of the instructions that follow."""
    result.image.shell = tuple(instruction.args)
    result.commit(f"SHELL {fmt.plain(instruction.args)}")


def healthcheck(
    conversion: Conversion,  # noqa: ARG001
    result: StageResult,
    instruction: Healthcheck,
) -> None:
    """Set the health check of the image."""
    check = ImageHealthcheck(
        instruction.test,
        interval=instruction.interval,
        timeout=instruction.timeout,
        start_period=instruction.start_period,
        start_interval=instruction.start_interval,
        retries=instruction.retries,
    )
    result.image.healthcheck = check
    durations = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "StartInterval": check.start_interval,
    }
    shown = " ".join(f"{key}:{format_duration(value)}" for key, value in durations.items())
    result.commit(f"HEALTHCHECK {{Test:{fmt.plain(check.test)} {shown} Retries:{check.retries}}}")


def onbuild(
    conversion: Conversion,  # noqa: ARG001
    result: StageResult,
    instruction: Onbuild,
) -> None:
    """Add an ONBUILD instruction to the image config."""
    result.image.onbuild.append(instruction.expression)


def maintainer(
    conversion: Conversion,  # noqa: ARG001
    result: StageResult,
    instruction: Maintainer,
) -> None:
    """Set the author of the image."""
    result.image.author = instruction.name
    result.commit(f"MAINTAINER {instruction.name}")


def cmd(conversion: Conversion, result: StageResult, instruction: Cmd) -> None:  # noqa: ARG001
    """Set the default command of the image."""
    args = _arguments(result, instruction)
    result.image.cmd = args
    # Docker keeps this for containers of old daemons.
    result.image.args_escaped = True
    result.cmd_is_set = True
    result.commit(f"CMD {fmt.quoted(args)}")


def entrypoint(
    conversion: Conversion,  # noqa: ARG001
    result: StageResult,
    instruction: Entrypoint,
) -> None:
    """Set the entrypoint of the image, and drop a command that the base image set."""
    args = _arguments(result, instruction)
    result.image.entrypoint = args
    if not result.cmd_is_set:
        result.image.cmd = None
    result.commit(f"ENTRYPOINT {fmt.quoted(args)}")


def _arguments(result: StageResult, instruction: Cmd | Entrypoint) -> tuple[str, ...]:
    args = instruction.args
    return with_shell(result.image, args) if instruction.shell else args


def _expand_pairs(
    conversion: Conversion, result: StageResult, instruction: Env | Label
) -> tuple[tuple[str, str], ...]:
    # All pairs are expanded in the environment before the instruction.
    variables = result.env
    word = conversion.expander.word
    return tuple(
        [(word(key, variables), word(value, variables)) for key, value in instruction.pairs]
    )
