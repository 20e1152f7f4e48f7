"""The driver ``docker-container``: a BuildKit in a container of a Docker."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from llb.buildkit_names import BUILDKIT_IMAGE
from llb.client.builders.docker_container import (
    CONFIG_FILE,
    CONFIG_FOLDER,
    ContainerSettings,
    DockerContainer,
)
from llb.client.builders.drivers import container_options, github_job
from llb.client.connect.docker.contexts import endpoint_of
from llb.client.connect.docker.engine import Docker
from llb.client.connect.routes import container_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.client.builders.instance import BuilderNode, NodeStatus
    from llb.client.connect.routes import Route
    from llb.client.progress.events import Event

_PREFIX = "buildx_buildkit_"

_JOB_FILE = "provenance.d/github_actions_context.json"


class ContainerDriver:
    """A container that is named after its node."""

    def __init__(self, node: BuilderNode) -> None:
        container_options.check(node.driver_opts)
        self._node = node
        self._container = DockerContainer(
            Docker(endpoint_of(node.endpoint)), f"{_PREFIX}{node.name}"
        )
        self.has_default_load = container_options.flag(node.driver_opts, "default-load")

    def route(self) -> Route:
        """Choose the route to the container."""
        name = self._container.name
        return container_route(f"docker-container://{name}", self._container.docker, name)

    def status(self) -> NodeStatus:
        """Look whether the container runs."""
        state = self._container.state()
        if state is None:
            return "inactive"
        return "running" if state == "running" else "stopped"

    def start(self, on_event: Callable[[Event], None] | None) -> None:
        """Create and start the container if necessary. ``on_event`` gets the progress of a pull."""
        options, files = self._node.driver_opts, self._files()
        settings = ContainerSettings(
            options.get("image") or BUILDKIT_IMAGE,
            lambda engine: container_options.host_config(options, engine.call("GET", "/info")),
            (*_config_flags(files), *self._node.buildkitd_flags),
            container_options.environment(options),
            files,
            pull="always",
        )
        self._container.start(settings, on_event)

    def stop(self) -> None:
        """Stop the container if it runs."""
        self._container.stop()

    def remove(self, *, keep_state: bool) -> None:
        """Remove the container, and the volume with its state."""
        self._container.remove(keep_state=keep_state)

    def why_ended(self) -> str | None:
        """Read the end of the output of a container that has ended; None for any other."""
        return self._container.last_output()

    def _files(self) -> Mapping[str, bytes]:
        """Collect the files of the node, with the description of the GitHub job that builds."""
        files = dict(self._node.files)
        if container_options.flag(self._node.driver_opts, "provenance-add-gha", default=True):
            job = github_job.describe(os.environ)
            if job is not None:
                files[_JOB_FILE] = json.dumps(job).encode()
        return files


def _config_flags(files: Mapping[str, bytes]) -> list[str]:
    """Build the flags that name the configuration; the user's flags come after them."""
    return ["--config", str(CONFIG_FOLDER / CONFIG_FILE)] if CONFIG_FILE in files else []
