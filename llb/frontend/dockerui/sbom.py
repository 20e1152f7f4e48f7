"""Lists of what is in an image (SBOM), which a program makes that is run upon it.

The conventions are those of BuildKit's SBOM scanning protocol: the program finds the trees
below ``/run/src`` and leaves files in ``/run/out``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llb import Image as LLBImage
from llb import Scratch, bind, tmpfs
from llb.errors import InputError
from llb.gateway import Attestation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb import State
    from llb.frontend.dockerui.options import Options
    from llb.gateway import Gateway, PlatformImage
    from llb.state.settings import MountValue

_SOURCES = "/run/src/"
_OUT = "/run/out/"
_NAME = "sbom"
_SPDX = "https://spdx.dev/Document"
_METADATA = {"reason": b"sbom", "sbom-core": _NAME.encode()}


class Scanned(Protocol):
    """A tree to look at, and those that it is made of which are of interest too, by name."""

    @property
    def state(self) -> State:
        """The tree."""

    @property
    def scanned(self) -> Iterable[tuple[str, State]]:
        """The other trees."""

    @property
    def no_cache(self) -> bool:
        """Whether to look anew."""


def scan(
    images: Sequence[tuple[PlatformImage, Scanned]], options: Options, gateway: Gateway
) -> dict[str, list[Attestation]]:
    """Return what the program that was asked for says of each image, by its platform's id.

    Raises LLBError.
    """
    assert options.sbom is not None
    generator, platform = options.sbom.generator, options.build_platform
    found = gateway.resolve_image_config(
        generator, platform=platform, resolve_mode=options.resolve_mode
    )
    ref, config = found.ref or generator, found.image
    args = [*(config.entrypoint or ()), *(config.cmd or ())]
    if not args:
        raise InputError(f"scanner {generator} does not have cmd")
    env = config.variables | {"BUILDKIT_SCAN_DESTINATION": _OUT}
    env |= {"BUILDKIT_SCAN_SOURCE": f"{_SOURCES}core/{_NAME}"}
    parameters = {f"BUILDKIT_SCAN_{key}": value for key, value in options.sbom.parameters}
    scanner = LLBImage(ref, platform=platform, locations=())
    attestations = {}
    for image, converted in images:
        extras = dict(converted.scanned)
        more = {"BUILDKIT_SCAN_SOURCE_EXTRAS": f"{_SOURCES}extras"} if extras else {}
        ran = scanner.run(
            args,
            env=env | more | parameters,
            workdir=config.workdir or None,
            mounts=[
                tmpfs("/tmp"),  # noqa: S108 - the scanner's own
                bind(converted.state, f"{_SOURCES}core/{_NAME}", readonly=True),
                *(_extra(name, tree) for name, tree in extras.items()),
                bind(Scratch(), _OUT),
            ],
            name=f"[{image.id}] generating sbom using {ref}",
            ignore_cache=converted.no_cache,
            locations=(),
        )
        definition = ran.mounted(_OUT).marshal(caps=gateway.caps.llb)
        attestations[image.id] = [Attestation(gateway.solve(definition), _SPDX, _METADATA)]
    return attestations


def _extra(name: str, tree: State) -> MountValue:
    return bind(tree, f"{_SOURCES}extras/{_NAME}-{name}", readonly=True)
