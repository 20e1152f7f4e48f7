"""The arguments of :meth:`llb.State.run` as parts of an ExecOp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from llb.errors import InvalidValueError
from llb.ops import nodes as ops
from llb.state.mounts import cache_key_variable
from llb.state.settings import MountValue, joined, with_env
from llb.validation import choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

M_ = TypeVar("M_", bound=MountValue)

_LAST_EXIT_CODE = 255
_TREES = (ops.Bind, ops.Cache, ops.Tmpfs)


def to_args(command: str | Sequence[str], shell: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of a command; text is given to ``shell``."""
    if isinstance(command, str):
        if not command.strip():
            raise InvalidValueError("invalid command '': expected a shell command")
        return (*shell, command)
    return to_argv(command)


def to_argv(args: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of a program, the program first. Raises InvalidValueError."""
    given = () if isinstance(args, str) else tuple(args)
    try:
        # Joining is the quickest way to see that all of them are text.
        if "".join(given) or given:
            return given
    except TypeError:
        pass
    raise InvalidValueError(
        f"invalid arguments {args!r}: expected a sequence of strings, the program first"
    )


def to_exit_codes(codes: Iterable[int]) -> tuple[int, ...]:
    """Return exit codes that are none of a failure. Raises InvalidValueError."""
    given = tuple(codes)
    for code in given:
        if not 0 <= code <= _LAST_EXIT_CODE:
            raise InvalidValueError(f"invalid exit code {code}: expected 0 to 255")
    return given


def health_test(command: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the test of a health check; None asks nothing."""
    if command is None:
        return ("NONE",)
    if isinstance(command, str):
        return ("CMD-SHELL", *to_args(command, ()))
    return ("CMD", *to_argv(command))


def with_variables(
    process: ops.Process, env: Mapping[str, str] | None, mounts: tuple[MountValue, ...]
) -> ops.Process:
    """Return the process with the variables of one run."""
    if not env and not mounts:
        return process
    # A secret that is to invalidate the cache does so as a variable.
    keys = [
        cache_key_variable(each)
        for each in mounts
        if isinstance(each, ops.Secret) and each.cache_key is not None
    ]
    return with_env(process, tuple({**(env or {}), **dict(keys)}.items()))


def with_overrides(
    process: ops.Process,
    *,
    workdir: str | None,
    user: str | None,
    network: ops.Network | str | None,
    security: ops.Security | str | None,
) -> ops.Process:
    """Return the process with the settings of one run; None keeps those of the state."""
    if workdir is None and user is None and network is None and security is None:
        return process
    changes: dict[str, Any] = {}
    if workdir is not None:
        changes["cwd"] = joined(process.cwd, workdir)
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
    """Return the mounts with others added, each in place of one that has its target."""
    given = tuple(added)
    if not mounts:
        return given
    targets = {each.target for each in given if each.target is not None}
    return (*(each for each in mounts if each.target not in targets), *given)


def sorted_trees(given: Iterable[MountValue]) -> tuple[ops.Mount, ...]:
    """Return the mounts of trees, caches and memory in their order on the wire."""
    trees = [each for each in given if isinstance(each, _TREES)]
    return tuple(sorted(trees, key=lambda mount: mount.target))


def of_kind(kind: type[M_], given: tuple[MountValue, ...]) -> tuple[M_, ...]:
    """Return the mounts of one kind."""
    return tuple([each for each in given if isinstance(each, kind)]) if given else ()


def no_result(op: ops.ExecOp, target: str) -> InvalidValueError:
    """Return the error of asking for what a run wrote where it wrote nothing."""
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
