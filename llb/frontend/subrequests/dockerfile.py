"""Subrequests for Dockerfiles: outline, targets, lint and convertllb.

A client names the subrequest in the option ``requestid``, and reads the answer from the metadata
of the result (BuildKit ``frontend/subrequests``): ``result.json``, ``result.txt`` for people,
``version``, and ``result.statuscode`` for scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.dockerfile.check_settings import parse_settings
from llb.dockerfile.outline import outline
from llb.dockerfile.stages.targets import list_targets
from llb.dockerfile.trace import Trail
from llb.frontend.subrequests.lint import answer_lint
from llb.frontend.subrequests.listings import (
    CONVERT,
    DESCRIBE,
    LINT,
    OUTLINE,
    TARGETS,
    convert_result,
    describe_result,
    outline_result,
    targets_result,
)
from llb.gateway import unsupported_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.dockerfile import ConvertOptions
    from llb.frontend.dockerui.dockerfile import File
    from llb.gateway import Result


def answer(name: str, file: File, options: ConvertOptions) -> Result:
    """Answer a subrequest. Raises LLBError, also for an unknown name."""
    # Docker's frontend parses these settings before it looks at the subrequest.
    parse_settings("", options.build_args)
    handler = _HANDLERS.get(name)
    if handler is None:
        raise unsupported_request(name)
    # Docker's frontend answers for its own platform, whatever platform the build requests.
    return handler(file, evolve(options, platform=options.build_platform, explicit_platform=False))


def _describe(file: File, options: ConvertOptions) -> Result:  # noqa: ARG001
    return describe_result()


def _targets(file: File, options: ConvertOptions) -> Result:
    return targets_result(list_targets(file.parse(options)), file.text)


def _outline(file: File, options: ConvertOptions) -> Result:
    trail = Trail()
    parsed = file.parse(options)
    file.convert(parsed, options, trail)
    return outline_result(outline(parsed, options, trail), file.text)


def _convert(file: File, options: ConvertOptions) -> Result:
    converted = file.convert(file.parse(options), options)
    definition = converted.state.marshal(platform=options.platform, caps=file.gateway.caps.llb)
    return convert_result(definition)


_HANDLERS: Mapping[str, Callable[[File, ConvertOptions], Result]] = {
    DESCRIBE: _describe,
    OUTLINE: _outline,
    TARGETS: _targets,
    CONVERT: _convert,
    LINT: answer_lint,
}
