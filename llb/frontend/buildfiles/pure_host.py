"""The host of a build file without a daemon: images come from a table, and files are passed in."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NoReturn

from attrs import define, field

from llb import Reference
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.passes import convert_parsed
from llb.dockerfile.sources.requests import ImageRequest
from llb.errors import InputError
from llb.frontend.authoring.build_host import BuildHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb import Location, Platform, State
    from llb.buildfile import Build
    from llb.buildkit_names import ResolveMode
    from llb.dockerfile.image_table import Resolver
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.sources.requests import Request, Resolve, Resolved
    from llb.dockerfile.to_llb import Converted
    from llb.gateway import FileStat
    from llb.sources.image_resolver import ResolvedImage


@define(eq=False)
class PureHost(BuildHost):
    """A host whose build context consists of ``files``, by their paths.

    ``warnings`` are those of the build file.
    """

    options: ConvertOptions
    resolver: Resolver
    files: Mapping[str, bytes]
    warnings: list[str] = field(factory=list)
    _parts: list[State] = field(factory=list)

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Take the build context, and remember that files of a part of it can be read."""
        tree = super().context(include, exclude, follow_paths)
        if include or exclude or follow_paths:
            self._parts.append(tree)
        return tree

    def resolve(
        self, requests: tuple[Request, ...], options: ConvertOptions
    ) -> Mapping[Request, Resolved]:
        """Resolve images and named contexts."""
        return resolve_purely(requests, self.resolver, options)

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: ResolveMode = "default",  # noqa: ARG002 - the interface's
    ) -> ResolvedImage:
        """Resolve the digest and the config of an image."""
        span = errors.Source(self.options.filename, b"", "").span(1)
        full = str(Reference.parse(ref).tagged())
        with self.watch.stopped():
            return self.resolver(ImageRequest(full, platform or self.options.platform, ref, span))

    def input(self, name: str) -> State | None:  # noqa: ARG002 - the interface's
        """Return None: without a client there are no inputs."""
        return None

    def read_context(self, path: str, platform: Platform) -> bytes:  # noqa: ARG002 - likewise
        """Read a file that was passed in. Raises InputError for any other."""
        return self._read_file(path)

    def read(self, tree: State, path: str, platform: Platform) -> bytes:  # noqa: ARG002 - likewise
        """Read a file of a part of the build context. Raises InputError for any other."""
        if not any(part is tree for part in self._parts):
            self._refuse(path)
        return self._read_file(path)

    def _read_file(self, path: str) -> bytes:
        name = posixpath.normpath(path).lstrip("/")
        with self.watch.stopped():
            data = self.files.get(name)
        if data is None:
            raise InputError(
                f"no such file: {path}",
                hint="without a daemon, only files passed as neighbours can be read",
            )
        return data

    def list_dir(
        self,
        tree: State,  # noqa: ARG002 - the interface's
        path: str,
        pattern: str,  # noqa: ARG002
        platform: Platform,  # noqa: ARG002
    ) -> tuple[FileStat, ...]:
        """Raise InputError: no directory can be read."""
        self._refuse(path)

    def convert(self, parsed: Parsed, options: ConvertOptions, resolve: Resolve) -> Converted:
        """Convert a Dockerfile."""
        return convert_parsed(parsed, options, resolve)

    def frontend(
        self,
        build: Build,  # noqa: ARG002 - the interface's
        source: str,
        options: Mapping[str, str],  # noqa: ARG002
        inputs: Mapping[str, State],  # noqa: ARG002
    ) -> State:
        """Raise InputError: no frontend can run."""
        raise InputError(f"cannot run the frontend {source} without a daemon")

    def warn(self, message: str, location: Location | None) -> None:
        """Record a warning."""
        line = f" (line {location.ranges[0].line})" if location and location.ranges else ""
        self.warnings.append(f"{message}{line}")

    def _refuse(self, path: str) -> NoReturn:
        raise InputError(
            f"cannot read {path} without a daemon, which builds its tree",
            hint="only files of the build context passed as neighbours can be read",
        )
