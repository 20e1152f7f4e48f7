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

    What the build may use:

    - ``local_dirs``: the directories for ``Local(NAME)``, by name: ``{"context": "."}``.
    - ``secrets``: the secrets by id. A secret is its value (str or bytes), a file (``Path``), a
      variable (:class:`EnvSecret`), or a function without parameters that returns bytes.
    - ``ssh``: ssh agents: ``"default"``, ``"ID=SOCKET"`` or ``"ID=KEY"``.
    - ``credentials``: users and passwords by the host of the registry:
      ``{"ghcr.io": ("me", "…")}`` (:data:`Credentials`). Other hosts use Docker's configuration.
    - ``registry_auth_tls``: certificates for token servers: :class:`AuthTLS`, or
      ``"host=HOST,ca=FILE"``.
    - ``oci_layouts``: the folders for ``oci-layout://NAME`` sources, by name.
    - ``uploads``: files that the build fetches by URL (:class:`Upload`).
    - ``allow``: entitlements: ``network.host``, ``security.insecure``, ``device=…``.
    - ``source_policy``: which sources are allowed: rules in BuildKit's JSON
      (``{"rules": [{"action": "DENY", "selector": {"identifier": "…"}}]}``), or a function. It
      gets a :class:`PolicySource`, and returns it, another one to use instead, or None to deny it.
    - ``proxy_network``: whether steps reach the network through the daemon's proxy only.

    Where the result goes:

    - ``exports``: exporters, such as ``image("app", push=True)`` and ``local("out")``.
    - ``find_exports``: a function that gets the frontend's metadata (bytes by key) once the result
      exists, and returns further exporters. Its exceptions are raised by the call that builds.
    - ``cache_from``, ``cache_to``: caches as values (:class:`Cache`), or as strings such as
      ``"type=registry,ref=ghcr.io/me/app:cache"``.

    How it runs:

    - ``timeout``: the limit of the whole build, in seconds or as a timedelta. After it the build
      is cancelled and raises CancelledError. A daemon that is silent for a minute ends the build
      anyway, with TransportError (``LLB_KEEPALIVE``).
    - ``on_event``: a function that is called with every :data:`Event`, on another thread. An
      exception of it ends the build, and is raised by the call that started the build.
    - ``on_report``: a function that is called with each message of the daemon, as the dictionary
      that ``--progress rawjson`` prints, before the events of the message.
    - ``ref``: the name of the build in the daemon's history, by default a random one.
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
