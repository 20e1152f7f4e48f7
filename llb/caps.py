"""Capabilities: what a definition requires of a daemon, and which BuildKit release provides it.

The names are BuildKit's own (``solver/pb/caps.go``), including the misspelt one. A daemon reports
its capabilities to frontends, but only its version to clients. Therefore each one is listed with
the first release that has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.errors import CapabilityError

with lazy_imports(__name__):
    from llb.definition import decode  # 19 ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from llb.definition.definition import Definition

# Capability, the minor number of the first release v0.N.0 that has it (3 includes all earlier
# releases), and the feature that needs it, in the words of this library.
_KNOWN: dict[str, tuple[int, str]] = {
    "source.image": (3, "images"),
    "source.image.resolvemode": (3, "resolve_mode of Image"),
    "source.image.layerlimit": (11, "layer_limit of Image"),
    "source.image.checksum": (25, "checksum of Image"),
    "source.local": (3, "local directories"),
    "source.local.unique": (3, "local directories without a session"),
    "source.local.sessionid": (3, "session_id of Local"),
    "source.local.includepatterns": (3, "include of Local"),
    "source.local.followpaths": (3, "follow_paths of Local"),
    "source.local.excludepatterns": (3, "exclude of Local"),
    "source.local.sharedkeyhint": (3, "shared_key of Local"),
    "source.local.differ": (9, "differ of Local"),
    "source.local.metadatatransfer": (21, "metadata_only of Local"),
    "source.git": (3, "git repositories"),
    "source.git.keepgitdir": (3, "keep_git_dir of Git"),
    "source.git.fullurl": (3, "git repositories by their whole URL"),
    "source.git.httpauth": (8, "secrets for git over http"),
    "source.git.knownsshhosts": (8, "known_hosts of Git"),
    "source.git.mountsshsock": (8, "ssh of Git"),
    "source.git.subdir": (9, "subdir of Git"),
    "source.git.checksum": (22, "checksum of Git"),
    "source.git.skipsubmodules": (24, "skip_submodules of Git"),
    "source.git.signatureverify": (26, "signatures of git commits"),
    "source.git.mtime": (29, "mtime of Git"),
    "source.git.fetchbycommit": (30, "fetch_by_commit of Git"),
    "source.git.bundle": (30, "bundle of Git"),
    "source.git.checkoutbundle": (30, "checkout_bundle of Git"),
    "source.http": (3, "files from the web"),
    "source.http.checksum": (3, "checksum of HTTP"),
    "source.http.perm": (3, "mode of HTTP"),
    "soruce.http.uidgid": (3, "uid and gid of HTTP"),
    "source.http.auth": (21, "auth_header_secret of HTTP"),
    "source.http.header": (21, "accept and user_agent of HTTP"),
    "source.http.signatureverify": (28, "pgp_public_key and pgp_signature of HTTP"),
    "source.imageblob": (28, "blobs of registries and OCI layouts"),
    "source.ocilayout": (11, "OCI layouts"),
    "source.buildop.llbfilename": (3, "definitions in files"),
    "exec.meta.base": (3, "processes"),
    "exec.meta.cgroup.parent": (10, "cgroup_parent"),
    "exec.meta.network": (3, "network"),
    "exec.meta.network.proxy": (31, "a proxied network"),
    "exec.meta.proxyenv": (3, "proxy"),
    "exec.meta.security": (5, "security"),
    "exec.meta.security.devices.v1": (7, "devices of insecure processes"),
    "exec.meta.setsdefaultpath": (3, "a default PATH"),
    "exec.meta.ulimit": (10, "ulimit"),
    "exec.meta.cdi": (20, "devices"),
    "exec.meta.linux.resources": (31, "resources of a step"),
    "exec.mount.bind": (3, "mounted trees"),
    "exec.mount.bind.readwrite-nooutput": (7, "discard of bind"),
    "exec.mount.cache": (3, "cache mounts"),
    "exec.mount.cache.sharing": (3, "sharing of cache"),
    "exec.mount.selector": (3, "path of a mount"),
    "exec.mount.tmpfs": (3, "tmpfs mounts"),
    "exec.mount.tmpfs.size": (10, "size of tmpfs"),
    "exec.mount.secret": (3, "secrets"),
    "exec.mount.ssh": (3, "ssh agents"),
    "exec.mount.cache.content": (13, "content_cache of bind"),
    "exec.cgroup": (3, "cgroups"),
    "exec.secretenv": (10, "secrets as variables"),
    "exec.validexitcode": (17, "valid_exit_codes"),
    "file.base": (5, "file actions"),
    "file.rm.wildcard": (7, "wildcard of rm"),
    "file.rm.nofollowsymlink": (10, "rm that does not follow symbolic links"),
    "file.copy.includeexcludepatterns": (9, "include and exclude of copy"),
    "file.copy.alwaysreplaceexistingdestpaths": (14, "replace of copy"),
    "file.copy.requiredpaths": (26, "required of copy"),
    "file.symlink.create": (19, "symlink"),
    "constraints": (3, "worker filters"),
    "platform": (3, "platforms"),
    "meta.ignorecache": (3, "ignore_cache"),
    "meta.description": (3, "descriptions of steps"),
    "meta.exportcache": (3, "export_cache"),
    "mergeop": (10, "merge"),
    "diffop": (10, "diff"),
    "passthroughop": (31, "requires and passthrough"),
    "cache.gha": (9, "caches of GitHub Actions"),
    "cache.s3": (11, "caches in S3"),
    "cache.azblob": (11, "caches in Azure blob storage"),
    "exporter.image.annotations": (11, "annotations of images"),
    "exporter.image.attestations": (11, "attestations of images"),
    "exporter.sourcedateepoch": (11, "SOURCE_DATE_EPOCH of exporters"),
    "exporter.multiple": (13, "several exporters"),
    "exporter.session": (21, "exporters in sessions"),
    "source.policy": (11, "source policies"),
    "source.policy.session": (26, "source policies in sessions"),
    "gc.freespacefilter": (17, "free space rules of garbage collection"),
    "history.filter": (20, "filters of the build history"),
}
# Options that are no capabilities of BuildKit: older releases ignore them.
_OPTIONS: dict[str, tuple[int, str]] = {
    "proxynetwork": (31, "proxy networks"),
    "exporter.attestation-inline": (11, "attestation-inline of exporters"),
    "exporter.attestation-prefix": (11, "attestation-prefix of exporters"),
    "exporter.source-date-epoch": (11, "source-date-epoch of exporters"),
    "exporter.tar": (11, "tar of exporters"),
    "exporter.platform-split": (12, "platform-split of exporters"),
    "exporter.rewrite-timestamp": (13, "rewrite-timestamp of exporters"),
    "exporter.oci-artifact": (19, "oci-artifact of exporters"),
    "exporter.src": (34, "src of exporters"),
    "cache.gha.timeout": (13, "timeout of gha caches"),
    "cache.gha.ghtoken": (14, "ghtoken of gha caches"),
    "cache.gha.repository": (14, "repository of gha caches"),
    "cache.local.image-manifest": (12, "image-manifest of local caches"),
    "cache.registry.image-manifest": (12, "image-manifest of registry caches"),
    "cache.registry.registry.insecure": (12, "registry.insecure of registry caches"),
    "cache.s3.upload_parallelism": (16, "upload_parallelism of s3 caches"),
    "cache.s3.disable_accept_encoding": (30, "disable_accept_encoding of s3 caches"),
    "cache.s3.retry_mode": (30, "retry_mode of s3 caches"),
    "cache.s3.retry_max_attempts": (30, "retry_max_attempts of s3 caches"),
    "cache.s3.compression": (34, "compression of s3 caches"),
    "cache.s3.compression-level": (34, "compression-level of s3 caches"),
    "cache.s3.force-compression": (34, "force-compression of s3 caches"),
}
_REQUIREMENTS = _KNOWN | _OPTIONS
_FILE = "file.base"
# Options of a copy that older daemons ignore.
_COPY_CAPS = {
    "include_patterns": "file.copy.includeexcludepatterns",
    "exclude_patterns": "file.copy.includeexcludepatterns",
    "required_paths": "file.copy.requiredpaths",
    "alwaysReplaceExistingDestPaths": "file.copy.alwaysreplaceexistingdestpaths",
}
_SYMLINK = "file.symlink.create"
_OF_FILE_ACTIONS = frozenset((_SYMLINK, *_COPY_CAPS.values()))
_VERSION = re.compile(r"v?0\.([0-9]+)\.[0-9]+")


def known() -> frozenset[str]:
    """List every capability of BuildKit in this library's table."""
    return frozenset(_KNOWN)


