"""Answer a request for a build file: build it, or answer a subrequest about it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.frontend.authoring.captured_output import CapturedOutput
from llb.frontend.buildfiles import limits
from llb.frontend.buildfiles.build_file import BuildFile
from llb.gateway import is_served

with lazy_imports(__name__):
    from llb.frontend.authoring import subrequests  # 4 ms

if TYPE_CHECKING:
    from llb.frontend.dockerui.open import BuildRequest
    from llb.gateway import Result


def build(request: BuildRequest) -> Result:
    """Run the build or the subrequest for a build file.

    In a process that a daemon started, the file's output is shown in the progress of the
    build, and its CPU time and memory are limited. Raises the file's own exceptions, with its
    source lines, and LLBError.
    """
    with ExitStack() as stack:
        if is_served():
            limits.set_limits()
            output = CapturedOutput(request.options.filename)
            stack.enter_context(output.capture(request.gateway))
        build_file = stack.enter_context(BuildFile(request))
        subrequest = request.client_options.request_id
        if subrequest is not None:
            return subrequests.answer(subrequest, build_file)
        return build_file.runner.result(build_file.target)
