"""A fake gateway: run a frontend in this process against a fake daemon, over real gRPC."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from attrs import field, frozen

from llb import Definition, State
from llb.arguments.checked import checked
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.connect.errors import to_solve_error
from llb.errors import RemoteError, SolveError, render
from llb.gateway import Request, Result
from llb.platforms import to_platform
from llb.state.step_options import check_keys
from llb.testing.fake_buildkit.bridge import CAPS, Conversation, DaemonState, to_result
from llb.testing.fake_buildkit.building import Builder
from llb.testing.fake_buildkit.local import LocalClient
from llb.testing.images import ADD_IMAGES, MISSING, FakeImages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import Platform
    from llb.gateway import Gateway, SourceInfo
    from llb.testing.fake_buildkit.bridge import Frontend
    from llb.testing.fake_buildkit.building import StepOutput
    from llb.testing.fake_buildkit.local import Files
    from llb.testing.fake_buildkit.records import Solve, Warned
    from llb.testing.images import AnyImage

_SESSION = "session"


class GatewayOptions(TypedDict, total=False):
    """The options of a :class:`FakeGateway`.

    ``files`` are the client's build context and the directory of its Dockerfile: contents by
    path as :func:`llb.files` takes them, or the path of a directory. ``local_dirs`` are other
    local directories by name. ``images`` are configs by reference, by default
    :data:`llb.testing.images.KNOWN`. ``outputs`` are the results of steps that need a real
    daemon, by command such as ``run make``. ``sources`` describe Git and HTTP sources by
    identifier. ``inputs`` are trees that the client built, ``frontends`` other frontends by
    name, or by image for ``gateway.v0``. ``errors`` make methods fail:
    ``{"Warn": RemoteError(…)}``. ``platforms`` are the daemon's, its native one first. ``caps``
    and ``llb_caps`` are the daemon's capabilities, by default all known ones.
    """

    files: Files
    local_dirs: Mapping[str, Files]
    images: Mapping[str, AnyImage] | FakeImages
    outputs: Mapping[str, StepOutput]
    sources: Mapping[str, SourceInfo]
    inputs: Mapping[str, State | Definition]
    frontends: Mapping[str, Frontend]
    errors: Mapping[str, RemoteError]
    platforms: Iterable[Platform | str]
    caps: Iterable[str]
    llb_caps: Iterable[str]


@frozen
class Outcome:
    """The outcome of a frontend: a ``result``, or an ``error`` as the user sees it.

    ``exception`` is the exception of the function. ``solves`` and ``warnings`` are the
    frontend's requests and warnings, ``calls`` all of its calls, a line each, in order.
    """

    result: Result | None
    error: SolveError | None
    exception: BaseException | None = field(repr=False)
    solves: tuple[Solve, ...] = field(repr=False)
    warnings: tuple[Warned, ...]
    calls: tuple[str, ...] = field(repr=False)
    _trees: Mapping[str, Definition] = field(repr=False)

    def checked(self) -> Result:
        """Get the result. Raises AssertionError with the error as the user sees it."""
        if self.result is None:
            shown = "" if self.error is None else render(self.error)
            if self.error is not None and self.error.message.endswith(MISSING):
                shown += f"\nhint: {ADD_IMAGES}"
            raise AssertionError(f"the frontend failed:\n{shown}") from self.exception
        return self.result

    @property
    def definition(self) -> Definition:
        """The definition of the only tree of the result. Raises AssertionError."""
        definitions = list(self.definitions.values())
        if len(definitions) != 1:
            raise AssertionError(
                f"the result has {len(definitions)} trees: {', '.join(self.definitions)}"
            )
        return definitions[0]

    @property
    def definitions(self) -> dict[str, Definition]:
        """The definitions of the result by platform, or under ``""`` for a single tree."""
        self.checked()
        return dict(self._trees)

    @property
    def image_config(self) -> dict[str, Any]:
        """The image config of a result with one platform. Raises AssertionError."""
        metadata = self.checked().metadata
        if EXPORTER_IMAGE_CONFIG_KEY not in metadata:
            raise AssertionError(
                f"the result has no {EXPORTER_IMAGE_CONFIG_KEY}, but {', '.join(metadata)}"
            )
        config: dict[str, Any] = json.loads(metadata[EXPORTER_IMAGE_CONFIG_KEY])
        return config


class FakeGateway:
    """A fake daemon and client for frontends; it runs no processes.

    It answers as BuildKit does. It builds local directories, file actions and merges, and
    takes the results of other steps from ``outputs``. ``solves``, ``warnings`` and ``calls``
    are the calls of all frontends, ``unanswered`` those that need a real daemon.
    """

    @checked(options=GatewayOptions)
    def __init__(self, **options: Unpack[GatewayOptions]) -> None:
        check_keys(options, GatewayOptions.__optional_keys__)
        images = FakeImages.of(options.get("images"))
        platforms = tuple(map(to_platform, options.get("platforms", ("linux/amd64",))))
        self._inputs = {
            name: tree if isinstance(tree, Definition) else tree.marshal()
            for name, tree in options.get("inputs", {}).items()
        }
        self._stack = ExitStack()
        local = dict(options.get("local_dirs", {}))
        if "files" in options:
            local = {"context": options["files"], "dockerfile": options["files"], **local}
        client = LocalClient(local)
        self._stack.callback(client.close)
        self._builder = Builder(options.get("outputs", {}), images, lambda _: client.session)
        self._state = DaemonState(
            builder=self._builder,
            images=images,
            sources=options.get("sources", {}),
            frontends=options.get("frontends", {}),
            errors=options.get("errors", {}),
            platforms=platforms,
            session_id=_SESSION,
        )
        if "llb_caps" in options:
            self._state.llb_caps = frozenset(options["llb_caps"])
        self._state.caps = frozenset(options.get("caps", CAPS))

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
        """Open the frontend's end of a conversation, which ends with the fake gateway."""
        return self._stack.enter_context(Conversation(self._state, self._inputs).connected())

    @checked
    def request(self, options: Mapping[str, str] | None = None) -> Request:
        """Create the request to a frontend with the options of a client."""
        return Request(dict(options or {}), self._state.session_id, self._state.platforms)

    @checked
    def run(
        self,
        function: Frontend,
        options: Mapping[str, str] | None = None,
        *,
        language: str = "",
    ) -> Outcome:
        """Run a function as the frontend, as :func:`llb.gateway.serve` does.

        ``language`` is the language of its source files. Raises AssertionError if the frontend
        needed answers that the fake gateway does not have, even if it handled the errors.
        """
        marks = len(self.solves), len(self.warnings), len(self.calls)
        previous = len(self.unanswered)
        conversation = Conversation(self._state, self._inputs)
        exception = conversation.run(function, options or {}, language=language)
        if exception is not None and not isinstance(exception, Exception):
            # An interrupt, or the exception that skips a test, is not an error of a build.
            raise exception
        if self.unanswered[previous:]:
            unanswered = "; ".join(self.unanswered[previous:])
            raise AssertionError(
                f"the fake gateway has no answer to requests of the frontend: {unanswered}\n"
                "add answers with outputs=, sources= or frontends=; to run as the frontend that a "
                "syntax line names, pass the option cmdline as a daemon does: {'cmdline': NAME}"
            ) from exception
        result, error = None, None
        try:
            result = to_result(conversation.result())
        except RemoteError as raised:
            error = _to_client_error(raised)
        return Outcome(
            result=result,
            error=error,
            exception=exception,
            solves=self.solves[marks[0] :],
            warnings=self.warnings[marks[1] :],
            calls=self.calls[marks[2] :],
            trees={} if result is None else self._state.trees_of(result),
        )

    @property
    def solves(self) -> tuple[Solve, ...]:
        """The solve requests, in order."""
        return tuple(self._state.solves)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """The warnings, in order."""
        return tuple(self._state.warnings)

    @property
    def calls(self) -> tuple[str, ...]:
        """All calls of frontends, a line each: ``ReadFile ref1 Dockerfile``."""
        return tuple(self._state.calls)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The requests of frontends that need a real daemon."""
        return tuple(self._builder.unanswered)


class RunOptions(GatewayOptions, total=False):
    """The options of :func:`run_frontend`: those of a fake gateway, and ``language``."""

    language: str


@checked(options=RunOptions)
def run_frontend(
    function: Frontend, options: Mapping[str, str] | None = None, **given: Unpack[RunOptions]
) -> Outcome:
    """Run a function as a frontend in a new fake gateway, with the ``options`` of a client.

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


def _to_client_error(error: RemoteError) -> SolveError:
    """Convert an error as clients do."""
    return to_solve_error(error, lambda _: None, lambda _: ())
