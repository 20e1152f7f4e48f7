"""What a build file is told of the build that it is run for, and whom it asks for more."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Protocol, Unpack

from attrs import evolve, field, frozen

from llb.buildfile.bases import as_base, scratch
from llb.buildfile.source import decoded
from llb.errors import InputError, InvalidValueError, did_you_mean
from llb.platforms import Platform, to_platform
from llb.source_map import caller, python_locations
from llb.sources.image_and_local import Image
from llb.state import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from llb.buildfile.parameters import Parameter
    from llb.buildfile.source import Source
    from llb.gateway import FileStat
    from llb.source_map import Location
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.state import State
    from llb.state.step_options import StepOptions


class Host(Protocol):
    """Who runs a build file: it knows the client's files and asks the daemon."""

    def context(
        self,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        follow_paths: tuple[str, ...],
    ) -> State:
        """Return the build context, without what its ignore file names."""

    def named(self, name: str, platform: Platform) -> State | None:
        """Return a named context, or None where the client gave none of that name."""

    def prepared(self, tree: State) -> State:
        """Return a tree with what the client asks of every process: network, hosts, limits."""

    def input(self, name: str) -> State | None:
        """Return a tree that the client built, or None where there is none of that name."""

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        """Return digest and config of an image."""

    def read(self, tree: State, path: str, platform: Platform) -> bytes:
        """Build a tree and return one of its files. Raises InputError where there is none."""

    def list_dir(
        self, tree: State, path: str, pattern: str, platform: Platform
    ) -> tuple[FileStat, ...]:
        """Build a tree and return what is in one of its directories."""

    def dockerfile(
        self, build: Build, text: bytes, filename: str, request: DockerfileRequest
    ) -> State:
        """Return the tree and image config that a Dockerfile describes."""

    def frontend(
        self, build: Build, source: str, options: Mapping[str, str], inputs: Mapping[str, State]
    ) -> State:
        """Return the tree and image config that another frontend makes."""

    def warn(self, message: str, location: Location | None) -> None:
        """Show a warning."""


@frozen
class DockerfileRequest:
    """What is asked of a Dockerfile: a stage, build args, and trees that stand for names."""

    target: str | None
    build_args: Mapping[str, str]
    contexts: Mapping[str, State]