def requirement(cap: str) -> str | None:
    """Name the first release with a capability; None for an unknown one.

    >>> requirement("mergeop")
    'merge needs BuildKit v0.10.0 or later'
    """
    if cap not in _KNOWN:
        return None
    since, feature = _KNOWN[cap]
    return f"{feature} needs BuildKit v0.{since}.0 or later"


def needed(definition: Definition, offered: Collection[str] = ()) -> frozenset[str]:
    """Collect the capabilities that a definition requires, and that are perhaps not offered.

    They are those of its metadata, and those of its file actions: Go's client/llb, whose metadata
    ours equal, leaves these out. Raises InvalidDefinitionError if an operation cannot be decoded.
    """
    listed = frozenset().union(*(metadata.caps for metadata in definition.metadata.values()))
    if _FILE not in listed or _OF_FILE_ACTIONS.issubset(offered):
        return listed
    return listed.union(_of_file_actions(definition))


def _of_file_actions(definition: Definition) -> Iterator[str]:
    for vertex in definition.vertices():
        for action in decode.file_actions(vertex):
            if action.HasField("symlink"):
                yield _SYMLINK
            yield from (cap for name, cap in _COPY_CAPS.items() if getattr(action.copy, name))


def of_version(version: str) -> frozenset[str] | None:
    """Look up the capabilities of a BuildKit release; None for a version that is not a release.

    >>> "mergeop" in of_version("v0.9.3")
    False
    """
    match = _VERSION.match(version)
    # A build from a checkout reports v0.0.0 and a commit.
    if match is None or match[1] == "0":
        return None
    return frozenset(cap for cap, (since, _) in _REQUIREMENTS.items() if since <= int(match[1]))


def check(definition: Definition, offered: Collection[str], daemon: str) -> None:
    """Check that a daemon supports everything a definition requires.

    ``daemon`` is the daemon's name for the message, for example ``BuildKit v0.9.3``. Capabilities
    missing from this library's table are left to the daemon. Raises CapabilityError if the daemon
    lacks one.
    """
    require(needed(definition, offered), offered, daemon)


def require(required: Collection[str], offered: Collection[str], daemon: str) -> None:
    """Raise CapabilityError for the first required capability that is known and not offered."""
    for cap in sorted(set(required) - set(offered)):
        if cap in _REQUIREMENTS:
            since, feature = _REQUIREMENTS[cap]
            raise CapabilityError(
                f"{daemon} does not support {feature}",
                cap=cap,
                since=f"v0.{since}.0",
            )
