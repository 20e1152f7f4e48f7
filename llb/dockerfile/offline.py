"""One Dockerfile, all the way: bytes in, a definition and an image config out."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Definition, Platform, caps
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
    """What a Dockerfile comes to.

    ``image_config`` is JSON as Docker's frontend writes it, ``platform`` what the target is
    for, and ``warnings`` what the checks of the file say.
    """

    definition: Definition
    image_config: bytes = field(repr=False)
    platform: Platform
    warnings: tuple[str, ...] = ()


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
    labs: bool = False,
) -> Conversion:
    r"""Return what ``docker/dockerfile`` makes of a file, byte for byte.

    No daemon, registry or file is asked: ``resolver`` returns digest and config of an image
    (:class:`~llb.dockerfile.ImageTable` reads a file of them). ``platform`` is what is
    built for, by default ``build_platform``, and that by default the host. ``contexts`` are the
    named ones (``docker build --build-context``). ``ignore`` are the patterns of an ignore
    file. ``session_id`` ties the context to a session, else ``local_unique_id`` marks it.
    ``language`` may add instructions and checks, and ``labs`` allows what Docker's frontend has
    in its labs channel alone.

    Raises DockerfileError for a mistake in the file, InvalidValueError for one in the
    arguments, and what ``resolver`` raises.

    >>> from llb.dockerfile import ImageTable
    >>> done = convert("FROM scratch\nCOPY . /\n", resolver=ImageTable({}))
    >>> len(done.definition.ops)
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
        labs=labs,
    )
    with _uncollected():
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
        warnings=tuple(each.short for each in converted.warnings),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let no garbage be looked for meanwhile.

    A conversion leaves none that refers to itself, and looking took a fifth of its time for
    2,700 lines and half of it for 30,000.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
