"""Build a file in the process of a client, instead of in a frontend's image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb._lazy import lazy_imports
from llb.arguments.checked import checked

with lazy_imports(__name__):
    from llb.frontend import build  # 95 ms
    from llb.frontend.authoring import captured_output  # 11 ms

if TYPE_CHECKING:
    from llb.gateway import Gateway, Request, Result

# A frontend that was forwarded to gets this option, and does not forward again.
_FORWARDED = "cmdline"


@checked
def build_in_process(request: Request, gateway: Gateway, *, follow_syntax: bool = True) -> Result:
    """Build the build file or Dockerfile of a request, as the function of ``Client.build``.

    The file of the request is read through the daemon, and a build file is evaluated in this
    process, behind the guards of :mod:`llb.buildfile`: it cannot reach clocks, files or the
    network by accident. It is code that runs with the rights of this process, so the guards do
    not protect from its author. What it prints is shown as steps of the build.

    If the file or ``BUILDKIT_SYNTAX`` names a frontend, the daemon runs that frontend instead;
    with ``follow_syntax=False`` it is ignored, and nothing of the file runs anywhere else. Raises
    the exceptions of the file, with its source lines, and LLBError::

        with Client() as client:
            client.build(
                build_in_process,
                frontend_attrs={"filename": "build.py", "target": "app"},
                local_dirs={"context": ".", "dockerfile": "."},
                exports=[image("example")],
            )
    """
    if not follow_syntax:
        request = evolve(request, options={_FORWARDED: "", **request.options})
    output = captured_output.CapturedOutput(request.options.get("filename", "build file"))
    with output.capture_prints(gateway):
        return build.build(request, gateway)
