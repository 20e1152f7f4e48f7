"""RUN: a process in the files of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb import Network, ProxyEnv, Scratch, Security, bind, mkfile
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.parser.parser import parse_heredoc
from llb.dockerfile.sources.windows_paths import SHELL
from llb.dockerfile.to_llb.run_mounts import mount_values, parse_mounts
from llb.dockerfile.to_llb.step_names import described, expanded_code
from llb.gocompat.path import join
from llb.gocompat.utf8 import encode, has_octets
from llb.ops.nodes import Tmpfs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb import State
    from llb.dockerfile.instructions.mounts import Mount
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.run_options import ProcessOptions
    from llb.dockerfile.to_llb.image_draft import ImageDraft
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.ops.nodes import Device
    from llb.state.settings import MountValue
    from llb.state.step_options import StepOptions

_NETWORKS = {"default": None, "none": Network.NONE, "host": Network.HOST}
_SECURITIES = {"sandbox": Security.SANDBOX, "insecure": Security.INSECURE}
_SHELL = ("/bin/sh", "-c")
_PIPES = "/dev/pipes/"
_SHM = "/dev/shm"  # noqa: S108 - memory of a step, not a file of ours
_INLINE = "[internal] preparing inline document"


def run(conversion: Conversion, result: StageResult, instruction: Run) -> None:
    """Run the command of the instruction."""
    args, documents, summary = _command(instruction, result.image)
    if instruction.shell:
        args = tuple(with_shell(result.image, args))
    if any(map(has_octets, args)):
        conversion.note_unwritable(instruction.origin)
    mounts = parse_mounts(conversion, result, instruction)
    result.use("/")
    trees = mount_values(conversion, result, instruction, mounts)
    execute(
        conversion,
        result,
        args,
        [*documents, *trees],
        _step(conversion, result, instruction, mounts, summary),
        network=_NETWORKS[instruction.network],
        security=_SECURITIES[instruction.security],
        devices=_devices(conversion, instruction),
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
    """Run a process in the files of a stage, with what the build asks for every one of them."""
    options = conversion.options.processes
    if options.resources is not None:
        step["resources"] = options.resources
    shared_memory = [Tmpfs(_SHM, options.shm_size)] if options.shm_size > 0 else []
    before = with_options(result.state, options)
    after = before.run(
        args,
        mounts=[*mounts, *shared_memory],
        network=network,
        security=security,
        devices=devices,
        proxy=proxy_of(conversion.options.build_args),
        **step,
    )
    result.state = after if before is result.state else result.state.with_output(after)
    result.commit(f"RUN {result.given}{' '.join(args)} # buildkit", layer=True)


def _step(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    mounts: tuple[Mount, ...],
    summary: str,
) -> StepOptions:
    """Return what is said of the step besides what it does."""
    code = instruction.origin.code
    env = result.env
    # What a secret variable holds is not known here; the stars say where it comes from.
    secrets = {mount.env: "****" for mount in mounts if mount.env and mount.kind == "secret"}
    known = {**env, **secrets} if secrets else env
    shown = expanded_code(code + summary, conversion.naming, known)
    return {
        "description": described(instruction.origin),
        "name": result.numbering.next(shown, env),
        "ignore_cache": result.no_cache,
        "locations": conversion.locations(instruction.origin),
    }


def with_options(state: State, options: ProcessOptions) -> State:
    """Return the state for a process for which the options of the build hold."""
    if not options.change_processes:
        return state
    process = state.settings.process
    changed = evolve(
        process,
        network=options.network,
        hostname=options.hostname,
        extra_hosts=options.extra_hosts,
        ulimits=options.ulimits,
        cgroup_parent=options.cgroup_parent,
    )
    return evolve(state, settings=evolve(state.settings, process=changed))


def with_shell(image: ImageDraft, args: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments as the image's shell is given them."""
    shell = image.shell or (SHELL if image.is_windows else _SHELL)
    return (*shell, " ".join(args))


def _devices(conversion: Conversion, instruction: Run) -> tuple[Device, ...]:
    if instruction.devices and not conversion.options.labs:
        raise errors.labs_device(instruction.origin.span)
    return instruction.devices


def _command(instruction: Run, image: ImageDraft) -> tuple[tuple[str, ...], list[MountValue], str]:
    """Return the arguments, what they need mounted, and what is added to the name."""
    if not instruction.heredocs:
        return instruction.args, [], ""
    first = instruction.heredocs[0]
    (line,) = instruction.args
    if parse_heredoc(line) is None:
        # The shell reads the here-documents itself.
        bodies = "".join(f"\n{each.content}{each.name}" for each in instruction.heredocs)
        return (line + bodies,), [], ""
    summary = f" ({_summary(first.content)})"
    data = first.chomped
    if image.is_windows or not data.startswith("#!"):
        return (data,), [], summary
    script = Scratch().file(
        mkfile(first.name, encode(data), mode=0o755), name=_INLINE, locations=()
    )
    return (join(_PIPES, first.name),), [bind(script, _PIPES, path="/", readonly=True)], summary


def _summary(text: str) -> str:
    first, *more = text.strip().replace("\r\n", "\n").split("\n")
    return f"{first}..." if more else first


def proxy_of(build_args: Mapping[str, str]) -> ProxyEnv | None:
    """Return the proxies among the build arguments, in any case; the last name wins."""
    found: dict[str, str] = {}
    for name in sorted(build_args):
        if name.lower() in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"):
            found[name.lower()] = build_args[name]
    return ProxyEnv(**found) if found else None