@frozen(eq=False)
class Build:
    """A build as a build file sees it; the same inputs give the same values.

    ``platform`` is what is built for, one of ``platforms``, and ``build_platform`` that of the
    daemon, which steps run on. ``args`` are the build args as the client wrote them, which
    targets have as parameters; ``labels`` are put on the image in any case. ``target`` is the
    name of the target that was asked for. ``no_cache`` says whether steps are to run anew, which
    they do by themselves. ``epoch`` is the time of SOURCE_DATE_EPOCH, None where it is not given.
    ``contexts`` are the named contexts as the client wrote them, and ``source`` is the file that
    says what to build.
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

    def context(
        self,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        follow_paths: Iterable[str] = (),
    ) -> State:
        """Return the build context: the client's directory, or a repository or archive.

        What .dockerignore names is not in it, nor what is in ``exclude``; with ``include``
        or ``follow_paths`` that alone is sent.
        """
        return self._host.context(tuple(include), tuple(exclude), tuple(follow_paths))

    def named(self, name: str) -> State:
        """Return a named context (``--build-context NAME=…``).

        Raises InputError where the client gave none of that name.
        """
        found = self._host.named(name, self.platform)
        if found is None:
            raise InputError(
                f"the build has no context {name}",
                hint=did_you_mean(name, self.contexts) or f"give it: --build-context {name}=DIR",
            )
        return self._host.prepared(found)

    def input(self, name: str) -> State:
        """Return a tree that the client built itself. Raises InputError where there is none."""
        found = self._host.input(name)
        if found is None:
            raise InputError(f"the build has no input {name}")
        return found

    def image(
        self, ref: str, *, platform: Platform | str | None = None, **options: Unpack[StepOptions]
    ) -> State:
        """Return an image with its config, as FROM does: its digest is found, and pinned.

        Processes are run by its user, and find a PATH. What ONBUILD left in it is not run, of
        which a warning is shown. ``platform`` is by default the one that is built for. A named
        context of that name stands for the image. Raises InvalidValueError, and RemoteError
        where there is none.
        """
        wanted = self.platform if platform is None else to_platform(platform)
        found = self._host.named(ref, wanted) if self.contexts else None
        if found is None:
            found = Image(ref, platform=wanted, resolver=self._host, resolve_digest=True, **options)
        if found.config.onbuild:
            self.warn(f"the ONBUILD instructions of {ref} are not run: {found.config.onbuild[0]} …")
        return self._host.prepared(as_base(found, wanted))

    def scratch(self) -> State:
        """Return the empty tree, as ``FROM scratch`` does: with the PATH that images have."""
        return self._host.prepared(scratch())

    def on(self, platform: Platform | str) -> Build:
        """Return the same build for another platform."""
        return evolve(self, platform=to_platform(platform))

    def read_bytes(self, path: str, tree: State | None = None) -> bytes:
        """Return a file of the build context, or of ``tree``, which is built for it.

        Raises InputError where there is none, and RemoteError where the tree cannot be built.
        """
        # The daemon is asked for this file alone.
        found = self.context(follow_paths=[_relative(path)]) if tree is None else tree
        return self._host.read(found, path, self.platform)

    def read_text(self, path: str, tree: State | None = None) -> str:
        """Return a file as text, in UTF-8; raises as :meth:`read_bytes` does."""
        return decoded(self.read_bytes(path, tree), path)

    def list_dir(
        self, path: str = ".", tree: State | None = None, *, pattern: str = ""
    ) -> tuple[FileStat, ...]:
        """Return what is in a directory of the build context, or of ``tree``, by name.

        With ``pattern``, as ``*.toml``, what matches it. Raises InputError where there is no
        such directory.
        """
        found = self.context() if tree is None else tree
        return self._host.list_dir(found, path, pattern, self.platform)

    def dockerfile(
        self,
        text_or_path: str,
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        contexts: Mapping[str, State] | None = None,
    ) -> State:
        """Return what a Dockerfile describes, with its image config, to build upon.

        It is a text of several lines, or the path of a file in the build context. ``contexts``
        stand for images and stages of these names. Raises InputError where there is no such file,
        and DockerfileError for a mistake in it.
        """
        if "\n" in text_or_path:
            text, filename = text_or_path.encode(), "Dockerfile"
        else:
            text, filename = self.read_bytes(text_or_path), text_or_path
        request = DockerfileRequest(target, dict(build_args or {}), dict(contexts or {}))
        return self._host.dockerfile(self, text, filename, request)

    def frontend(
        self,
        source: str,
        *,
        options: Mapping[str, str] | None = None,
        inputs: Mapping[str, State] | None = None,
    ) -> State:
        """Return what another frontend makes, with its image config.

        ``source`` is its image, or ``dockerfile.v0``; ``options`` are what it understands, as
        ``filename``, and ``inputs`` trees that it finds by name, ``context`` being the build
        context. Raises RemoteError with its error.
        """
        return self._host.frontend(self, source, dict(options or {}), dict(inputs or {}))

    # What a client keeps for steps is mounted, as a file or a socket.
    secret = staticmethod(mounts.secret)
    ssh = staticmethod(mounts.ssh)

    def warn(self, message: str) -> None:
        """Show a warning with the line of this call; the build goes on."""
        site = caller()
        locations = python_locations(site) if site else ()
        self._host.warn(message, locations[0] if locations else None)

    def argument(self, parameter: Parameter) -> object:
        """Return the value of a build arg. Raises InvalidValueError where it has none."""
        if parameter.name in self.args:
            return parameter.convert(self.args[parameter.name])
        if parameter.is_required:
            raise InvalidValueError(
                f"the build arg {parameter.name} is not given: expected {parameter.kind}",
                hint=f"--build-arg {parameter.name}={'|'.join(parameter.allowed) or '…'}",
            )
        return parameter.default


def _relative(path: str) -> str:
    return posixpath.normpath(path).lstrip("/")
