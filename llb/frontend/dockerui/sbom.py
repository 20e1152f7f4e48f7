"""SBOM attestations: run a scanner image over each built image.

The conventions are those of BuildKit's SBOM scanning protocol: the scanner reads the trees
below ``/run/src`` and writes files to ``/run/out``.
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


class Scannable(Protocol):
    """A tree to scan, and the stages that are scanned with it, by name."""

    @property
    def state(self) -> State:
        """The tree."""

    @property
    def scanned(self) -> Iterable[tuple[str, State]]:
        """The stages to scan in addition."""

    @property
    def no_cache(self) -> bool:
        """Whether the scan ignores the cache."""


def scan(
    images: Sequence[tuple[PlatformImage, Scannable]], options: Options, gateway: Gateway
) -> dict[str, list[Attestation]]:
    """Run the requested scanner over each image; return the attestations by image id.

    Raises LLBError.
    """
    assert options.sbom is not None
    generator, platform = options.sbom.generator, options.build_platform
    resolved = gateway.resolve_image_config(
        generator, platform=platform, resolve_mode=options.resolve_mode
    )
    ref, config = resolved.ref or generator, resolved.image
    args = [*(config.entrypoint or ()), *(config.cmd or ())]
    if not args:
        raise InputError(f"scanner {generator} does not have cmd")
    env = config.variables | {"BUILDKIT_SCAN_DESTINATION": _OUT}
    env |= {"BUILDKIT_SCAN_SOURCE": f"{_SOURCES}core/{_NAME}"}
    parameters = {f"BUILDKIT_SCAN_{key}": value for key, value in options.sbom.parameters}
    scanner = LLBImage(ref, platform=platform, inherit_config=False, locations=())
    attestations = {}
    for image, converted in images:
        extras = dict(converted.scanned)
        extras_env = {"BUILDKIT_SCAN_SOURCE_EXTRAS": f"{_SOURCES}extras"} if extras else {}
        scanned = scanner.run(
            args,
            env=env | extras_env | parameters,
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
        definition = scanned.mounted(_OUT).marshal(caps=gateway.caps.llb)
        attestations[image.id] = [Attestation(gateway.solve(definition), _SPDX, _METADATA)]
    return attestations


def _extra(name: str, tree: State) -> MountValue:
    return bind(tree, f"{_SOURCES}extras/{_NAME}-{name}", readonly=True)
