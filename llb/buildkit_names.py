"""Names and defaults that BuildKit defines in one place, and we here.

The names are BuildKit's: ``util/system`` (PATH), ``source/types`` (schemes) and
``exporter/containerimage/exptypes`` (keys of a result's metadata).
"""

from __future__ import annotations

DEFAULT_PATH_ENV = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of a process whose image sets none, except on Windows (``system.DefaultPathEnvUnix``)."""

DEFAULT_SHELL = ("/bin/sh", "-c")
"""The shell of commands whose image sets none, except on Windows."""

PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
"""The variables of ``pb.ProxyEnv``, which are build args in any case of letters."""

DOCKER_IMAGE_SCHEME = "docker-image://"
OCI_SCHEME = "oci-layout://"
LOCAL_SCHEME = "local://"
GIT_SCHEME = "git://"
HTTP_SCHEME = "http://"
HTTPS_SCHEME = "https://"

EXPORTER_IMAGE_CONFIG_KEY = "containerimage.config"
EXPORTER_IMAGE_BASE_CONFIG_KEY = "containerimage.base.config"
EXPORTER_IMAGE_DESCRIPTOR_KEY = "containerimage.descriptor"
EXPORTER_IMAGE_DIGEST_KEY = "containerimage.digest"
