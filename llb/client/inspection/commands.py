"""Run a process in a tree that a daemon builds, for :meth:`llb.client.Client.run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from llb.client.inspection.trees import check_tree, resolve, run_function, to_definition
from llb.definition.definition import Definition
from llb.gateway import Result
from llb.sources.from_definition import from_definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb import Network, Security
    from llb.buildkit_names import NetworkName, SecurityName
    from llb.client.inspection.trees import Build, Tree
    from llb.client.options import BuildOptions
    from llb.gateway import Completed, Gateway, Request
    from llb.platforms import Platform
    from llb.state.settings import MountValue


class RunSettings(TypedDict):
    """The settings of the process that override those of the state, as ``State.run`` takes them."""

    env: Mapping[str, str] | None
    workdir: str | None
    user: str | None
    mounts: Iterable[MountValue]
    shell: Sequence[str] | None
    network: Network | NetworkName | None
    security: Security | SecurityName | None


def run(
    build: Build,
    tree: Tree,
    command: str | Sequence[str],
    *,
    input: bytes | str | None,  # noqa: A002 - the word of subprocess.run
    check: bool,
    platform: Platform | str | None,
    settings: RunSettings,
    options: BuildOptions,
) -> Completed:
    """Build a tree and run a process in it, see :meth:`llb.client.Client.run`."""
    check_tree(tree, platform)
    stdin = input.encode() if isinstance(input, str) else input
    state = from_definition(tree) if isinstance(tree, Definition) else tree
    step = state.run(command, **settings)

    def function(request: Request, gateway: Gateway) -> tuple[Completed, Result]:
        resolved = resolve(step, platform, gateway)
        # The image may have a shell of its own.
        assert resolved.last_run is not None
        args = resolved.last_run.args
        definition = to_definition(resolved, platform, options, request.session_id)
        with gateway.step_container(definition) as container:
            return container.run(args, stdin=stdin, check=check), Result()

    return run_function(build, function, options)
