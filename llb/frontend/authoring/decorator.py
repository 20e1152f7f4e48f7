"""Turn a function into a frontend for your own language.

::

    @frontend(filename="app.toml", language="TOML")
    def build(build: Build) -> State:
        return build.image(tomllib.loads(build.source.text)["base"])

    if __name__ == "__main__":
        sys.exit(serve(build))

It supports what Docker's frontend does for all of its builds: ``# syntax=`` in the file, contexts
in directories, repositories and archives, ``.dockerignore``, named contexts, inputs, platforms,
labels, cache imports, SBOMs, and subrequests.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, overload

from attrs import evolve, frozen

from llb import SourceFile
from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.buildfile import Build, Source, Target
from llb.buildfile.current import set_current
from llb.buildfile.parameters import parameters_of
from llb.buildfile.running import to_parts
from llb.buildfile.target import first_line
from llb.errors import LLBError, RemoteError
from llb.frontend.authoring.captured_output import CapturedOutput
from llb.frontend.authoring.subject import Subject
from llb.frontend.dockerui.local_sources import DEFAULT_FILENAME
from llb.frontend.dockerui.open import read_entrypoint
from llb.gateway import Result, is_served

with lazy_imports(__name__):
    from llb.frontend.authoring import subrequests  # 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from llb import Platform, State
    from llb.buildfile.current import Calls
    from llb.buildfile.running import Part, Stopwatch
    from llb.frontend.dockerui.open import BuildRequest
    from llb.gateway import Gateway, Request

    TargetValue: TypeAlias = "State | Mapping[Platform, State] | Mapping[str, State]"
    Function: TypeAlias = Callable[..., TargetValue]
    Targets: TypeAlias = Callable[[Source], Mapping[str, str]]

__all__ = ["Frontend", "frontend"]


@overload
def frontend(function: Function, /) -> Frontend: ...


@overload
def frontend(
    *, filename: str = ..., language: str = ..., targets: Targets | None = ...
) -> Callable[[Function], Frontend]: ...


@checked
def frontend(
    function: Function | None = None,
    /,
    *,
    filename: str = DEFAULT_FILENAME,
    language: str = "",
    targets: Targets | None = None,
) -> Frontend | Callable[[Function], Frontend]:
    """Turn a function that takes a :class:`llb.buildfile.Build` into a frontend.

    It is called for each platform, and returns a state, or states by platform or by name, like
    a target of a build file; its other parameters are build args.

    ``filename`` is the default name of the file, and ``language`` the GitHub linguist name in
    which its lines are shown. ``targets`` returns the targets of a file with their descriptions,
    the first being the default; without it ``Build.target`` is the target that the client names.
    """

    def decorate(function: Function) -> Frontend:
        return Frontend(function, filename, language, targets)

    return decorate if function is None else decorate(function)


@frozen
class Frontend:
    """A frontend created by :func:`frontend`: serve it, or pass it to ``Client.build``."""

    function: Function
    filename: str
    language: str
    targets: Targets | None

    def __call__(self, request: Request, gateway: Gateway) -> Result:
        """Run a build or a subrequest. Raises the function's own exceptions, and LLBError."""
        build_request = read_entrypoint(request, gateway, filename=self.filename)
        if isinstance(build_request, Result):
            return build_request
        with ExitStack() as stack:
            if is_served():
                output = CapturedOutput(build_request.options.filename)
                stack.enter_context(output.capture(gateway))
            subject = _Subject(self, build_request)
            subrequest = build_request.client_options.request_id
            if subrequest is not None:
                return subrequests.answer(subrequest, subject)
            return subject.runner.result(subject.target)


@frozen
class _Subject(Subject):
    """The file that a frontend reads."""

    frontend: Frontend
    request: BuildRequest

    @property
    def source(self) -> SourceFile:
        request = self.request
        name, language = request.options.filename, self.frontend.language
        return SourceFile(name, request.text, language, request.definition)

    @property
    def targets(self) -> tuple[Target, ...]:
        function = self.frontend.function
        takes_build, parameters = parameters_of(function, Build)
        named: Mapping[str, str] = {
            self.request.options.target or "default": first_line(function.__doc__)
        }
        if self.frontend.targets is not None:
            named = self.frontend.targets(Source(self.source))
        return tuple(
            Target(
                function,
                name,
                description,
                tuple(parameters),
                is_default=index == 0,
                filename="",
                line=0,
                takes_build=takes_build,
            )
            for index, (name, description) in enumerate(named.items())
        )

    def call(
        self,
        target: Target,
        calls: Calls[Target],
        watch: Stopwatch,  # noqa: ARG002 - that of build files, whose time is limited
    ) -> tuple[Part, ...]:
        try:
            for parameter in target.parameters:
                calls.build.argument(parameter)
            with set_current(calls):
                return to_parts(target(), target)
        except RemoteError:
            raise
        except LLBError as error:
            if error.span is not None:
                error.span = evolve(error.span, definition=self.request.definition)
            raise
