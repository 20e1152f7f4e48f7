"""Build a Dockerfile on the daemon, from the options of a client to the gateway result.

This module talks to the daemon; parsing and converting the Dockerfile are
pure and live in :mod:`llb.dockerfile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb._lazy import lazy_imports
from llb.dockerfile.language import PLAIN, Language
from llb.errors import LLBError
from llb.frontend.dockerui.concurrent import map_concurrently
from llb.frontend.dockerui.dockerfile import File
from llb.frontend.dockerui.open import read_entrypoint
from llb.gateway import Gateway, PlatformImage, Request, Result

with lazy_imports(__name__):
    from llb.frontend.buildfiles import answer  # 38 ms
    from llb.frontend.dockerui import sbom  # 0.2 ms
    from llb.frontend.subrequests import dockerfile  # 4 ms

if TYPE_CHECKING:
    from llb import Platform
    from llb.dockerfile import Converted, ConvertOptions
    from llb.frontend.dockerui.options import Options


_PYTHON = ".py"
_QUOTES = (b'"""', b"'''")


def build(request: Request, gateway: Gateway, language: Language = PLAIN) -> Result:
    """Build the Dockerfile or build file that ``request`` names, and return the result.

    ``language`` may add instructions and checks. Raises LLBError, with a source span if possible.
    """
    entry = read_entrypoint(request, gateway)
    if isinstance(entry, Result):
        return entry
    convert_options, options = entry.options, entry.client_options
    if _is_python(convert_options.filename, entry.text):
        return answer.build(entry)
    file = File(entry.text, entry.vertex, entry.definition, gateway, entry.resolve, language)
    if options.request_id is not None:
        return dockerfile.answer(options.request_id, file, convert_options)
    try:
        return _result(file, convert_options, options, gateway)
    except LLBError as error:
        raise file.to_client_error(error) from error.__cause__


def _is_python(filename: str, text: bytes) -> bool:
    """Check whether a file is a Python build file, by its extension or its first statement.

    No Dockerfile starts with such a statement, and a file from standard input has no extension.
    """
    if filename.endswith(_PYTHON):
        return True
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith(b"#"):
            is_import = words[0] == b"import" or (words[0] == b"from" and words[2:3] == [b"import"])
            return is_import or words[0].startswith(_QUOTES)
    return False


def _result(
    file: File, convert_options: ConvertOptions, options: Options, gateway: Gateway
) -> Result:
    """Convert and solve the images of all platforms in parallel."""
    parsed = file.parse(convert_options)

    def build_image(platform: Platform | None) -> tuple[PlatformImage, Converted]:
        for_platform = convert_options
        if platform is not None:
            # Only the first platform shows warnings.
            is_first = platform == options.platforms[0]
            for_platform = evolve(
                convert_options, platform=platform, explicit_platform=True, checks=is_first
            )
        converted = file.convert(parsed, for_platform)
        definition = converted.state.marshal(platform=for_platform.platform, caps=gateway.caps.llb)
        ref = gateway.solve(definition, cache_imports=options.cache_imports)
        base = None if converted.base is None else converted.base.to_json()
        config, epoch = converted.image_config, converted.epoch
        return PlatformImage(ref, for_platform.platform, config, base, epoch), converted

    platforms = tuple(dict.fromkeys(options.platforms)) or (None,)
    images = map_concurrently(build_image, platforms)
    result = Result.of_images([image for image, _ in images], is_index=options.is_index)
    if options.sbom is None:
        return result

    return result.with_attestations(sbom.scan(images, options, gateway))
