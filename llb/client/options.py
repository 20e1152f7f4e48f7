"""Options common to all builds, whatever is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from llb.arguments.conversions import Duration
    from llb.client.caches import Cache
    from llb.client.export.exporters import Export
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.registry_auth.credentials import Credentials
    from llb.client.session.policy import SourcePolicy
    from llb.client.session.secrets import Secret
    from llb.client.session.ssh_agent_spec import AgentSpec
    from llb.client.session.uploads import Upload


class BuildOptions(TypedDict, total=False):
    """The options of a build; all may be omitted.

    ``local_dirs`` maps the names of local directories to paths. ``exports`` are the exporters of
    the result; ``find_exports`` receives the frontend's metadata once the result exists, and
    returns further exporters. ``secrets`` maps ids to values, files (a ``Path``), environment
    variables (``EnvSecret``) or functions. ``ssh`` lists agents as ``default``, ``ID=SOCKET`` or
    ``ID=KEY``. ``credentials`` maps the hosts of registries to a user and password, a token, or
    a function (:data:`llb.client.Credentials`); other hosts use Docker's configuration.
    ``registry_auth_tls`` sets TLS options for token servers
    (:func:`llb.client.registry_auth.auth_tls.parse_auth_tls`).

    ``cache_from`` and ``cache_to`` are caches as values or strings
    (:func:`llb.client.caches.parse_cache`). ``oci_layouts`` maps the names in ``oci-layout://``
    sources to folders. ``uploads`` are files that the build fetches by their URLs. ``allow``
    grants entitlements: ``network.host``, ``security.insecure``, ``device=…``.

    ``on_event`` is called for every progress event, on a separate thread; its exceptions end the
    build and are raised by the call that started it. ``on_report`` is called likewise with each
    of the daemon's messages as JSON (:mod:`llb.client.progress.raw_reports`), before the events
    of the message. ``timeout`` is in seconds, or a timedelta. ``ref`` is the name of the build in the daemon's
    history, by default a random one. ``source_policy`` restricts or replaces sources, by rules or
    by a function (:mod:`llb.client.session.policy`). ``proxy_network`` allows steps to reach the
    network only through the daemon's proxy.
    """

    local_dirs: Mapping[str, str | Path]
    exports: Iterable[Export]
    find_exports: Callable[[Mapping[str, bytes]], Iterable[Export]]
    secrets: Mapping[str, Secret]
    ssh: Iterable[str | AgentSpec]
    credentials: Credentials | None
    registry_auth_tls: Iterable[str | AuthTLS]
    cache_from: Iterable[str | Cache]
    cache_to: Iterable[str | Cache]
    oci_layouts: Mapping[str, str | Path]
    uploads: Iterable[Upload]
    allow: Iterable[str]
    on_event: Callable[[Event], None] | None
    on_report: Callable[[Report], None] | None
    timeout: Duration | None
    ref: str
    source_policy: SourcePolicy
    proxy_network: bool
