"""What every build can be told, whatever is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from llb.client.caches import Cache
    from llb.client.export.exporters import Export
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.session.policy import SourcePolicy
    from llb.client.session.secrets import Secret
    from llb.client.session.ssh_agent_spec import AgentSpec
    from llb.client.session.uploads import Upload


class BuildOptions(TypedDict, total=False):
    """The options of a build, with what they are when they are not given: nothing.

    ``local_dirs`` maps names of local directories to their paths. ``exports`` are what is done
    with the result; ``find_exports`` is called once it is there, with what its frontend says
    of it, and returns what is done besides. ``secrets`` maps ids to values, files (a ``Path``),
    variables (``EnvSecret``) or functions; ``ssh`` names agents as ``default``, ``ID=SOCKET`` or
    ``ID=KEY``; credentials for registries are those of Docker's configuration, and
    ``registry_auth_tls`` is for the token servers of some
    (:func:`llb.client.registry_auth.auth_tls.parse_auth_tls`).
    ``cache_from`` and ``cache_to`` are caches as values or as texts
    (:func:`llb.client.caches.parse_cache`). ``oci_layouts`` maps names of OCI layouts to their
    folders, for the sources ``oci-layout://``. ``uploads`` are files that the build finds at
    their URLs. ``allow`` is what steps may do that is not allowed by itself:
    ``network.host``, ``security.insecure``, ``device=…``. ``on_event`` is called
    for everything that happens, on a thread of its own; an exception of it ends the build
    and is raised where the build was started. ``on_report`` is called likewise, with each
    message of the daemon as JSON (:mod:`llb.client.progress.raw_reports`), before its events. ``timeout``
    is in seconds. ``ref`` is the name of the build in the daemon's history, where it is not
    drawn. ``source_policy`` says which sources may be used, as rules or as a function
    (:mod:`llb.client.session.policy`), and ``proxy_network`` that steps reach the network through the
    daemon's proxy alone.
    """

    local_dirs: Mapping[str, str | Path]
    exports: Iterable[Export]
    find_exports: Callable[[Mapping[str, bytes]], Iterable[Export]]
    secrets: Mapping[str, Secret]
    ssh: Iterable[str | AgentSpec]
    registry_auth_tls: Iterable[str | AuthTLS]
    cache_from: Iterable[str | Cache]
    cache_to: Iterable[str | Cache]
    oci_layouts: Mapping[str, str | Path]
    uploads: Iterable[Upload]
    allow: Iterable[str]
    on_event: Callable[[Event], None] | None
    on_report: Callable[[Report], None] | None
    timeout: float | None
    ref: str
    source_policy: SourcePolicy
    proxy_network: bool
