"""Local directories that several targets use: each is sent once, in a session that the builds share."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from llb.client.builds.shared_directory import SharedDirectory
from llb.errors import LLBError
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from llb.client import Client
    from llb.client.image_build.request import ImageBuild
    from llb.client.options import BuildOptions


@contextmanager
def shared_contexts(
    client: Client,
    builds: Mapping[str, ImageBuild],
    nodes: Mapping[str, Iterable[str]],
    on_error: Callable[[Exception], None],
) -> Iterator[Mapping[str, ImageBuild]]:
    """Serve directories of several builds on the first node, and yield the builds that use them.

    An error of the block because files cannot be sent is replaced by the reason. ``on_error`` gets
    unexpected exceptions of the sessions. Raises InputError for an unusable directory.
    """
    with ExitStack() as stack:
        changed = dict(builds)
        sessions = []
        on_first = {
            name: build
            for name, build in builds.items()
            if [*nodes[name]] == [client._nodes.first.name]
        }
        for (name, path), users in _users(on_first).items():
            if len(users) > 1:
                session = SharedDirectory(client._control, name, path, on_error)
                sessions.append(stack.enter_context(session))
                changed |= {user: _with(changed[user], name, session) for user in users}
        try:
            yield changed
        except LLBError as error:
            for failure in (failure for session in sessions for failure in session.failures):
                raise failure from error
            raise


def _users(builds: Mapping[str, ImageBuild]) -> dict[tuple[str, Path], list[str]]:
    """List the builds that use each directory, by its name in the builds and its path."""
    users: dict[tuple[str, Path], list[str]] = {}
    for user, build in builds.items():
        # A function that runs here uses the session of its build.
        if build.request.function is None:
            for name, path in build.options.get("local_dirs", {}).items():
                users.setdefault((name, paths.resolve(path)), []).append(user)
    return users


def _with(build: ImageBuild, name: str, session: SharedDirectory) -> ImageBuild:
    """Let a build use a directory of another session instead of its own."""
    request = build.request
    own = {key: path for key, path in build.options["local_dirs"].items() if key != name}
    options: dict[str, Any] = {**build.options, "local_dirs": own}
    return evolve(
        build,
        request=evolve(request, attrs={**request.attrs, **session.attrs}),
        options=cast("BuildOptions", options),
    )
