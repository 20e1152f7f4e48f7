"""A fake gateway: what a frontend is in conversation with, in this process, over real gRPC."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from attrs import field, frozen

from llb import Definition, State
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.connect.errors import to_solve_error
from llb.errors import RemoteError, SolveError, render
from llb.gateway import Request, Result
from llb.platforms import to_platform
from llb.state.step_options import check_keys
from llb.testing.fake_buildkit.bridge import CAPS, Conversation, World, to_result
from llb.testing.fake_buildkit.building import Builder
from llb.testing.fake_buildkit.local import LocalClient
from llb.testing.images import FakeImages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import Platform
    from llb.gateway import Gateway, SourceInfo
    from llb.testing.fake_buildkit.bridge import Frontend
    from llb.testing.fake_buildkit.building import Made
    from llb.testing.fake_buildkit.local import Files
    from llb.testing.fake_buildkit.records import Solve, Warned
    from llb.testing.images import AnyImage

_SESSION = "session"


class GatewayOptions(TypedDict, total=False):
    """What a :class:`FakeGateway` may be given.

    ``files`` are what the client has as its build context, and as the directory of its
    Dockerfile: contents by path as :func:`llb.files` takes them, or the path of a directory.
    ``local_dirs`` are further local directories by name. ``images`` are configs by reference,
    :data:`llb.testing.images.KNOWN` by default. ``outputs`` say what steps give that only a
    daemon can do, by ``run make`` and the like. ``sources`` tell of repositories and files of
    the web, by their identifiers. ``inputs`` are trees that the client built, ``frontends``
    other frontends by name, or by image for ``gateway.v0``. ``errors`` are what calls fail with,
    by their methods: ``{"Warn": RemoteError(…)}``. ``platforms`` are the daemon's, its own
    first. ``caps`` and ``llb_caps`` are what it can do, by default what is known.
    """

    files: Files
    local_dirs: Mapping[str, Files]
    images: Mapping[str, AnyImage] | FakeImages
    outputs: Mapping[str, Made]
    sources: Mapping[str, SourceInfo]
    inputs: Mapping[str, State | Definition]
    frontends: Mapping[str, Frontend]
    errors: Mapping[str, RemoteError]
    platforms: Iterable[Platform | str]
    caps: Iterable[str]
    llb_caps: Iterable[str]


@frozen
class Outcome:
    """What came of a frontend's run: a ``result``, or an ``error`` as its user is shown it.

    ``exception`` is what the function raised. ``solves`` and ``warnings`` are what it asked
    for and warned of, ``calls`` all that it said, a line each, in order.
    """

    result: Result | None
    error: SolveError | None
    exception: BaseException | None = field(repr=False)
    solves: tuple[Solve, ...] = field(repr=False)
    warnings: tuple[Warned, ...]
    calls: tuple[str, ...] = field(repr=False)
    _trees: Mapping[str, Definition] = field(repr=False)

    def checked(self) -> Result:
        """Return the result. Raises AssertionError with the error as its user is shown it."""
        if self.result is None:
            shown = "" if self.error is None else render(self.error)
            raise AssertionError(f"the frontend failed:\n{shown}") from self.exception
        return self.result

    @property
    def definition(self) -> Definition:
        """The definition of the only tree of the result. Raises AssertionError."""
        found = list(self.definitions.values())
        if len(found) != 1:
            raise AssertionError(
                f"the result has {len(found)} trees: {', '.join(self.definitions)}"
            )
        return found[0]

    @property
    def definitions(self) -> dict[str, Definition]:
        """The definitions of the trees of the result by platform; an only one has the name ``""``."""
        self.checked()
        return dict(self._trees)

    @property
    def image_config(self) -> dict[str, Any]:
        """The image config of the result, that of its only platform. Raises AssertionError."""
        metadata = self.checked().metadata
        if EXPORTER_IMAGE_CONFIG_KEY not in metadata:
            raise AssertionError(
                f"the result has no {EXPORTER_IMAGE_CONFIG_KEY}, but {', '.join(metadata)}"
            )
        found: dict[str, Any] = json.loads(metadata[EXPORTER_IMAGE_CONFIG_KEY])
        return found


class FakeGateway:
    """A daemon that runs nothing and a client with files, to frontends.

    It answers as BuildKit does. Trees are what can be told without running anything: local
    directories, file actions, merges, and what ``outputs`` say. ``solves``, ``warnings`` and
    ``calls`` are what all frontends asked, ``unanswered`` what could not be told.
    """

    def __init__(self, **options: Unpack[GatewayOptions]) -> None:
        check_keys(options, GatewayOptions.__optional_keys__)
        self._stack = ExitStack()
        local = dict(options.get("local_dirs", {}))
        if "files" in options:
            local = {"context": options["files"], "dockerfile": options["files"], **local}
        client = LocalClient(local)
        self._stack.callback(client.close)
        images = FakeImages.of(options.get("images"))
        self._builder = Builder(options.get("outputs", {}), images, lambda _: client.session)
        self._world = World(
            builder=self._builder,
            images=images,
            sources=options.get("sources", {}),
            frontends=options.get("frontends", {}),
            errors=options.get("errors", {}),
            platforms=tuple(map(to_platform, options.get("platforms", ("linux/amd64",)))),
            session_id=_SESSION,
        )
        if "llb_caps" in options:
            self._world.llb_caps = frozenset(options["llb_caps"])
        self._world.caps = frozenset(options.get("caps", CAPS))
        self._inputs = {
            name: each if isinstance(each, Definition) else each.marshal()
            for name, each in options.get("inputs", {}).items()
        }

    def __enter__(self) -> Self:
        """Return the gateway itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End all conversations."""
        self.close()

    def close(self) -> None:
        """End all conversations; a second call does nothing."""
        self._stack.close()

    def connect(self) -> Gateway:
        """Return a frontend's end of a conversation, which ends with the fake gateway."""
        return self._stack.enter_context(Conversation(self._world, self._inputs).connected())

    def request(self, options: Mapping[str, str] | None = None) -> Request:
        """Return what a frontend is asked for, with the options of a client."""
        return Request(dict(options or {}), self._world.session_id, self._world.platforms)

    def run(
        self,
        function: Frontend,
        options: Mapping[str, str] | None = None,
        *,
        language: str = "",
    ) -> Outcome:
        """Have a function be the frontend, as :func:`llb.gateway.serve` does, and return how it went.

        ``language`` is that of its files. Raises AssertionError where it asked what the fake
        gateway cannot tell, whatever it made of that.
        """
        marks = len(self.solves), len(self.warnings), len(self.calls)
        known = len(self.unanswered)
        conversation = Conversation(self._world, self._inputs)
        exception = conversation.run(function, options or {}, language=language)
        if exception is not None and not isinstance(exception, Exception):
            # An interrupt, or the way in which a test is skipped, is no error of a build.
            raise exception
        if self.unanswered[known:]:
            told = "; ".join(self.unanswered[known:])
            raise AssertionError(
                f"the frontend asked what the fake gateway cannot tell: {told}\n"
                "say it with outputs=, sources= or frontends="
            ) from exception
        result, error = None, None
        try:
            result = to_result(conversation.result())
        except RemoteError as raised:
            error = _shown(raised)
        return Outcome(
            result=result,
            error=error,
            exception=exception,
            solves=self.solves[marks[0] :],
            warnings=self.warnings[marks[1] :],
            calls=self.calls[marks[2] :],
            trees={} if result is None else self._world.trees_of(result),
        )

    @property
    def solves(self) -> tuple[Solve, ...]:
        """What was asked to be built, in order."""
        return tuple(self._world.solves)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What was warned of, in order."""
        return tuple(self._world.warnings)

    @property
    def calls(self) -> tuple[str, ...]:
        """All that frontends said, a line each: ``ReadFile ref1 Dockerfile``."""
        return tuple(self._world.calls)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """What frontends asked that it takes a daemon to tell."""
        return tuple(self._builder.unanswered)


class RunOptions(GatewayOptions, total=False):
    """What :func:`run_frontend` takes: all of a fake gateway, and the ``language`` of the files."""

    language: str


def run_frontend(
    function: Frontend, options: Mapping[str, str] | None = None, **given: Unpack[RunOptions]
) -> Outcome:
    """Return what comes of a function as a frontend, with the ``options`` of a client.

    Raises as :meth:`FakeGateway.run` does.

    >>> from llb import Image
    >>> def frontend(request, gateway):
    ...     state = Image("alpine").run(f"make {request.options['target']}")
    ...     return Result(gateway.solve(state.marshal()))
    >>> run_frontend(frontend, {"target": "all"}).definition
    <Definition of 3 ops, head sha256:...>
    """
    language = given.pop("language", "")
    with FakeGateway(**given) as gateway:  # type: ignore[misc]
        return gateway.run(function, options, language=language)


def _shown(error: RemoteError) -> SolveError:
    """Return an error as clients put it together."""
    return to_solve_error(error, lambda _: None, lambda _: ())
