"""Options of an image build."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from llb.client.options import BuildOptions

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from llb.client.export.exporters import Export
    from llb.client.export.image_options import Annotation
    from llb.client.image_build.dockerfile import Network
    from llb.platforms import Platform
    from llb.sources.inline_files import Content
    from llb.state.state import State

Tree: TypeAlias = "Mapping[str, Content]"
"""Files in memory, by their paths: bytes, strings, or the values of :func:`llb.files`."""

BuildContext: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO | Tree | State"
"""A directory, a URL, an archive as bytes or as an open file, files in memory, or a state."""

NamedContext: TypeAlias = "str | os.PathLike[str] | Tree | State"
"""A directory, ``docker-image://…``, ``oci-layout://…``, a URL, files in memory, or a state."""

Limit: TypeAlias = "int | tuple[int, int] | str"
"""A ulimit: one for both, a soft and a hard one, or ``SOFT[:HARD]``."""

Output: TypeAlias = "str | os.PathLike[str] | Export"
"""An exporter, a directory, or an exporter as on the command line: ``type=oci,dest=a.tar``."""


class ImageBuildOptions(BuildOptions, total=False):
    """The options of ``Client.build_image``; all may be omitted, and None counts as omitted.

    Where several values are taken, one string is one value. All options of a build
    (:class:`~llb.client.BuildOptions`) are taken, too.

    The Dockerfile:

    - ``file``: the path of the Dockerfile, or of a build file (``build.py``). As for ``docker build
      -f`` it is relative to the working directory if the context is a directory, and to the root of
      the context otherwise. An absolute path is always a file of this machine, and may be a pipe.
      An ``https://`` URL is fetched by the daemon. The default is ``Dockerfile`` in the root of the
      context.
    - ``dockerfile_inline``: the text of the Dockerfile, instead of a file.
    - ``target``: the stage to build, by default the last one.
    - ``build_args``: build arguments. The environment adds ``SOURCE_DATE_EPOCH``, and Docker's
      configuration its proxies.
    - ``contexts``: named contexts: a path, ``docker-image://…``, ``oci-layout://DIR[:TAG]``, a URL,
      a mapping of paths to contents, or a state.
    - ``evaluate_here``: whether this process evaluates a build file that names a frontend, as it
      does for one that names none. It is code that runs with your rights.
    - ``frontend``: the frontend, by default ``dockerfile.v0``; ``frontend_attrs``: further
      attributes for it.

    The image:

    - ``tags``: its names. ``push`` pushes them to their registries, ``load`` loads the image into
      Docker.
    - ``outputs``: exporters, in addition to ``exports``: values of :func:`llb.client.local` and its
      siblings, directories, or strings as for ``llb build -o``. Without tags and outputs the daemon
      creates an image without a name.
    - ``platforms``: the platforms to build for, by default that of the daemon.
    - ``labels``, and ``annotations``: a mapping, or a collection of :class:`llb.client.Annotation`
      and of strings such as ``index:key=value``.
    - ``provenance``, ``sbom``: whether to add these attestations, or their parameters
      (``"mode=max"``); ``attestations``: the same for further kinds, by kind. By default, an image
      that is pushed, or stays on the daemon, has provenance with ``mode=min``, unless
      BUILDX_NO_DEFAULT_ATTESTATIONS is set. It names the commit of a context in a git checkout.

    The steps:

    - ``no_cache``: whether to ignore the cache, or the stages for which to ignore it.
    - ``pull``: whether to ask registries even for images that the daemon has.
    - ``network``: ``default``, ``none`` or ``host``, which is granted to the build.
    - ``extra_hosts``: addresses by host name, or strings such as ``name:1.2.3.4``.
    - ``shm_size``: the size of /dev/shm in bytes, or as a string such as ``64m``.
    - ``ulimits``: limits by name, or strings such as ``nofile=1024:2048``.
    - ``cgroup_parent``: the cgroup of the steps.
    - ``resources``: limits of each step by name, or strings such as ``memory=2g``: ``memory``,
      ``memory-swap``, ``cpu-shares``, ``cpu-period``, ``cpu-quota``, ``cpuset-cpus`` and
      ``cpuset-mems``. BuildKit before v0.31 ignores them.
    """

    file: str | os.PathLike[str] | None
    dockerfile_inline: str | bytes | None
    tags: str | Iterable[str] | None
    target: str | None
    build_args: Mapping[str, str | int | float | Path] | None
    labels: Mapping[str, str | int | float | Path] | None
    annotations: Mapping[str, str] | Iterable[Annotation | str] | None
    contexts: Mapping[str, NamedContext] | None
    evaluate_here: bool
    frontend: str | None
    frontend_attrs: Mapping[str, str | int | float | Path] | None
    platforms: Platform | str | Iterable[Platform | str] | None
    push: bool
    load: bool
    pull: bool
    outputs: Output | Iterable[Output] | None
    no_cache: bool | str | Iterable[str]
    network: Network | None
    extra_hosts: Mapping[str, str] | Iterable[str] | None
    shm_size: int | str | None
    ulimits: Mapping[str, Limit] | Iterable[str] | None
    cgroup_parent: str | None
    resources: Mapping[str, str | int] | Iterable[str] | None
    attestations: Mapping[str, bool | str] | None
    provenance: bool | str | None
    sbom: bool | str | None
