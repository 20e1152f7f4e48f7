"""``llb build --call``: send a subrequest to a frontend instead of building."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from attrs import evolve

import llb.gateway
from llb.control_characters import escape, escape_in_json
from llb.errors import InputError

if TYPE_CHECKING:
    from llb.cli.frontend_options import FrontendOptions
    from llb.client import Client
    from llb.client.image_build.request import FrontendRequest
    from llb.client.options import BuildOptions
    from llb.client.progress.display import Display
    from llb.gateway import Gateway, Request

_CHECK = "frontend.lint"
_CAPS = "moby.buildkit.frontend.subrequests"


def call(
    client: Client,
    frontend: FrontendOptions,
    request: FrontendRequest,
    progress: Display,
    options: BuildOptions,
) -> None:
    """Send the subrequest, print the answer and exit with the status it carries.

    Raises the errors of ``Client.build``, and InputError if the frontend returns no answer.
    """
    metadata = _send(client, str(frontend.request), request, progress, options)
    key = "result.json" if frontend.wants_json else "result.txt"
    if key not in metadata:
        raise InputError(f"the frontend returned no {key} for {frontend.request}")
    answer = metadata[key]
    if frontend.request == _CHECK and not answer:
        answer = b"Check complete, no warnings found."
    if answer:
        text = answer.decode(errors="replace")
        shown = escape_in_json(text) if frontend.wants_json else escape(text)
        click.echo(shown, nl=not shown.endswith("\n"))
    status = metadata.get("result.statuscode", b"0")
    sys.exit(int(status) if status.isdigit() else 1)


def _send(
    client: Client, name: str, request: FrontendRequest, progress: Display, options: BuildOptions
) -> dict[str, bytes]:

    metadata: dict[str, bytes] = {}
    attrs = {**request.attrs, "requestid": name, "frontend.caps": _CAPS}

    inputs = {key: state.marshal() for key, state in request.inputs.items()}

    def subrequest(build_request: Request, gateway: Gateway) -> llb.gateway.Result:
        if request.function is not None:
            build_request = evolve(build_request, options=attrs)
            metadata.update(request.function(build_request, gateway).metadata)
        else:
            result = gateway.solve_frontend(request.frontend, attrs, inputs=inputs)
            metadata.update(result.metadata)
        return llb.gateway.Result()

    call_options = options.copy()
    call_options["exports"] = ()
    with progress:
        client.build(subrequest, frontend_inputs=request.inputs, **call_options)
    return metadata
