"""A BuildKit daemon in a Docker container, created and started on demand."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked, checked_init
from llb.arguments.conversions import Duration, to_seconds
from llb.client.client import Client
from llb.client.connect.address import DOCKER
from llb.client.connect.docker import images
from llb.client.connect.docker.containers import Containers
from llb.client.connect.docker.contexts import find_endpoint
from llb.client.connect.docker.engine import Docker, Engine
from llb.client.connect.docker.errors import AnswerError
from llb.client.connect.docker.steps import Step
from llb.client.connect.retry import retried
from llb.client.progress.events import from_response
from llb.client.registry_auth.docker_config import DockerConfig
from llb.errors import ConnectError, InputError, InvalidValueError, TransportError
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attrs import Attribute

    from llb._pb import control_pb2 as pb
    from llb.client.progress.events import Event

# Docker's own rule: a name has at least two characters.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+\Z")
_STATE = "/var/lib/buildkit"
_LOG_LINES = 5


def _check_name(container: BuildKitContainer, attribute: Attribute[str], name: str) -> None:  # noqa: ARG001
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid container {name!r}: expected letters, digits, and _ . - after the first"
        )


@checked_init
@frozen
class BuildKitContainer:
    """A Docker container that runs BuildKit, by its name.

    Docker is the one that ``docker://`` finds, and its program is not needed. If the container does
    not exist it is created from ``image``, which must run ``buildkitd`` and contain ``buildctl``,
    on the Docker network ``network`` (by default Docker's default network). Docker pulls an image
    that it does not have. The build cache is a volume named after the container. The container is
    privileged, because BuildKit itself creates containers.
    """

    name: str = field(validator=_check_name)
    image: str = "moby/buildkit"
    network: str | None = None

    @property
    def address(self) -> str:
        """The container's address for a client."""
        return f"docker-container://{self.name}"

    @checked
    def start(
        self, *, timeout: Duration = 60.0, on_event: Callable[[Event], None] | None = None
    ) -> Client:
        """Create or start the container if necessary, and connect once BuildKit answers.

        ``on_event`` is called with the progress of a pull. ``timeout`` is for BuildKit alone. Raises
        ConnectError if Docker fails or nothing answers within ``timeout`` seconds, and InputError
        if the container exits.
        """
        with self._containers("start") as (engine, containers):
            state = containers.state(self.name)
            if state is None:
                self._create(engine, containers, on_event)
            if state != "running":
                containers.start(self.name)
        return retried(self._connect, to_seconds(timeout))

    def stop(self) -> bool:
        """Stop the container but keep its cache; return whether it ran. Raises ConnectError."""
        with self._containers("stop") as (_, containers):
            if containers.state(self.name) != "running":
                return False
            containers.stop(self.name)
        return True

    def remove(self) -> bool:
        """Remove the container, running or not, and its cache; return whether it existed.

        Raises ConnectError.
        """
        with self._containers("remove") as (_, containers):
            exists = containers.state(self.name) is not None
            if exists:
                containers.remove(self.name)
                containers.remove_volume(self._volume)
        return exists

    @property
    def _volume(self) -> str:
        return f"{self.name}_state"

    @contextmanager
    def _containers(self, action: str) -> Iterator[tuple[Engine, Containers]]:
        """Call Docker's API; its errors become ConnectError."""
        try:
            with Engine(Docker(find_endpoint(DOCKER))) as engine:
                yield engine, Containers(engine)
        except TransportError as error:
            raise ConnectError(
                f"cannot {action} the container {self.name}: {error.message}", hint=error.hint
            ) from error

    def _create(
        self, engine: Engine, containers: Containers, on_event: Callable[[Event], None] | None
    ) -> None:
        """Create the container, and pull the image if Docker does not have it."""
        host_config = {
            "Privileged": True,
            "Binds": [f"{self._volume}:{_STATE}"],
            "NetworkMode": self.network or "default",
        }
        try:
            containers.create(self.name, self.image, host_config)
        except AnswerError as error:
            if not error.is_missing:
                raise
            _pull(engine, self.image, on_event)
            containers.create(self.name, self.image, host_config)

    def _connect(self) -> Client:
        try:
            return Client(self.address)
        except ConnectError:
            with self._containers("look at") as (_, containers):
                if containers.state(self.name) in ("running", None):
                    raise
                log = " / ".join(containers.log(self.name, _LOG_LINES))
            raise InputError(
                f"the container {self.name} ended before a BuildKit answered: {log}",
                hint="its image must run buildkitd; remove it with "
                f"`llb daemon stop --container {self.name} --remove`",
            ) from None


def _pull(engine: Engine, image: str, on_event: Callable[[Event], None] | None) -> None:
    """Pull an image with the credentials of Docker's configuration."""

    def report(response: pb.StatusResponse) -> None:
        for event in from_response(response):
            if on_event is not None:
                on_event(event)

    reference = Reference.parse(image).tagged()
    login = DockerConfig.load().credentials(reference.domain)
    Step(f"pull {reference.familiar}", report).follow(images.pull(engine, reference, login))
