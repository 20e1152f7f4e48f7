"""Convert RUN: run a process in the files of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Scratch, bind, mkfile
from llb.buildkit_names import DEFAULT_SHELL
from llb.dockerfile.instructions.heredoc_command import heredoc_command
from llb.dockerfile.to_llb.copy_actions import INLINE
from llb.dockerfile.to_llb.run_mounts import mount_values, parse_mounts
from llb.dockerfile.to_llb.step_names import expand_code
from llb.dockerfile_rules.run import (
    NETWORKS,
    SCRIPT_MODE,
    SCRIPTS,
    SECURITIES,
    parse_proxies,
)
from llb.gocompat.utf8 import encode, has_octets
from llb.ops.defaults import WINDOWS_SHELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb import Network, Security
    from llb.dockerfile.instructions.mounts import Mount
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.to_llb.image_draft import ImageDraft
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.ops.nodes import Device
    from llb.state.settings import MountValue
    from llb.state.step_options import StepOptions


def run(conversion: Conversion, result: StageResult, instruction: Run) -> None:
    """Run the command of the instruction."""
    args, script_mounts, summary = _build_command(instruction, result.image)
    if instruction.shell:
        args = tuple(with_shell(result.image, args))
    if any(map(has_octets, args)):
        conversion.mark_non_utf8(instruction.origin)
    mounts = parse_mounts(conversion, result, instruction)
    result.use("/")
    flag_mounts = mount_values(conversion, result, instruction, mounts)
    execute(
        conversion,
        result,
        args,
        [*script_mounts, *flag_mounts],
        _step_options(conversion, result, instruction, mounts, summary),
        network=NETWORKS[instruction.network],
        security=SECURITIES[instruction.security],
        devices=instruction.devices,
    )


def execute(
    conversion: Conversion,
    result: StageResult,
    args: Sequence[str],
    mounts: Sequence[MountValue],
    step: StepOptions,
    *,
    network: Network | None = None,
    security: Security | None = None,
    devices: tuple[Device, ...] = (),
) -> None:
    """Run a process in the files of a stage, with the build's options for all processes."""
    options = conversion.options.processes
    if options.resources is not None:
        step["resources"] = options.resources
    before = options.apply(result.state)
    after = before.run(
        args,
        mounts=[*mounts, *options.mounts],
        network=network,
        security=security,
        devices=devices,
        proxy=parse_proxies(conversion.options.build_args),
        **step,
    )
    result.state = after if before is result.state else result.state.with_output(after)
    result.commit(f"RUN {result.history_args}{' '.join(args)} # buildkit", layer=True)


def _step_options(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    mounts: tuple[Mount, ...],
    summary: str,
) -> StepOptions:
    """Create the step options, with a name that does not show secrets."""
    env = result.env
    # The values of secret variables are unknown here; asterisks take their place in the name.
    secrets = {mount.env: "****" for mount in mounts if mount.env and mount.kind == "secret"}
    variables = {**env, **secrets} if secrets else env
    shown = expand_code(instruction.origin.code + summary, conversion.naming, variables)
    return conversion.step(
        instruction.origin,
        result.numbering.next(shown, env),
        ignore_cache=result.no_cache,
        describe=True,
    )


def with_shell(image: ImageDraft, args: Sequence[str]) -> tuple[str, ...]:
    """Prepend the image's shell to a command line."""
    shell = image.shell or (WINDOWS_SHELL if image.is_windows else DEFAULT_SHELL)
    return (*shell, " ".join(args))


def _build_command(
    instruction: Run, image: ImageDraft
) -> tuple[tuple[str, ...], list[MountValue], str]:
    """Build the arguments of the process, the mount of its script, and a suffix for the name."""
    if not instruction.heredocs:
        return instruction.args, [], ""
    command = heredoc_command(instruction, is_windows=image.is_windows)
    body = command.body
    summary = "" if body is None else f" ({_summarize(body.content)})"
    if body is None or not command.is_script:
        return (command.line,), [], summary
    script = Scratch().file(
        mkfile(body.name, encode(body.chomped), mode=SCRIPT_MODE), name=INLINE, locations=()
    )
    return (command.line,), [bind(script, SCRIPTS, path="/", readonly=True)], summary


def _summarize(content: str) -> str:
    first, *following = content.strip().replace("\r\n", "\n").split("\n")
    return f"{first}..." if following else first
