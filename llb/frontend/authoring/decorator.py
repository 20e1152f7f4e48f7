"""A frontend for a language of one's own, made of a function.

::

    @frontend(filename="app.toml", language="TOML")
    def build(build: Build) -> State:
        return build.image(tomllib.loads(build.source.text)["base"])

    if __name__ == "__main__":
        sys.exit(serve(build))

What Docker's frontend does for all of its builds is done: ``# syntax=`` in the file, contexts in
directories, repositories and archives, ``.dockerignore``, named contexts, inputs, platforms, labels,
caches, lists of what is in an image, and what clients ask besides builds.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, overload

from attrs import evolve, frozen

from llb import SourceFile
from llb.buildfile import Build, Source, Target
from llb.buildfile.current import going_on
from llb.buildfile.parameters import parameters_of
from llb.buildfile.running import parts_of
from llb.buildfile.target import first_line
from llb.errors import LLBError, RemoteError
from llb.frontend.authoring.captured_output import Output
from llb.frontend.authoring.subject import Subject
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.frontend.dockerui.open import open_build
from llb.gateway import Result, is_served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from llb import Platform, State
    from llb.buildfile.current import Calls
    from llb.buildfile.running import Part, Stopwatch
    from llb.frontend.dockerui.open import Opened
    from llb.gateway import Gateway, Request

    Made: TypeAlias = "State | Mapping[Platform, State] | Mapping[str, State]"
    Function: TypeAlias = Callable[..., Made]
    Targets: TypeAlias = Callable[[Source], Mapping[str, str]]

__all__ = ["Frontend", "frontend"]


@overload
def frontend(function: Function, /) -> Frontend: ...


@overload
def frontend(
    *, filename: str = ..., language: str = ..., targets: Targets | None = ...
) -> Callable[[Function], Frontend]: ...


def frontend(
    function: Function | None = None,
    /,
    *,
    filename: str = DEFAULT_FILENAME,
    language: str = "",
    targets: Targets | None = None,
) -> Frontend | Callable[[Function], Frontend]:
    """Make a frontend of a function from a :class:`llb.buildfile.Build` to what is built.

    It is called for each platform, and returns a state, or states by platform or by name, as a
    target of a build file does; its other parameters are build args, as there.

    ``filename`` is the file that is read where a client names none, and ``language`` what its
    lines are shown as, by a name of GitHub's linguist. ``targets`` returns the targets that a file
    has, with their descriptions, the first of them being the default; without it
    ``Build.target`` is what a client asks for.
    """

    def make(function: Function) -> Frontend:
        return Frontend(function, filename, language, targets)

    return make if function is None else make(function)


@frozen
class Frontend:
    """What :func:`frontend` makes of a function, to be served, or built by ``Client.build``."""

    function: Function
    filename: str
    language: str
    targets: Targets | None

    def __call__(self, request: Request, gateway: Gateway) -> Result:
        """Return the result of a build. Raises what the function raises, and LLBError."""
        opened = open_build(request, gateway, filename=self.filename)
        if isinstance(opened, Result):
            return opened
        with ExitStack() as stack:
            if is_served():
                stack.enter_context(Output(opened.options.filename).shown(gateway))
            subject = _Subject(self, opened)
            asked = opened.asked.request_id
            if asked is not None:
                # It takes some milliseconds to import, and builds do without it.
                from llb.frontend.authoring.subrequests import answer  # noqa: PLC0415

                return answer(asked, subject)
            return subject.maker.result(subject.target)


@frozen
class _Subject(Subject):
    """A file that a frontend reads."""

    frontend: Frontend
    opened: Opened

    @property
    def source(self) -> SourceFile:
        opened = self.opened
        name, language = opened.options.filename, self.frontend.language
        return SourceFile(name, opened.text, language, opened.definition)

    @property
    def targets(self) -> tuple[Target, ...]:
        function = self.frontend.function
        takes_build, parameters = parameters_of(function, Build)
        named: Mapping[str, str] = {
            self.opened.options.target or "default": first_line(function.__doc__)
        }
        if self.frontend.targets is not None:
            named = self.frontend.targets(Source(self.source))
        return tuple(
            Target(
                function,
                name,
                description,
                tuple(parameters),
                is_default=place == 0,
                filename="",
                line=0,
                takes_build=takes_build,
            )
            for place, (name, description) in enumerate(named.items())
        )

    def call(
        self,
        target: Target,
        calls: Calls[Target],
        watch: Stopwatch,  # noqa: ARG002 - that of build files, whose time is limited
    ) -> tuple[Part, ...]:
        try:
            for each in target.parameters:
                calls.build.argument(each)
            with going_on(calls):
                return parts_of(target(), target)
        except RemoteError:
            raise
        except LLBError as error:
            if error.span is not None:
                error.span = evolve(error.span, definition=self.opened.definition)
            raise
