"""Build files in Python, on the daemon: :mod:`llb.buildfile` says how they are written.

Private to :mod:`llb.frontend`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from llb.frontend.authoring.captured_output import Output
from llb.frontend.buildfiles import limits
from llb.frontend.buildfiles.build_file import Script
from llb.gateway import is_served

if TYPE_CHECKING:
    from llb.frontend.dockerui.open import Opened
    from llb.gateway import Result


def build(opened: Opened) -> Result:
    """Return the result of a build file, or the answer to what is asked of it instead.

    In a process that a daemon started, its author sees what it prints in the progress of the
    build, and it is held within limits. Raises what the file raises, told with its own lines, and
    LLBError.
    """
    with ExitStack() as stack:
        if is_served():
            limits.set_limits()
            stack.enter_context(Output(opened.options.filename).shown(opened.gateway))
        script = stack.enter_context(Script(opened))
        asked = opened.asked.request_id
        if asked is not None:
            # It takes some milliseconds to import, and builds do without it.
            from llb.frontend.authoring.subrequests import answer  # noqa: PLC0415

            return answer(asked, script)
        return script.maker.result(script.target)
