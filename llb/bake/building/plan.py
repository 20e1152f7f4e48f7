"""Build targets of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.bake.building.jobs import Jobs
from llb.bake.building.run import build_selection
from llb.bake.definitions.plan import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.bake.definitions.plan import Plan
    from llb.client import Client, SolveResult
    from llb.client.progress.events import Event


@checked
def build(
    plan: Plan,
    client: Client,
    *,
    targets: Iterable[str] = (DEFAULT,),
    jobs: int | str = 0,
    on_event: Callable[[Event], None] | None = None,
    on_result: Callable[[str, SolveResult], None] | None = None,
) -> dict[str, SolveResult]:
    """Build targets and groups of a plan, and return the results of the targets by name.

    ``targets`` are names or patterns. All are built at the same time, over the client's connection;
    a target waits only for those that it uses as contexts. ``jobs`` is how many may be built at the
    same time, by default all, or a mode: ``defer-error`` lets other targets end after a failure, and
    ``defer-output`` exports nothing before all results are built. ``defer-error,parallel=2`` is both.
    ``on_event`` is called with the events of all builds, whose steps are named with their target,
    and ``on_result`` with the name and the result of each target that was built.

    Raises BakeFileError for a target that is not there. The first failure of a build cancels the
    others and is raised, with the name of the target before its message: SolveError, and all other
    errors of :meth:`llb.client.Client.build_image`. With ``defer-error``, it is an ExceptionGroup of
    the failures. The program that calls this is trusted: unlike the command, it asks nobody before
    it uses files outside the working directory.
    """
    names = (targets,) if isinstance(targets, str) else targets
    return build_selection(
        plan.select(names),
        client,
        jobs=Jobs.parse(str(jobs)),
        on_event=on_event,
        on_result=on_result,
    )
