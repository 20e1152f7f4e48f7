"""The build as a build file sees it: platforms, build args, contexts, images and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Unpack

from attrs import define, evolve, field, frozen

from llb.arguments.checked import checked
from llb.arguments.conversions import StrPath, to_path
from llb.buildfile.bases import from_image, scratch
from llb.buildfile.source import decode_utf8
from llb.errors import Hint, InputError, InvalidValueError, did_you_mean
from llb.platforms import Platform, to_platform
from llb.source_map import caller, python_locations
from llb.sources.image_and_local import Image
from llb.state import mounts
from llb.state.step_options import StepOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from llb.buildfile.parameters import Parameter
    from llb.buildfile.source import Source
    from llb.buildkit_names import ResolveMode
    from llb.gateway import FileStat
    from llb.source_map import Location
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.state import State


class Host(Protocol):
    """The host of a build file: it knows the client's files and calls the daemon."""

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Load the build context, without the files that its ignore file excludes."""

    def named(self, name: str, platform: Platform) -> State | None:
        """Look up a named context; None if the client sent no such context."""

    def prepared(self, tree: State) -> State:
        """Apply the client's settings for all processes: network, hosts, limits."""

    def input(self, name: str) -> State | None:
        """Look up a tree that the client built; None if there is none."""

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image."""

    def read_context(self, path: str, platform: Platform) -> bytes:
        """Read a file of the build context as it is now. Raises InputError if it is missing."""

    def read(self, tree: State, path: str, platform: Platform) -> bytes:
        """Build a tree and read one of its files. Raises InputError if it is missing."""

    def list_dir(
        self, tree: State, path: str, pattern: str, platform: Platform
    ) -> tuple[FileStat, ...]:
        """Build a tree and list one of its directories."""

    def dockerfile(
        self, build: Build, text: bytes, filename: str, request: DockerfileRequest
    ) -> State:
        """Convert a Dockerfile to its tree and image config."""

    def frontend(
        self, build: Build, source: str, options: Mapping[str, str], inputs: Mapping[str, State]
    ) -> State:
        """Run another frontend, and return its tree and image config."""

    def warn(self, message: str, location: Location | None) -> None:
        """Show a warning."""


@define
class _Recorder:
    """Resolves images by a host, and keeps the last of them."""

    host: Host
    resolved: ResolvedImage | None = None

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        self.resolved = self.host.resolve_image_config(
            ref, platform=platform, resolve_mode=resolve_mode
        )
        return self.resolved


@frozen
class DockerfileRequest:
    """A Dockerfile to convert: its target, build args, and trees that replace names."""

    target: str | None
    build_args: Mapping[str, str]
    contexts: Mapping[str, State]


@frozen(eq=False)
class Build:
    """A build as a build file sees it; the same inputs give the same values.

    ``platform`` is the target platform, one of ``platforms``, and ``build_platform`` the platform
    of the daemon, which steps run on. ``args`` are the build args as the client sent them, which
    targets receive as parameters; ``labels`` are added to the image in any case. ``target`` is the
    name of the requested target. ``no_cache`` is whether steps ignore the cache; this is applied
    without further action. ``epoch`` is the time of SOURCE_DATE_EPOCH, None if it is not set.
    ``contexts`` are the named contexts as the client sent them, and ``source`` is the file of the
    build.
    """

    platform: Platform
    build_platform: Platform
    platforms: tuple[Platform, ...]
    target: str
    args: Mapping[str, str]
    labels: Mapping[str, str]
    no_cache: bool
    epoch: datetime | None
    contexts: Mapping[str, str]
    source: Source = field(repr=False)
    _host: Host = field(repr=False)

    @checked
    def context(
        self,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        follow_paths: Iterable[str] = (),
    ) -> State:
        """Load the build context: the client's directory, or a repository or archive.

        It leaves out the files that .dockerignore and ``exclude`` match; with ``include`` or
        ``follow_paths``, only those are sent.
        """
        return self._host.context(tuple(include), tuple(exclude), tuple(follow_paths))

    @checked
    def named(self, name: str) -> State:
        """Load a named context (``--build-context NAME=…``).

        Raises InputError if the client sent no such context.
        """
        tree = self._host.named(name, self.platform)
        if tree is None:
            raise InputError(
                f"the build has no context {name}",
                hint=did_you_mean(name, self.contexts)
                or Hint(
                    f"pass contexts={{{name!r}: DIR}}",
                    command=f"add it: --build-context {name}=DIR",
                ),
            )
        return self._host.prepared(tree)

    @checked
    def input(self, name: str) -> State:
        """Get a tree that the client built itself. Raises InputError if it is missing."""
        tree = self._host.input(name)
        if tree is None:
            raise InputError(f"the build has no input {name}")
        return tree

    @checked(options=StepOptions)
    def image(
        self, ref: str, *, platform: Platform | str | None = None, **options: Unpack[StepOptions]
    ) -> State:
        """Start with an image and its config, like FROM; its digest is resolved and pinned.

        Processes run as its user and have a PATH. Its ONBUILD instructions are not run, and cause
        a warning. ``platform`` defaults to the target platform. A named context of that name
        replaces the image. Raises InvalidValueError, and RemoteError if the image is missing.
        """
        target = self.platform if platform is None else to_platform(platform)
        tree = self._host.named(ref, target) if self.contexts else None
        if tree is None:
            resolver = _Recorder(self._host)
            tree = Image(ref, platform=target, resolver=resolver, resolve_digest=True, **options)
            self._check_platform(ref, resolver.resolved, target)
        if tree.config.onbuild:
            self.warn(f"the ONBUILD instructions of {ref} are not run: {tree.config.onbuild[0]} …")
        return self._host.prepared(from_image(tree, target))

    def _check_platform(self, ref: str, resolved: ResolvedImage | None, expected: Platform) -> None:
        """Warn about an image for another platform, like the check of Dockerfiles."""
        if resolved is None or not resolved.image.has_platform:
            return
        actual = resolved.image.platform.normalize()
        wanted = expected.normalize()
        if (actual.os, actual.architecture) != (wanted.os, wanted.architecture):
            self.warn(
                f'InvalidBaseImagePlatform: Base image {ref} was pulled with platform "{actual}", '
                f'expected "{wanted}" for current build'
            )

    def scratch(self) -> State:
        """Start with the empty tree and the default PATH, like ``FROM scratch``."""
        return self._host.prepared(scratch())

    @checked
    def on(self, platform: Platform | str) -> Build:
        """Create the same build for another platform."""
        return evolve(self, platform=to_platform(platform))

    @checked
    def read_bytes(self, path: StrPath, tree: State | None = None) -> bytes:
        """Read a file of the build context, or of ``tree``, which is built first.

        Raises InputError if it is missing, and RemoteError if the tree cannot be built.
        """
        name = to_path(path)
        if tree is None:
            return self._host.read_context(name, self.platform)
        return self._host.read(tree, name, self.platform)

    @checked
    def read_text(self, path: StrPath, tree: State | None = None) -> str:
        """Read a file as UTF-8; raises like :meth:`read_bytes`."""
        return decode_utf8(self.read_bytes(path, tree), to_path(path))

    @checked
    def list_dir(
        self, path: StrPath = ".", tree: State | None = None, *, pattern: str = ""
    ) -> tuple[FileStat, ...]:
        """List a directory of the build context, or of ``tree``, by name.

        With ``pattern``, for example ``*.toml``, lists only matches. Raises InputError if the
        directory is missing.
        """
        source = self.context() if tree is None else tree
        return self._host.list_dir(source, to_path(path), pattern, self.platform)

    @checked
    def dockerfile(
        self,
        text_or_path: str,
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        contexts: Mapping[str, State] | None = None,
    ) -> State:
        """Convert a Dockerfile to a state with its image config.

        Pass its content in several lines, or the path of a file in the build context. ``contexts``
        replace the images and stages of these names. Raises InputError if the file is missing,
        and DockerfileError if it is invalid.
        """
        if "\n" in text_or_path:
            text, filename = text_or_path.encode(), "Dockerfile"
        else:
            text, filename = self.read_bytes(text_or_path), text_or_path
        request = DockerfileRequest(target, dict(build_args or {}), dict(contexts or {}))
        return self._host.dockerfile(self, text, filename, request)

    @checked
    def frontend(
        self,
        source: str,
        *,
        options: Mapping[str, str] | None = None,
        inputs: Mapping[str, State] | None = None,
    ) -> State:
        """Run another frontend, and return its state with the image config.

        ``source`` is its image, or ``dockerfile.v0``; ``options`` are its options, for example
        ``filename``, and ``inputs`` are trees by name, ``context`` being the build
        context. Raises RemoteError with its error.
        """
        return self._host.frontend(self, source, dict(options or {}), dict(inputs or {}))

    # Mounts of the client's secrets and ssh agents.
    secret = staticmethod(mounts.secret)
    ssh = staticmethod(mounts.ssh)

    @checked
    def warn(self, message: str) -> None:
        """Show a warning with the line of this call; the build goes on."""
        site = caller()
        locations = python_locations(site) if site else ()
        self._host.warn(message, locations[0] if locations else None)

    def argument(self, parameter: Parameter) -> object:
        """Get the value of a build arg. Raises InvalidValueError if it is missing or invalid."""
        if parameter.name in self.args:
            return parameter.convert(self.args[parameter.name])
        if parameter.is_required:
            choices = " | ".join(map(repr, parameter.allowed)) or "…"
            raise InvalidValueError(
                f"missing build arg {parameter.name}: expected {parameter.kind}",
                hint=Hint(
                    f"pass build_args={{{parameter.name!r}: {choices}}}",
                    command=f"--build-arg {parameter.name}={'|'.join(parameter.allowed) or '…'}",
                ),
            )
        return parameter.default
