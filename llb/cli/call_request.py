"""``llb build --call``: what a frontend says of a Dockerfile, instead of building it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from attrs import evolve

from llb.errors import InputError

if TYPE_CHECKING:
    from llb.cli.frontend_options import FrontendOptions, FrontendRequest
    from llb.client import Client
    from llb.client.options import BuildOptions
    from llb.client.progress.display import Display
    from llb.gateway import Gateway, Request, Result

_CAPS = "moby.buildkit.frontend.subrequests"


def call(
    client: Client,
    given: FrontendOptions,
    request: FrontendRequest,
    shown: Display,
    options: BuildOptions,
) -> None:
    """Ask and print the answer; the status of the process is the one that it brings.

    Raises what ``Client.build`` does, and InputError for a frontend that answers nothing.
    """
    answers = _ask(client, str(given.request), request, shown, options)
    key = "result.json" if given.wants_json else "result.txt"
    if key not in answers:
        raise InputError(f"the frontend does not answer {given.request} with {key}")
    if answers[key]:
        click.echo(answers[key], nl=not answers[key].endswith(b"\n"))
    status = answers.get("result.statuscode", b"0")
    sys.exit(int(status) if status.isdigit() else 1)


def _ask(
    client: Client, name: str, request: FrontendRequest, shown: Display, options: BuildOptions
) -> dict[str, bytes]:
    from llb.gateway import Result  # noqa: PLC0415 - loads protobuf

    answers: dict[str, bytes] = {}
    attrs = {**request.attrs, "requestid": name, "frontend.caps": _CAPS}

    inputs = {key: each.marshal() for key, each in request.inputs.items()}

    def ask(given: Request, gateway: Gateway) -> Result:
        if request.function is not None:
            given = evolve(given, options=attrs)
            answers.update(request.function(given, gateway).metadata)
        else:
            asked = gateway.solve_frontend(request.frontend, attrs, inputs=inputs)
            answers.update(asked.metadata)
        return Result()

    asking = options.copy()
    asking["exports"] = ()
    with shown:
        client.build(ask, **asking)
    return answers
