"""A client of registries, which knows their credentials and names their repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from llb.arguments.checked import checked
from llb.client.registries.repository import Repository
from llb.client.registries.requests import Requests
from llb.client.registry_auth.auth_tls import to_auth_tls
from llb.client.registry_auth.credentials import to_credentials
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.registry_auth.credentials import Credentials


class RegistryClient:
    """A client of registries, for use in a ``with`` block; several threads may share it.

    ``credentials`` are those of registries, as for a build; others come from Docker's configuration.
    ``tls`` has certificates for registries and their token servers. ``plain_http`` are hosts that are
    reached without TLS, in addition to this machine. Raises InvalidValueError, and InputError for
    unusable certificates.
    """

    @checked
    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        tls: Iterable[str | AuthTLS] = (),
        plain_http: Iterable[str] = (),
    ) -> None:
        self._requests = Requests(to_credentials(credentials), map(to_auth_tls, tls), plain_http)

    def __enter__(self) -> Self:
        """Enter a block that ends with :meth:`close`."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    @checked
    def repository(self, name: str) -> Repository:
        """Name a repository, such as ``ghcr.io/o/app``; nothing is sent.

        A tag or digest after the name is ignored. Raises InvalidValueError.
        """
        reference = Reference.parse(name)
        return Repository(self._requests, Reference(reference.domain, reference.path))

    def close(self) -> None:
        """Close the connections; the next request opens another one."""
        self._requests.close()
