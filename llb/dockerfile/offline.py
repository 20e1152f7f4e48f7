"""Convert one Dockerfile offline: bytes in, a definition and an image config out."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Definition, Platform, caps
from llb.arguments.checked import checked
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.language import PLAIN, Language
from llb.dockerfile.options import ConvertOptions
from llb.dockerfile.parser.parser import parse
from llb.dockerfile.passes import convert_parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.parser.parser import Parsed


@frozen
class Conversion:
    """The result of an offline conversion.

    ``image_config`` is JSON as Docker's frontend writes it, ``platform`` the platform of the
    target, and ``warnings`` are those of the checks.
    """

    definition: Definition
    image_config: bytes = field(repr=False)
    platform: Platform
    warnings: tuple[str, ...] = ()


@checked
def convert(
    text: bytes | str,
    *,
    resolver: Resolver,
    filename: str = "Dockerfile",
    target: str | None = None,
    platform: Platform | str | None = None,
    build_platform: Platform | str | None = None,
    build_args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    contexts: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    session_id: str | None = None,
    local_unique_id: str = "",
    language: Language = PLAIN,
) -> Conversion:
    r"""Convert a Dockerfile to the same bytes of LLB as ``docker/dockerfile``.

    No daemon, registry or file system is used: ``resolver`` returns the digest and config of an
    image (:class:`~llb.dockerfile.ImageTable` reads them from a file). ``platform`` is the target
    platform, by default ``build_platform``, which is by default the host's. ``contexts`` are the
    named contexts (``docker build --build-context``). ``ignore`` are the patterns of an ignore
    file. ``session_id`` ties the build context to a session, otherwise ``local_unique_id`` marks
    it. ``language`` may add instructions and checks.

    Raises DockerfileError for an error in the file, InvalidValueError for an invalid argument,
    and the exceptions of ``resolver``.

    >>> from llb.dockerfile import ImageTable
    >>> conversion = convert("FROM scratch\nCOPY . /\n", resolver=ImageTable({}))
    >>> len(conversion.definition.ops)
    3
    """
    data = text.encode() if isinstance(text, str) else text
    options = ConvertOptions.alone(
        platform=platform,
        build_platform=build_platform,
        session_id=session_id,
        unique_id=local_unique_id,
        target=target or None,
        build_args=build_args or {},
        labels=labels or {},
        contexts=contexts or {},
        filename=filename,
        ignore=tuple(ignore),
    )
    with _no_garbage_collection():
        return _convert(parse(data, filename, language), options, resolver)


def _convert(parsed: Parsed, options: ConvertOptions, resolver: Resolver) -> Conversion:
    converted = convert_parsed(
        parsed,
        options,
        lambda requests: resolve_purely(requests, resolver, options),
    )
    definition = converted.state.marshal(
        platform=converted.platform,
        caps=caps.known(),
        local_unique_id=options.unique_id or "",
    )
    return Conversion(
        definition=definition,
        image_config=converted.image_config,
        platform=converted.platform,
        warnings=tuple(warning.short for warning in converted.warnings),
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Disable the cyclic garbage collector.

    A conversion creates no reference cycles, and the collector took a fifth of its time for 2,700
    lines and half of it for 30,000.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
