"""A Dockerfile build, from the options of a client to a result on the daemon.

This is the part that asks the daemon; reading and converting the Dockerfile are
pure and live in :mod:`llb.dockerfile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.dockerfile.language import PLAIN, Language
from llb.errors import LLBError
from llb.frontend.dockerui.concurrent import each
from llb.frontend.dockerui.dockerfile import File
from llb.frontend.dockerui.open import open_build
from llb.gateway import Gateway, PlatformImage, Request, Result

if TYPE_CHECKING:
    from llb import Platform
    from llb.dockerfile import Converted, ConvertOptions
    from llb.frontend.dockerui.options import Options


_PYTHON = ".py"
_QUOTES = (b'"""', b"'''")


def build(
    request: Request,
    gateway: Gateway,
    language: Language = PLAIN,
    *,
    labs: bool = False,
) -> Result:
    """Return the result of the build that ``request`` asks for, of a Dockerfile or a build file.

    ``language`` may add instructions and checks, and ``labs`` allows what Docker's frontend has
    in its labs channel alone. Raises LLBError with the place in the file
    where there is one.
    """
    opened = open_build(request, gateway, labs=labs)
    if isinstance(opened, Result):
        return opened
    wanted, options = opened.options, opened.asked
    if _is_python(wanted.filename, opened.text):
        # Dockerfiles do without it.
        from llb.frontend import buildfiles  # noqa: PLC0415

        return buildfiles.build(opened)
    file = File(opened.text, opened.vertex, opened.definition, gateway, opened.resolve, language)
    if options.request_id is not None:
        # It takes 5 ms to import, and builds do without it.
        from llb.frontend.subrequests import dockerfile  # noqa: PLC0415

        return dockerfile.answer(options.request_id, file, wanted)
    try:
        return _result(file, wanted, options, gateway)
    except LLBError as error:
        raise file.explained(error) from error.__cause__


def _is_python(filename: str, text: bytes) -> bool:
    """Return whether a file is a build file in Python: by its name, or by how its code begins.

    No Dockerfile begins so, and what comes on standard input has no name.
    """
    if filename.endswith(_PYTHON):
        return True
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith(b"#"):
            is_import = words[0] == b"import" or (words[0] == b"from" and words[2:3] == [b"import"])
            return is_import or words[0].startswith(_QUOTES)
    return False


def _result(file: File, wanted: ConvertOptions, options: Options, gateway: Gateway) -> Result:
    """Return the images of all platforms, which are converted one beside the other."""
    parsed = file.parse(wanted)

    def made(platform: Platform | None) -> tuple[PlatformImage, Converted]:
        given = wanted
        if platform is not None:
            # Warnings are those of the first platform alone.
            is_first = platform == options.platforms[0]
            given = evolve(wanted, platform=platform, explicit_platform=True, checks=is_first)
        converted = file.convert(parsed, given)
        definition = converted.state.marshal(platform=given.platform, caps=gateway.caps.llb)
        ref = gateway.solve(definition, cache_imports=options.cache_imports)
        base = None if converted.base is None else converted.base.to_json()
        config, epoch = converted.image_config, converted.epoch
        return PlatformImage(ref, given.platform, config, base, epoch), converted

    platforms = tuple(dict.fromkeys(options.platforms)) or (None,)
    images = each(made, platforms)
    result = Result.of_images([image for image, _ in images], is_index=options.is_index)
    if options.sbom is None:
        return result
    # It is asked for seldom.
    from llb.frontend.dockerui.sbom import scan  # noqa: PLC0415

    return result.with_attestations(scan(images, options, gateway))
