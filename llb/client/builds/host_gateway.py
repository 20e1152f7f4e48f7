"""The address ``host-gateway`` of additional hosts: the one that reaches the machine of a Docker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.buildkit_names import HOST_GATEWAY, HOST_GATEWAY_LABEL
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from llb.client.connect.control import Control

_ATTRIBUTE = "add-hosts"
# Docker without a bridge network has labels without an address.
_UNKNOWN = ("", "<nil>")


def resolve(attrs: MutableMapping[str, str], control: Control, timeout: float | None) -> None:
    """Replace ``host-gateway`` in the additional hosts of a frontend, as buildx does.

    Raises InputError if the daemon has no such address: only Docker's own BuildKit has one.
    """
    hosts = [entry.partition("=") for entry in attrs.get(_ATTRIBUTE, "").split(",")]
    if all(address != HOST_GATEWAY for _, _, address in hosts):
        return
    labels = (label for worker in control.workers(timeout=timeout) for label in worker.labels)
    gateway = next((value for key, value in labels if key == HOST_GATEWAY_LABEL), "")
    if gateway in _UNKNOWN:
        raise InputError(
            f"the daemon at {control.address} has no address for {HOST_GATEWAY}",
            hint="name an IP address, or build with the BuildKit of Docker",
        )
    attrs[_ATTRIBUTE] = ",".join(
        f"{host}={gateway if address == HOST_GATEWAY else address}" for host, _, address in hosts
    )
