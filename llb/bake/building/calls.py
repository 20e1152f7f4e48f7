"""Ask a frontend about a target, instead of building it: ``call = "check"`` and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from llb.bake.building.options import image_build
from llb.client.image_build.check_answer import check_error, check_text
from llb.client.key_values import parse_flag
from llb.errors import BakeFileError, InvalidValueError, LLBError, did_you_mean
from llb.gateway import Result
from llb.gocompat.csv import split_csv

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.bake.definitions.target import Target
    from llb.client import Client
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.gateway import Gateway, Request

_REQUESTS = {
    "check": "frontend.lint",
    "lint": "frontend.lint",
    "outline": "frontend.outline",
    "targets": "frontend.targets",
    "subrequests.describe": "frontend.subrequests.describe",
}
_BUILD, _TEXT = "build", "result.txt"
_CAPS = "moby.buildkit.frontend.subrequests"


@frozen
class Call:
    """A request about a target, the format of the answer, and whether its status is ignored."""

    request: str
    format: str = ""
    ignores_status: bool = False

    @classmethod
    def parse(cls, text: str) -> Call | None:
        """Parse ``check``, or ``outline,format=json``; None for ``build``.

        Raises InvalidValueError.
        """
        name = layout = ""
        ignores_status = False
        try:
            fields = split_csv(text) if text else ()
        except ValueError as error:
            raise InvalidValueError(f"invalid call {text!r}: {error}") from None
        for field in fields:
            key, equals, value = field.partition("=")
            if not equals and not name:
                name = field
            elif key == "format":
                layout = value
            elif key == "ignorestatus":
                ignores_status = parse_flag(value, f"call {text!r}: ignorestatus")
            else:
                raise InvalidValueError(f"invalid call {text!r}: unexpected '{field}'")
        if name in {"", _BUILD}:
            return None
        if name not in _REQUESTS:
            hint = did_you_mean(name, _REQUESTS)
            raise InvalidValueError(
                f"unknown call '{name}': expected check, outline or targets", hint=hint
            )
        return cls(_REQUESTS[name], layout, ignores_status)


@frozen
class Answer:
    """What the frontend answered: a text, and an exit status that is 0 if all is well.

    ``error`` is the mistake in the file that a check has found, if any.
    """

    text: str
    status: int
    error: LLBError | None = None


def call(
    target: Target,
    client: Client,
    request: Call,
    on_event: Callable[[Event], None] | None = None,
    on_report: Callable[[Report], None] | None = None,
) -> Answer:
    """Ask the frontend about a prepared target. Raises the errors of ``Client.build``."""
    build = image_build(target)
    attrs = {**build.request.attrs, "requestid": request.request, "frontend.caps": _CAPS}
    inputs = {key: state.marshal() for key, state in build.request.inputs.items()}
    metadata: dict[str, bytes] = {}

    def ask(asked: Request, gateway: Gateway) -> Result:
        if build.request.function is not None:
            result = build.request.function(evolve(asked, options=attrs), gateway)
        else:
            result = gateway.solve_frontend(build.request.frontend, attrs, inputs=inputs)
        metadata.update(result.metadata)
        return Result()

    options: dict[str, Any] = {**build.options, "exports": (), "on_event": on_event}
    if on_report is not None:
        options["on_report"] = on_report
    client.build(ask, frontend_inputs=build.request.inputs, **options)
    key = "result.json" if request.format == "json" else _TEXT
    if key not in metadata:
        raise BakeFileError(
            f"the frontend returned no {key} for {request.request} of {target.name}"
        )
    status = metadata.get("result.statuscode", b"0")
    number = 0 if request.ignores_status else int(status) if status.isdigit() else 1
    if request.request == _REQUESTS["check"] and key == _TEXT:
        return Answer(check_text(metadata), number, check_error(metadata))
    return Answer(metadata[key].decode(errors="replace"), number)
