"""The provenance that an image build gets unless it asks for another one, or for none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.buildkit_names import DEFAULT_PROVENANCE, PROVENANCE_ATTRIBUTE
from llb.client.export.docker import has_containerd_store

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from llb.client.builds.daemon_capabilities import DaemonCapabilities
    from llb.client.connect.control import Control

_CAPABILITY = "exporter.image.attestations"


def keep_supported(
    attrs: MutableMapping[str, str],
    control: Control,
    capabilities: DaemonCapabilities,
    timeout: float | None,
) -> None:
    """Remove the default provenance from a request that the daemon could not build with it.

    That is a daemon before v0.11, and Docker's with its older image store, as for buildx.
    """
    if attrs.get(PROVENANCE_ATTRIBUTE) != DEFAULT_PROVENANCE:
        return
    is_supported = capabilities.offers(control, _CAPABILITY, timeout)
    if control.is_docker:
        is_supported = is_supported and has_containerd_store(control.workers(timeout=timeout))
    if not is_supported:
        del attrs[PROVENANCE_ATTRIBUTE]
