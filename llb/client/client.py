"""Connect to a BuildKit daemon, run builds on it, and query or prune its cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, Unpack

from llb._lazy import lazy_imports
from llb._pb import control_pb2 as pb
from llb.arguments.checked import checked
from llb.arguments.conversions import Duration, to_seconds
from llb.client.builds.build_handle import BuildHandle
from llb.client.builds.event_buffer import EventBuffer
from llb.client.builds.subject import Subject
from llb.client.connect.fleet import ranked, reach
from llb.client.daemon.route_choice import choose_nodes
from llb.client.nodes.nodes import Nodes
from llb.client.options import BuildOptions
from llb.gateway import Gateway, Request, Result
from llb.platforms import to_platform
from llb.reference import Reference

with lazy_imports(__name__):
    from llb.client import history as build_history  # 2 ms
    from llb.client.connect import retry  # 2 ms
    from llb.client.image_build import request as image_request  # 5 ms
    from llb.client.image_build import result as image_results  # 1 ms
    from llb.client.inspection import (
        commands,  # 0.9 ms
        trees,  # 0.6 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    import grpc

    from llb import Network, Security
    from llb.buildkit_names import NetworkName, ResolveMode, SecurityName
    from llb.client.builds.build_handle import R_co
    from llb.client.connect.control import Info, Worker
    from llb.client.connect.sockets import Dialer
    from llb.client.connect.tls import TLS
    from llb.client.history import History
    from llb.client.image_build.options import BuildContext, ImageBuildOptions
    from llb.client.image_build.request import ImageBuild
    from llb.client.image_build.result import ImageResult
    from llb.client.inspection.trees import TreePath
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.definition.definition import Definition
    from llb.gateway import Completed, FileStat
    from llb.grpc import Pipe
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.settings import MountValue
    from llb.state.state import State


class Client:
    """A connection to a BuildKit daemon, and the builds run on it.

    ``addr`` is one of:

    - ``unix://PATH`` or ``tcp://HOST:PORT``, a socket of the daemon;
    - ``docker-container://NAME``, ``podman-container://NAME``, ``nerdctl-container://NAME``,
      ``kube-pod://NAME`` or ``ssh://HOST``, where ``buildctl dial-stdio`` provides the connection
      (docs/connections.md);
    - ``docker://``, the BuildKit inside Docker;
    - ``builder://NAME``, a builder (:class:`Builder`), whose daemons are started if necessary;
    - several of these. Like a builder with several nodes, they share a build for several platforms:
      each builds those that it has (docs/builders.md), and the result is one. Everything else
      happens on the first.

    The default is ``BUILDKIT_HOST``, then the builder in use, then the default sockets, then a
    private daemon, which is started if buildkitd is installed, then ``docker://``. ``tls`` holds the certificates for a
    ``tcp://`` daemon that requires TLS. ``dialer`` is a function that opens the connections, and
    returns a connected socket or a pipe (:data:`llb.client.Dialer`); ``addr`` is then optional,
    and names the daemon in errors. ``channel`` is used in place of an address: a ``grpc.Channel`` of
    grpcio, with its credentials and interceptors, created with
    ``options=llb.grpcio.CHANNEL_OPTIONS``. The client does not close it. It needs the extra
    ``grpc``, and raises ImportError without it (docs/connections.md). Raises ConnectError if no
    daemon can be reached.

    A client may be used from several threads, and in the child of ``os.fork()``, where it opens
    connections of its own.
    """

    @checked
    def __init__(
        self,
        addr: str | Sequence[str] | None = None,
        *,
        tls: TLS | None = None,
        dialer: Dialer | None = None,
        channel: grpc.Channel | None = None,
    ) -> None:
        self._nodes = Nodes(choose_nodes(addr, tls, dialer, channel))
        self._control = self._nodes.first.control
        self.address = self._control.address

    @classmethod
    @checked
    def any(
        cls,
        addrs: Iterable[str],
        *,
        key: str,
        platforms: Iterable[Platform | str] = (),
        tls: TLS | None = None,
    ) -> Self:
        """Connect to one of several daemons, always to the same one for the same key.

        The daemon is chosen by consistent hashing: while it cannot be reached, the next one in the
        key's order is used, and adding or removing an address moves only the keys that this
        address gains or loses. With ``platforms``, daemons that run on these platforms come first,
        then those that emulate them, then all others, because not every build runs steps. Raises
        ConnectError if no daemon can be reached.
        """
        return reach(
            ranked(addrs, key),
            lambda addr: cls(addr, tls=tls),
            platforms=tuple(map(to_platform, platforms)),
        )

    @checked
    def ping(self, *, timeout: Duration = 10.0) -> float:
        """Measure how many seconds the daemon takes to answer; raises ConnectError."""
        start = time.monotonic()
        self._control.ping(to_seconds(timeout))
        return time.monotonic() - start

    def __enter__(self) -> Self:
        """Enter the context, which closes the connection at its end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._nodes.close()

    def dial(self) -> Pipe:
        """Open another connection to the control API, as a pipe of bytes; raises ConnectError.

        A client over a ``grpc.Channel`` cannot.
        """
        return self._control.connect()

    def info(self) -> Info:
        """Query the daemon's version.

        Raises RemoteError if the daemon does not report one, as BuildKit before v0.11.
        """
        return self._control.info()

    @checked
    def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """List the daemon's workers, with their platforms.

        With ``filters`` of BuildKit, such as ``labels.name==VALUE``, a worker must pass one of them.
        """
        return self._control.workers(filters)

    @checked
    def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """List the records of the daemon's build cache.

        ``filters`` are BuildKit's, such as ``type==regular`` or ``id~=abc``; a record must pass
        all of them.
        """
        return self._control.disk_usage(filters)

    @checked
    def prune(
        self,
        *,
        all: bool = False,  # noqa: A002 - buildctl's word
        filters: Iterable[str] = (),
        unused_for: Duration = 0,
        reserved_space: int = 0,
        max_used_space: int = 0,
        min_free_space: int = 0,
    ) -> Iterator[Usage]:
        """Remove unused build cache, and yield each removed record.

        The removal starts when you iterate over the result. Without arguments, everything that no
        build uses is removed.

        - ``all``: remove the records of images and frontends, too.
        - ``filters``: remove only records that pass all of these filters of BuildKit.
        - ``unused_for``: keep records that were used within this time, seconds or a timedelta.
        - ``reserved_space``: keep at least as many bytes.
        - ``max_used_space``: remove records until the cache has at most as many bytes.
        - ``min_free_space``: remove records until as many bytes of the disk are free.
        """
        return self._control.prune(
            pb.PruneRequest(
                all=all,
                filter=filters,
                keepDuration=round(to_seconds(unused_for) * 1e9),
                reservedSpace=reserved_space,
                maxUsedSpace=max_used_space,
                minFreeSpace=min_free_space,
            )
        )

    def history(self) -> History:
        """Open the daemon's build history."""
        return build_history.History(self._control)

    @checked(options=BuildOptions)
    def solve(
        self,
        what: State | Definition | None = None,
        *,
        frontend: str | None = None,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        image_config: bytes | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build a state, a definition, or the result of a frontend.

        ``frontend_attrs`` and ``frontend_inputs`` are the attributes and inputs of the frontend. An
        image built from a state gets the state's image config; for a definition, pass it as
        ``image_config`` in JSON. Base images of states are resolved in the same build, and their
        configs inherited (:func:`llb.resolve_images`). ``platform`` applies to the steps of a state
        that name none; for a frontend, use its attribute ``platform``. All further options are
        :class:`BuildOptions`.

        Raises SolveError if the build fails, InputError for an unusable local directory, secret,
        agent or destination, CancelledError after the timeout, TransportError if the connection
        breaks, and CapabilityError if the daemon is too old for a step. A failed build leaves
        nothing at its destinations. An interrupt (KeyboardInterrupt) cancels the build.

        This is :meth:`start` and :meth:`BuildHandle.result` in one.
        """
        subject = Subject(
            what, frontend, frontend_attrs or {}, frontend_inputs or {}, image_config, platform
        )
        return self._start(subject, options, _solved, has_reader=False).result()

    @checked(options=BuildOptions)
    def start(
        self,
        what: State | Definition | None = None,
        *,
        frontend: str | None = None,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        image_config: bytes | None = None,
        platform: Platform | str | None = None,
        function: Callable[[Request, Gateway], Result] | None = None,
        **options: Unpack[BuildOptions],
    ) -> BuildHandle:
        """Start a build on a thread of its own, and return a handle to follow or cancel it.

        The arguments are those of :meth:`solve`, or the ``function`` of :meth:`build`. Errors in
        them, InvalidValueError and InputError, are raised here; everything that the daemon answers
        is raised by :meth:`BuildHandle.result`. The thread runs in a copy of the caller's context
        variables. The ``timeout`` of the options cancels the build.
        """
        subject = Subject(
            what,
            frontend,
            frontend_attrs or {},
            frontend_inputs or {},
            image_config,
            platform,
            function,
        )
        return self._start(subject, options, _solved, has_reader=True)

    def build_image(
        self, context: BuildContext, **options: Unpack[ImageBuildOptions]
    ) -> ImageResult:
        """Build the image of a Dockerfile, or of a build file in Python.

        ``context`` is one of:

        - a directory, as a string or a path: ``"."``;
        - a URL of a repository or an archive: ``"https://github.com/me/app.git#main:web"``;
        - a tar archive, compressed or not, as bytes or as a file that is open as binary. As for
          ``docker build -``, it may be a Dockerfile alone;
        - files in memory, as a mapping: ``{"Dockerfile": "FROM alpine", "src/app": b"…"}``;
        - a state, which the daemon builds first.

        All options are those of :class:`ImageBuildOptions`: ``file`` or ``dockerfile_inline``,
        ``target``, ``build_args``, ``contexts``, ``tags``, ``push``, ``load``, ``outputs``,
        ``platforms``, ``labels``, ``annotations``, ``secrets``, ``ssh``, ``cache_from``,
        ``cache_to``, ``no_cache``, ``pull``, ``network``, ``extra_hosts``, ``shm_size``,
        ``ulimits``, ``provenance``, ``sbom``, ``timeout``, ``on_event`` and others.

        A ``.dockerignore`` excludes files of a directory and of files in memory, but not of an
        archive, a repository or a state: these are used as they are, as by Docker.

        Raises InvalidValueError, with the name of the option, before anything is sent, InputError
        for a missing file, SolveError if the build fails, and the other errors of :meth:`solve`.

        This is :meth:`start_image` and :meth:`BuildHandle.result` in one.
        """
        prepared = image_request.to_image_build(context, options)
        return self._start_image(prepared, has_reader=False).result()

    def start_image(
        self, context: BuildContext, **options: Unpack[ImageBuildOptions]
    ) -> BuildHandle[ImageResult]:
        """Start an image build, and return a handle to follow or cancel it.

        The arguments are those of :meth:`build_image`; everything else is as for :meth:`start`.
        """
        prepared = image_request.to_image_build(context, options)
        return self._start_image(prepared, has_reader=True)

    @checked(options=BuildOptions)
    def build(
        self,
        function: Callable[[Request, Gateway], Result],
        *,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build with a Python function as the frontend, which runs in this process.

        ``function`` receives a request, with ``frontend_attrs`` as its options, and a gateway to
        the daemon, which answers with ``frontend_inputs``; the build has its result. The same
        function can be served from an image (:func:`llb.gateway.serve`). Raises the exceptions of
        the function and those of :meth:`solve`.
        """
        subject = Subject(
            function=function,
            frontend_attrs=frontend_attrs or {},
            frontend_inputs=frontend_inputs or {},
        )
        return self._start(subject, options, _solved, has_reader=False).result()

    @checked(options=BuildOptions)
    def read_file(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        offset: int = 0,
        length: int | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> bytes:
        r"""Build a tree and read a file of it, of any size.

        A relative ``path`` starts in the working directory of the state; links are followed inside
        the tree. ``length`` is the maximum number of bytes from ``offset``. ``platform`` applies to
        the steps that name none. Further options are :class:`BuildOptions`, except for exports.

        Raises MissingFileError, a FileNotFoundError, if there is no such file; InputError for a
        directory; and the errors of :meth:`solve`.

        >>> from llb import Image
        >>> with Client() as client:  # doctest: +SKIP
        ...     client.read_file(Image("alpine"), "/etc/alpine-release")
        b'3.22.0\n'
        """
        return trees.read_file(
            self.build, tree, path, offset=offset, length=length, platform=platform, options=options
        )

    @checked(options=BuildOptions)
    def read_text(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        encoding: str = "utf-8",
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> str:
        """Build a tree and read a file of it as text.

        Raises InputError if the file is not encoded like that, and the errors of :meth:`read_file`.
        """
        data = self.read_file(tree, path, platform=platform, **options)
        return trees.decode(data, path, encoding)

    @checked(options=BuildOptions)
    def list_dir(
        self,
        tree: State | Definition,
        path: TreePath = "/",
        *,
        pattern: str | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> tuple[FileStat, ...]:
        """Build a tree and list a directory of it: its entries by name, in order.

        ``pattern`` selects names, such as ``*.py``. The other parameters are those of
        :meth:`read_file`. Raises MissingFileError if there is no such directory, InputError for a
        file, and the errors of :meth:`solve`.
        """
        return trees.list_dir(
            self.build, tree, path, pattern=pattern, platform=platform, options=options
        )

    @checked(options=BuildOptions)
    def stat(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> FileStat:
        """Build a tree and get the status of a file or directory of it; links are followed.

        The parameters and errors are those of :meth:`read_file`.
        """
        return trees.stat(self.build, tree, path, platform=platform, options=options)

    @checked(options=BuildOptions)
    def run(
        self,
        tree: State | Definition,
        command: str | Sequence[str],
        *,
        input: bytes | str | None = None,  # noqa: A002 - the word of subprocess.run
        check: bool = True,
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        user: str | None = None,
        mounts: Iterable[MountValue] = (),
        shell: Sequence[str] | None = None,
        network: Network | NetworkName | None = None,
        security: Security | SecurityName | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> Completed:
        r"""Build a tree, run a process in it, and return its exit code and output.

        The process is not a step: it runs on every call, nothing is cached, and its writes are
        lost, except to a cache mount. It has the settings of the state (variables, working
        directory, user, network, mounts), overridden by ``env``, ``workdir`` and the others as in
        :meth:`llb.State.run`; ``command`` is a string for the shell or a sequence of arguments.
        ``input`` is what the process reads; without it, its standard input is empty. Further
        options are :class:`BuildOptions`, except for exports: ``secrets`` and ``ssh`` for mounts,
        ``timeout`` for the whole call.

        Raises ProcessError for a nonzero exit code, unless ``check`` is false; InvalidValueError
        for settings that only steps have (ulimits, a cgroup parent); CapabilityError if the daemon
        is too old; and the errors of :meth:`solve` if the tree cannot be built.

        >>> from llb import Image
        >>> with Client() as client:  # doctest: +SKIP
        ...     client.run(Image("alpine"), "echo hello").stdout
        b'hello\n'
        """
        return commands.run(
            self.build,
            tree,
            command,
            input=input,
            check=check,
            platform=platform,
            settings={
                "env": env,
                "workdir": workdir,
                "user": user,
                "mounts": mounts,
                "shell": shell,
                "network": network,
                "security": security,
            },
            options=options,
        )

    @checked
    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image through the daemon.

        This makes a client usable as the ``resolver`` of :func:`llb.Image`.
        """
        resolve, images = image_lookup(ref, platform, resolve_mode)
        self.build(resolve)
        return images[0]

    def _start_image(self, prepared: ImageBuild, *, has_reader: bool) -> BuildHandle[ImageResult]:
        exports, is_docker = prepared.options["exports"], self._control.is_docker
        return self._start(
            Subject(**prepared.arguments),
            prepared.options,
            lambda solved: image_results.to_image_result(solved, exports, is_docker=is_docker),
            has_reader=has_reader,
        )

    def _start(
        self,
        subject: Subject,
        options: BuildOptions,
        to_result: Callable[[SolveResult], R_co],
        *,
        has_reader: bool,
    ) -> BuildHandle[R_co]:
        events = EventBuffer()
        build = self._nodes.prepare(subject, options, events.put if has_reader else None)
        try:
            # A program does not wait at its end for solve() on one of its daemon threads.
            return BuildHandle(build, events, to_result, daemon=False if has_reader else None)
        except BaseException:
            build.close()
            raise


def _solved(result: SolveResult) -> SolveResult:
    return result


def image_lookup(
    ref: str, platform: Platform | None, resolve_mode: ResolveMode
) -> tuple[Callable[[Request, Gateway], Result], list[ResolvedImage]]:
    """Make a function for :meth:`Client.build` that adds the resolved image to the list."""
    images: list[ResolvedImage] = []
    # Old daemons accept only full image names.
    full = str(Reference.parse(ref).tagged())

    def resolve(_: Request, gateway: Gateway) -> Result:
        images.append(
            gateway.resolve_image_config(full, platform=platform, resolve_mode=resolve_mode)
        )
        return Result()

    return resolve, images


@checked
def wait_for_ready(
    addr: str | None = None,
    *,
    timeout: Duration = 60.0,
    tls: TLS | None = None,
    dialer: Dialer | None = None,
) -> Client:
    """Connect to a daemon that may still be starting.

    Attempts are repeated with growing pauses for ``timeout``, in seconds or as a timedelta. Raises
    the last ConnectError after the timeout; any other error is raised at once.
    """
    return retry.retried(lambda: Client(addr, tls=tls, dialer=dialer), to_seconds(timeout))


def build_image(
    context: BuildContext,
    *,
    addr: str | Sequence[str] | None = None,
    tls: TLS | None = None,
    **options: Unpack[ImageBuildOptions],
) -> ImageResult:
    """Connect to a daemon, build an image, and close the connection.

    ``addr`` and ``tls`` are those of :class:`Client`, everything else is that of
    :meth:`Client.build_image`.
    """
    prepared = image_request.to_image_build(context, options)
    with Client(addr, tls=tls) as client:
        return client._start_image(prepared, has_reader=False).result()
