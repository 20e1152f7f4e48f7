"""``llb build --call``: send a subrequest to a frontend instead of building."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click
from attrs import evolve

import llb.gateway
from llb.cli.results.metadata_file import answer_metadata, write_metadata
from llb.client.image_build.check_answer import check_error, check_text
from llb.control_characters import escape, escape_in_json
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

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
    metadata_file: Path | None,
) -> NoReturn:
    """Send the subrequest, print the answer and exit with the status it carries.

    The answer is also written to a metadata file, if there is one. Raises the errors of
    ``Client.build``, InputError if the frontend returns no answer, and the error that a check finds.
    """
    metadata = _send(client, str(frontend.request), request, progress, options)
    key = "result.json" if frontend.wants_json else "result.txt"
    if key not in metadata:
        raise InputError(f"the frontend returned no {key} for {frontend.request}")
    if metadata_file is not None:
        write_metadata(metadata_file, answer_metadata(metadata))
    is_check = frontend.request == _CHECK and not frontend.wants_json
    text = check_text(metadata) if is_check else metadata[key].decode(errors="replace")
    if text:
        shown = escape_in_json(text) if frontend.wants_json else escape(text)
        click.echo(shown, nl=not shown.endswith("\n"))
    if is_check and (error := check_error(metadata)) is not None:
        raise error
    status = metadata.get("result.statuscode", b"0")
    sys.exit(0 if frontend.ignores_status else int(status) if status.isdigit() else 1)


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
