"""BuildKit's constants: default PATH, proxy variables, source schemes and exporter keys.

The values come from BuildKit's ``util/system`` (PATH), ``source/types`` (schemes) and
``exporter/containerimage/exptypes`` (keys of a result's metadata).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

NetworkName: TypeAlias = Literal["sandbox", "host", "none"]
"""The network of a process: its own behind NAT, that of the daemon, or none (``pb.NetMode``)."""

SecurityName: TypeAlias = Literal["sandbox", "insecure"]
"""The privileges of a process (``pb.SecurityMode``)."""

SharingName: TypeAlias = Literal["shared", "private", "locked"]
"""What concurrent builds do with the same cache mount (``pb.CacheSharingOpt``)."""

ContentCacheName: TypeAlias = Literal["default", "on", "off"]
"""Whether the cache compares the content of a mount (``pb.MountContentCache``)."""

ResolveMode: TypeAlias = Literal["default", "pull", "local"]
"""Whether an image is looked up in the registry: if it is missing, always, or never."""

DEFAULT_PATH_ENV = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Default PATH if the image sets none, except on Windows (``system.DefaultPathEnvUnix``)."""

DEFAULT_SHELL = ("/bin/sh", "-c")
"""Default shell for commands if the image sets none, except on Windows."""

PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
"""The variables of ``pb.ProxyEnv``; build args match them in upper or lower case."""

BUILDKIT_IMAGE = "moby/buildkit:buildx-stable-1"
"""Image of a daemon in a container, with the tag of releases that buildx uses by default."""

DOCKER_IMAGE_SCHEME = "docker-image://"
OCI_SCHEME = "oci-layout://"
LOCAL_SCHEME = "local://"
GIT_SCHEME = "git://"
HTTP_SCHEME = "http://"
HTTPS_SCHEME = "https://"

SESSION_UPLOADS = "http://buildkit-session/"
"""Base URL of the files that the client's session uploads (``session/upload/uploadprovider``)."""

EXPORTER_IMAGE_CONFIG_KEY = "containerimage.config"
EXPORTER_IMAGE_BASE_CONFIG_KEY = "containerimage.base.config"
EXPORTER_IMAGE_DESCRIPTOR_KEY = "containerimage.descriptor"
EXPORTER_IMAGE_DIGEST_KEY = "containerimage.digest"

PROVENANCE_ATTRIBUTE = "attest:provenance"
DEFAULT_PROVENANCE = "mode=min,inline-only=true"
"""Parameters of the provenance of images in buildx by default; archives and files stay without."""

HOST_GATEWAY = "host-gateway"
"""The address of an additional host that stands for the machine of a Docker."""

HOST_GATEWAY_LABEL = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"
"""The label of a worker of Docker with that address."""
