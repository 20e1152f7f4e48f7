"""Requests other than builds: what a Dockerfile offers, what its checks say, what it converts to.

A client names one in the option ``requestid``, and takes the answer from the metadata of the
result (BuildKit ``frontend/subrequests``): ``result.json``, ``result.txt`` for people,
``version``, and ``result.statuscode`` of one that a script may judge by.
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
    """Return the answer to a request. Raises LLBError, for a name that is not known too."""
    # Docker's frontend reads this one before it looks at the request.
    parse_settings("", options.build_args)
    found = _ANSWERS.get(name)
    if found is None:
        raise unsupported_request(name)
    # Docker's frontend answers for its own platform, whatever the build is asked for.
    return found(file, evolve(options, platform=options.build_platform, explicit_platform=False))


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


_ANSWERS: Mapping[str, Callable[[File, ConvertOptions], Result]] = {
    DESCRIBE: _describe,
    OUTLINE: _outline,
    TARGETS: _targets,
    CONVERT: _convert,
    LINT: answer_lint,
}
