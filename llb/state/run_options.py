"""Convert the arguments of :meth:`llb.State.run` to parts of an ExecOp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from llb.errors import InvalidValueError, did_you_mean
from llb.ops import nodes as ops
from llb.state.mounts import cache_key_variable
from llb.state.settings import MountValue, check_expanded, resolve_workdir, with_env
from llb.validation import choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.arguments.conversions import StrPath
    from llb.buildkit_names import NetworkName, SecurityName

M_ = TypeVar("M_", bound=MountValue)

_LAST_EXIT_CODE = 255
_TREES = (ops.Bind, ops.Cache, ops.Tmpfs)


def to_args(command: str | Sequence[str], shell: Sequence[str]) -> tuple[str, ...]:
    """Convert a command to process arguments; a string is passed to ``shell``."""
    if isinstance(command, str):
        if not command.strip():
            raise InvalidValueError("invalid command '': expected a shell command")
        return (*shell, command)
    return to_argv(command)


def to_argv(args: Sequence[str]) -> tuple[str, ...]:
    """Validate the arguments of a program, the program first. Raises InvalidValueError."""
    argv = () if isinstance(args, str) else tuple(args)
    try:
        # Joining is the fastest check that all of them are strings.
        if "".join(argv) or argv:
            return argv
    except TypeError:
        pass
    raise InvalidValueError(
        f"invalid arguments {args!r}: expected a sequence of strings, the program first"
    )


def to_exit_codes(codes: Iterable[int]) -> tuple[int, ...]:
    """Validate the exit codes that count as success. Raises InvalidValueError."""
    exit_codes = tuple(codes)
    for code in exit_codes:
        if not 0 <= code <= _LAST_EXIT_CODE:
            raise InvalidValueError(f"invalid exit code {code}: expected 0 to 255")
    return exit_codes


def health_test(command: str | Sequence[str] | None) -> tuple[str, ...]:
    """Convert the command of a health check to its test; None disables the check."""
    if command is None:
        return ("NONE",)
    if isinstance(command, str):
        return ("CMD-SHELL", *to_args(command, ()))
    return ("CMD", *to_argv(command))


def with_variables(
    process: ops.Process, env: Mapping[str, str] | None, mounts: tuple[MountValue, ...]
) -> ops.Process:
    """Set the environment variables of one run, including the cache keys of secrets."""
    if not env and not mounts:
        return process
    if env and "PATH" in env:
        check_expanded("PATH", env["PATH"])
    # A cache key of a secret invalidates the cache through a variable.
    keys = [
        cache_key_variable(mount)
        for mount in mounts
        if isinstance(mount, ops.Secret) and mount.cache_key is not None
    ]
    return with_env(process, tuple({**(env or {}), **dict(keys)}.items()))


def with_overrides(
    process: ops.Process,
    *,
    workdir: StrPath | None,
    user: str | None,
    network: ops.Network | NetworkName | None,
    security: ops.Security | SecurityName | None,
) -> ops.Process:
    """Override the process settings for one run; None keeps a setting of the state."""
    if workdir is None and user is None and network is None and security is None:
        return process
    changes: dict[str, Any] = {}
    if workdir is not None:
        changes["cwd"] = resolve_workdir(process.cwd, workdir)
    if user is not None:
        changes["user"] = user
    if network is not None:
        changes["network"] = choice(ops.Network, network, "network")
    if security is not None:
        changes["security"] = choice(ops.Security, security, "security")
    return evolve(process, **changes)


def with_mounts(
    mounts: tuple[MountValue, ...], added: Iterable[MountValue]
) -> tuple[MountValue, ...]:
    """Add mounts, each replacing an existing mount with the same target."""
    new = tuple(added)
    if not mounts:
        return new
    targets = {mount.target for mount in new if mount.target is not None}
    return (*(mount for mount in mounts if mount.target not in targets), *new)


def without_mount(mounts: tuple[MountValue, ...], target: str) -> tuple[MountValue, ...]:
    """Remove the mount at ``target``. Raises InvalidValueError if there is none."""
    kept = tuple(mount for mount in mounts if mount.target != target)
    if len(kept) == len(mounts):
        targets = [str(mount.target) for mount in kept]
        raise InvalidValueError(f"no mount at {target!r}", hint=did_you_mean(target, targets))
    return kept


def sorted_trees(mounts: Iterable[MountValue]) -> tuple[ops.Mount, ...]:
    """Select the bind, cache and tmpfs mounts, in their order on the wire."""
    trees = [mount for mount in mounts if isinstance(mount, _TREES)]
    return tuple(sorted(trees, key=lambda mount: mount.target))


def mounts_of_kind(kind: type[M_], mounts: tuple[MountValue, ...]) -> tuple[M_, ...]:
    """Select the mounts of one class."""
    return tuple([mount for mount in mounts if isinstance(mount, kind)]) if mounts else ()


def written_mount(op: ops.ExecOp | None, target: str) -> ops.Output:
    """Select what a process wrote to a mount. Raises InvalidValueError if it has no result."""
    if op is None:
        raise InvalidValueError(f"no mount at {target!r}: nothing was run yet")
    output = op.output(target)
    if output is None:
        raise _no_result_error(op, target)
    return output


def _no_result_error(op: ops.ExecOp, target: str) -> InvalidValueError:
    """Create the error for a mount that has no result, with the reason and the alternatives."""
    results = [] if op.readonly_root else ["/"]
    results += [mount.target for mount in op.mounts if mount.has_output]
    for mount in op.mounts:
        if mount.target == target:
            kind = (
                "read-only" if isinstance(mount, ops.Bind) else f"a {type(mount).__name__.lower()}"
            )
            return InvalidValueError(
                f"the mount at {target!r} has no result: it is {kind}",
                hint=f"the last run has results at {', '.join(results)}",
            )
    return InvalidValueError(
        f"no writable mount at {target!r}",
        hint=f"the last run has results at {', '.join(results)}",
    )
