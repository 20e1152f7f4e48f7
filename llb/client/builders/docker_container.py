"""A container of a Docker that runs BuildKit: create it, start it, stop it and remove it."""

from __future__ import annotations

import io
import tarfile
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from llb.client.connect.docker import images
from llb.client.connect.docker.containers import Containers
from llb.client.connect.docker.engine import Engine
from llb.client.connect.docker.errors import AnswerError
from llb.client.connect.docker.steps import Step
from llb.client.progress.events import from_response
from llb.client.registry_auth.docker_config import DockerConfig
from llb.errors import ConnectError, TransportError
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llb._pb import control_pb2 as pb
    from llb.client.connect.docker.engine import Docker
    from llb.client.progress.events import Event

CONFIG_FOLDER = PurePosixPath("/etc/buildkit")
CONFIG_FILE = "buildkitd.toml"
_STATE = "/var/lib/buildkit"
_LOG_LINES = 5


@frozen
class ContainerSettings:
    """How a container is created.

    ``host_config`` returns fields of Docker's HostConfig, and may ask Docker for them. ``files`` are
    below ``/etc/buildkit``. Docker pulls the image if it does not have it or, with ``pull`` set
    to ``always``, before that: without a registry, the one that Docker has is good enough.
    """

    image: str
    host_config: Callable[[Engine], Mapping[str, Any]]
    command: Sequence[str] = ()
    environment: Sequence[str] = ()
    files: Mapping[str, bytes] = field(factory=dict)
    pull: Literal["always", "missing"] = "missing"


@frozen
class DockerContainer:
    """A container of a Docker, with a volume for the state of BuildKit. Methods raise ConnectError."""

    docker: Docker
    name: str

    def state(self) -> str | None:
        """Query Docker's word for the state of the container, None if it does not exist."""
        with self._calls("look at") as (_, containers):
            return containers.state(self.name)

    def start(
        self, settings: ContainerSettings, on_event: Callable[[Event], None] | None = None
    ) -> None:
        """Create and start the container if necessary. ``on_event`` gets the progress of a pull."""
        with self._calls("start") as (engine, containers):
            state = containers.state(self.name)
            if state is None:
                self._create(engine, containers, settings, on_event)
            if state != "running":
                containers.start(self.name)

    def stop(self) -> bool:
        """Stop the container but keep its state; return whether it ran."""
        with self._calls("stop") as (_, containers):
            if containers.state(self.name) != "running":
                return False
            containers.stop(self.name)
        return True

    def remove(self, *, keep_state: bool = False) -> bool:
        """Remove the container, running or not, and its state; return whether it existed."""
        with self._calls("remove") as (_, containers):
            exists = containers.state(self.name) is not None
            if exists:
                containers.remove(self.name)
                if not keep_state:
                    containers.remove_volume(self._volume)
        return exists

    def last_output(self) -> str | None:
        """Read the end of the output of a container that has ended; None for any other."""
        with self._calls("look at") as (_, containers):
            if containers.state(self.name) in ("running", None):
                return None
            return " / ".join(containers.log(self.name, _LOG_LINES))

    @property
    def _volume(self) -> str:
        return f"{self.name}_state"

    @contextmanager
    def _calls(self, action: str) -> Iterator[tuple[Engine, Containers]]:
        """Call Docker's API; its errors become ConnectError."""
        try:
            with Engine(self.docker) as engine:
                yield engine, Containers(engine)
        except TransportError as error:
            raise ConnectError(
                f"cannot {action} the container {self.name}: {error.message}", hint=error.hint
            ) from error

    def _create(
        self,
        engine: Engine,
        containers: Containers,
        settings: ContainerSettings,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        reference = Reference.parse(settings.image).tagged()
        error = _pull(engine, reference, on_event) if settings.pull == "always" else None
        try:
            is_new = self._call_create(engine, containers, settings)
        except AnswerError as missing:
            if not missing.is_missing:
                raise
            error = error or _pull(engine, reference, on_event)
            if error is not None:
                raise error from missing
            is_new = self._call_create(engine, containers, settings)
        # Another program that has just created the container has its own files.
        if is_new and settings.files:
            containers.unpack(self.name, str(CONFIG_FOLDER.parent), _to_archive(settings.files))

    def _call_create(
        self, engine: Engine, containers: Containers, settings: ContainerSettings
    ) -> bool:
        host_config = {
            **settings.host_config(engine),
            "Mounts": [{"Type": "volume", "Source": self._volume, "Target": _STATE}],
        }
        lists = {"Cmd": settings.command, "Env": settings.environment}
        config = {key: list(values) for key, values in lists.items() if values}
        return containers.create(self.name, settings.image, host_config, **config)


def _pull(
    engine: Engine, reference: Reference, on_event: Callable[[Event], None] | None
) -> TransportError | None:
    """Pull an image with the credentials of Docker's configuration; return the error, if any."""

    def report(response: pb.StatusResponse) -> None:
        for event in from_response(response):
            if on_event is not None:
                on_event(event)

    login = DockerConfig.load().credentials(reference.domain)
    try:
        Step(f"pull {reference.familiar}", report).follow(images.pull(engine, reference, login))
    except TransportError as error:
        return error
    return None


def _to_archive(files: Mapping[str, bytes]) -> bytes:
    """Pack files, by their names in the folder of the configuration, into a tar archive."""
    paths = {PurePosixPath(CONFIG_FOLDER.name, name): data for name, data in sorted(files.items())}
    folders = {parent for path in paths for parent in path.parents if parent.name}
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for folder in sorted(folders):
            entry = tarfile.TarInfo(str(folder))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, content in paths.items():
            entry = tarfile.TarInfo(str(path))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()
