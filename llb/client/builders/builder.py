"""Builders: create and choose sets of BuildKit daemons, and connect to them."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Unpack

from attrs import evolve, frozen

from llb.arguments.checked import checked
from llb.arguments.conversions import Duration, to_seconds
from llb.client.builders.buildkitd_config import registry_access
from llb.client.builders.drivers.container import ContainerDriver
from llb.client.builders.drivers.driver import driver_of
from llb.client.builders.instance import BuilderInstance, BuilderNode, NodeStatus, normal_name
from llb.client.builders.node_options import (
    DriverName,
    NodeOptions,
    changed_node,
    default_driver,
    new_node,
)
from llb.client.builders.store import BuilderStore, chosen_name
from llb.client.connect.control import Control
from llb.client.connect.docker.contexts import DEFAULT, context_names, current_context
from llb.client.connect.retry import retried
from llb.client.connect.routes import NodeRoute
from llb.errors import (
    ConnectError,
    InputError,
    InvalidValueError,
    LLBError,
    RemoteError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from llb.client.connect.control import Worker
    from llb.client.connect.routes import Route
    from llb.client.progress.events import Event

_DOCKER = "docker"
_RANDOM_BYTES = 4
# As long as for a daemon in any other container.
_START_SECONDS = 60.0


@frozen
class NodeReport:
    """The status of a node and, while it runs, its BuildKit version and its workers.

    ``error`` is why a node could not be asked.
    """

    node: BuilderNode
    status: NodeStatus
    version: str | None = None
    workers: tuple[Worker, ...] = ()
    error: LLBError | None = None


class Builder:
    """A named set of BuildKit daemons, its nodes. The builders are those of ``docker buildx``.

    They are stored in ``$BUILDX_CONFIG``, by default in the folder ``buildx`` of Docker's
    configuration. A Docker context is a builder, too: the BuildKit of that Docker. Methods raise
    InputError if the store cannot be read or written, and ConnectError if Docker fails.
    """

    def __init__(self, instance: BuilderInstance, store: BuilderStore) -> None:
        self._instance = instance
        self._store = store

    @classmethod
    @checked(options=NodeOptions)
    def create(
        cls,
        name: str | None = None,
        *,
        driver: DriverName | None = None,
        node: str | None = None,
        use: bool = False,
        **options: Unpack[NodeOptions],
    ) -> Builder:
        """Create a builder with one node, whose daemon starts by :meth:`start` or with a build.

        ``name`` is a random one by default. The default driver is ``docker-container``, or
        ``remote`` if ``BUILDKIT_HOST`` is set and there is no ``endpoint``. ``node`` names the node,
        by default like the builder with a number. ``use`` chooses the builder for the builds with
        the current Docker. The other options are :class:`NodeOptions`.

        Raises InvalidValueError for invalid options, and InputError for a name that is taken.
        """
        store = BuilderStore()
        with store.locked():
            instance = BuilderInstance(_free_name(store, name), driver or default_driver(options))
            builder = cls(instance, store)
            builder._save(
                instance.with_node(new_node(instance, node, options, store.default_config))
            )
            if use:
                store.use(instance.name)
        return builder

    @classmethod
    @checked
    def load(cls, name: str) -> Builder:
        """Find a builder, or the Docker context of this name. Raises InputError if there is none."""
        store = BuilderStore()
        with suppress(InvalidValueError):
            instance = store.find(name)
            if instance is not None:
                return cls(instance, store)
        if name in context_names():
            return cls(_of_context(name), store)
        names = [*(instance.name for instance in store.instances()), *context_names()]
        raise InputError(
            f"unknown builder {name!r}",
            hint=did_you_mean(name, names) or "list the builders with `llb builder ls`",
        )

    @classmethod
    def current(cls) -> Builder:
        """Find the builder in use: ``BUILDX_BUILDER``, or the one chosen for the current Docker.

        Without either, it is the BuildKit of the current Docker.
        """
        return cls.load(chosen_name() or current_context())

    @classmethod
    def list(cls) -> tuple[Builder, ...]:
        """List all builders by name, and then the Docker contexts that are not among them."""
        store = BuilderStore()
        instances = store.instances()
        names = {instance.name for instance in instances}
        contexts = (_of_context(name) for name in sorted(context_names()) if name not in names)
        return tuple(cls(instance, store) for instance in (*instances, *contexts))

    @property
    def name(self) -> str:
        """The name of the builder."""
        return self._instance.name

    @property
    def driver(self) -> str:
        """The name of its driver: ``docker``, ``docker-container``, ``remote`` or another."""
        return self._instance.driver

    @property
    def nodes(self) -> tuple[BuilderNode, ...]:
        """Its nodes."""
        return self._instance.nodes

    @property
    def last_activity(self) -> datetime | None:
        """When it was created, changed or used for a build."""
        return self._store.last_activity(self.name)

    @checked(options=NodeOptions)
    def append(self, node: str | None = None, **options: Unpack[NodeOptions]) -> None:
        """Add a node. Raises InvalidValueError for invalid options and an existing name."""
        with self._store.locked():
            instance = self._reload()
            if node is not None and instance.node(normal_name(node)) is not None:
                raise InvalidValueError(f"the builder {self.name!r} has a node {node!r} already")
            new = new_node(instance, node, options, self._store.default_config)
            self._save(instance.with_node(new))

    @checked(options=NodeOptions)
    def change(self, node: str, **options: Unpack[NodeOptions]) -> None:
        """Change options of a node; a daemon that runs has them once it is created again.

        Raises InvalidValueError for invalid options and an unknown node.
        """
        with self._store.locked():
            instance = self._reload()
            old = instance.node(normal_name(node))
            if old is None:
                raise InvalidValueError(
                    f"the builder {self.name!r} has no node {node!r}",
                    hint=did_you_mean(node, [other.name for other in instance.nodes]),
                )
            self._save(instance.with_node(changed_node(instance, old, options)))

    @checked
    def leave(self, node: str) -> None:
        """Remove a node from the builder, but not its daemon. Raises InvalidValueError."""
        with self._store.locked():
            self._save(self._reload().without_node(normal_name(node)))
            self._store.remove_node(self.name, normal_name(node))

    @checked
    def use(self, *, is_global: bool = False, is_default: bool = False) -> None:
        """Choose the builder for the builds with the current Docker.

        ``is_global`` chooses it for every Docker. ``is_default`` chooses it again whenever the
        current Docker becomes the current one again.
        """
        if self.driver == _DOCKER and self.name != current_context():
            raise InvalidValueError(
                f"the builder {self.name!r} is a Docker context, and not the current one",
                hint=f"switch to it with `docker context use {self.name}`",
            )
        with self._store.locked():
            name = "" if self.driver == _DOCKER else self.name
            self._store.use(name, is_global=is_global, is_default=is_default)

    @checked
    def start(
        self, *, timeout: Duration = 60.0, on_event: Callable[[Event], None] | None = None
    ) -> None:
        """Start the daemons of all nodes that do not run, and wait until they answer.

        ``on_event`` gets the progress of pulls. Raises ConnectError if one does not answer within
        ``timeout`` seconds, and InputError if its container ends.
        """
        seconds = to_seconds(timeout)
        with ThreadPoolExecutor(max(1, len(self.nodes))) as pool:
            list(
                pool.map(lambda node: self._start_node(node, seconds, on_event).close(), self.nodes)
            )

    def routes(self) -> tuple[NodeRoute, ...]:
        """List the nodes for a client; the daemon of a node starts when its route is chosen."""
        if self.driver != _DOCKER:
            with self._store.locked():
                self._store.record_activity(self.name)
        return tuple(
            NodeRoute(
                node.name,
                partial(self._route, node),
                node.platforms,
                partial(registry_access, node.files),
            )
            for node in self.nodes
        )

    def inspect(self) -> tuple[NodeReport, ...]:
        """Ask all nodes for their status, their BuildKit versions and their workers."""
        with ThreadPoolExecutor(max(1, len(self.nodes))) as pool:
            return tuple(pool.map(self._report, self.nodes))

    def stop(self) -> None:
        """Stop the daemons that the driver has started; their build caches are kept."""
        for node in self.nodes:
            driver_of(self.driver, node).stop()

    @checked
    def remove(self, *, keep_state: bool = False, keep_daemon: bool = False) -> None:
        """Remove the builder, its daemons and their build caches.

        ``keep_state`` keeps the caches, for a builder of the same name, and ``keep_daemon`` also the
        daemons. Raises InvalidValueError for a Docker context.
        """
        if self.driver == _DOCKER:
            raise InvalidValueError(
                f"the builder {self.name!r} is a Docker context",
                hint=f"remove it with `docker context rm {self.name}`",
            )
        try:
            for node in () if keep_daemon else self.nodes:
                driver_of(self.driver, node).remove(keep_state=keep_state)
        finally:
            with self._store.locked():
                self._store.remove(self.name)

    def _route(self, node: BuilderNode) -> Route:
        """Start the daemon of a node if it is ours and does not run, and choose the route to it."""
        driver = driver_of(self.driver, node)
        if isinstance(driver, ContainerDriver) and driver.status() != "running":
            self._start_node(node, _START_SECONDS).close()
        name = f"{self.name}/{node.name}"
        return evolve(driver.route(), node=name, loads=driver.has_default_load)

    def _start_node(
        self, node: BuilderNode, timeout: float, on_event: Callable[[Event], None] | None = None
    ) -> Control:
        """Start the daemon of a node if necessary, and connect to it."""
        driver = driver_of(self.driver, node)
        driver.start(on_event)

        def connect() -> Control:
            try:
                return _connected(driver.route())
            except ConnectError:
                output = driver.why_ended() if isinstance(driver, ContainerDriver) else None
                if output is None:
                    raise
                raise InputError(
                    f"the daemon of the node {node.name!r} has ended: {output}",
                    hint="check its options with `llb builder inspect`",
                ) from None

        return retried(connect, timeout)

    def _report(self, node: BuilderNode) -> NodeReport:
        status: NodeStatus = "inactive"
        try:
            driver = driver_of(self.driver, node)
            status = driver.status()
            if status != "running":
                return NodeReport(node, status)
            control = _connected(driver.route())
            try:
                return NodeReport(node, status, _version(control), control.workers(()))
            finally:
                control.close()
        except LLBError as error:
            return NodeReport(node, status, error=error)

    def _reload(self) -> BuilderInstance:
        """Read the builder again, since another process may have changed it."""
        self._instance = self._store.load(self.name)
        return self._instance

    def _save(self, instance: BuilderInstance) -> None:
        self._store.save(instance)
        self._instance = instance

    def __repr__(self) -> str:
        """Show the name, the driver and the number of nodes."""
        return f"<Builder {self.name} ({self.driver}, {len(self.nodes)} nodes)>"


def _connected(route: Route) -> Control:
    """Connect, and check that a daemon answers."""
    control = Control(route)
    try:
        control.ping(route.greet_seconds)
    except BaseException:
        control.close()
        raise
    return control


def _version(control: Control) -> str | None:
    try:
        return control.info().version
    except RemoteError:
        # BuildKit before v0.11 does not say.
        return None


def _of_context(name: str) -> BuilderInstance:
    """Describe the builder that every Docker context is."""
    return BuilderInstance(name, _DOCKER, (BuilderNode(name, name),))


def _free_name(store: BuilderStore, name: str | None) -> str:
    """Check the name of a new builder, or invent one. Raises InvalidValueError, InputError."""
    if name is None:
        return f"builder-{secrets.token_hex(_RANDOM_BYTES)}"
    chosen = normal_name(name)
    if chosen == DEFAULT or name in context_names():
        raise InputError(f"the builder {name!r} exists already: it is a Docker context")
    if store.find(chosen) is not None:
        raise InputError(
            f"the builder {name!r} exists already",
            hint=f"add a node with `llb builder create --append --name {name}`",
        )
    return chosen
