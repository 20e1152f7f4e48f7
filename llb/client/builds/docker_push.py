"""Push images through Docker, whose older image store has an exporter that cannot push."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.buildkit_names import EXPORTER_IMAGE_DIGEST_KEY
from llb.client.connect.errors import push_error
from llb.client.export.docker import has_containerd_store, is_insecure, is_pushed, without_push

with lazy_imports(__name__):
    from llb.client.connect.docker import (
        engine,  # 24 ms
        errors,  # 24 ms
        images,  # 1 ms
        steps,  # 1 ms
    )
    from llb.client.registry_auth import credentials as registry_credentials  # 4 ms
    from llb.client.session.providers import auth_steps  # 1 ms

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from llb._pb import control_pb2 as pb
    from llb.client.connect.control import Control
    from llb.client.connect.docker.engine import Docker, Engine
    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.client.registry_auth.docker_config import Login
    from llb.client.session.providers.auth_steps import AuthSteps
    from llb.reference import Reference

_CONFIG_DIGEST = "containerimage.config.digest"


def docker_push(
    control: Control, request: pb.SolveRequest, credentials: BuildCredentials | None
) -> DockerPush | None:
    """Take the pushes out of a request to a Docker that cannot perform them during the build.

    Returns None for any other daemon, and if nothing is to be pushed. Raises InvalidValueError for
    a push that Docker cannot perform.
    """
    docker = control.docker
    may_push = request.EnableSessionExporter or any(map(is_pushed, request.Exporters))
    if docker is None or not may_push or has_containerd_store(control.workers()):
        return None
    push = DockerPush(docker, credentials)
    exporters = list(map(push.take, request.Exporters))
    del request.Exporters[:]
    request.Exporters.extend(exporters)
    if exporters:
        request.ExporterAttrsDeprecated.clear()
        request.ExporterAttrsDeprecated.update(exporters[0].Attrs)
    return push


class DockerPush:
    """The images that Docker pushes after a build. :meth:`cancel` is for other threads.

    ``warnings`` are for options that have no effect.
    """

    def __init__(self, docker: Docker, credentials: BuildCredentials | None) -> None:
        self.warnings: list[str] = []
        self._docker = docker
        self._credentials = credentials
        self._images: list[Reference] = []
        self._engine: Engine | None = None
        self._is_cancelled = False

    def take(self, exporter: pb.Exporter) -> pb.Exporter:
        """Take the push out of an exporter, to perform it later. Raises InvalidValueError."""
        if not is_pushed(exporter):
            return exporter
        if is_insecure(exporter):
            self.warnings.append(
                "insecure has no effect: Docker uses plain HTTP for the registries in its own "
                "insecure-registries"
            )
        exporter, references = without_push(exporter)
        self._images += [image for image in references if image not in self._images]
        return exporter

    def run(
        self, answers: MutableMapping[str, str], report: Callable[[pb.StatusResponse], None]
    ) -> None:
        """Push the images one after another, and set the digest among the exporters' answers.

        Raises SolveError with the registry's message, TransportError, and InputError for unusable
        credentials.
        """
        uses = auth_steps.AuthSteps(report)
        for image in self._images:
            digest = self._push(image, report, uses)
            if digest is not None:
                # The id of an image in Docker is the digest of its config.
                answers.setdefault(_CONFIG_DIGEST, answers.get(EXPORTER_IMAGE_DIGEST_KEY, ""))
                answers[EXPORTER_IMAGE_DIGEST_KEY] = digest

    def cancel(self) -> None:
        """End the push with a TransportError."""
        self._is_cancelled = True
        if self._engine is not None:
            self._engine.close()

    def _push(
        self, image: Reference, report: Callable[[pb.StatusResponse], None], uses: AuthSteps
    ) -> str | None:
        """Push an image, and return the digest under which the registry has it."""
        step = steps.Step(f"push {image.familiar} through docker", report)
        login = self._login(image.domain)
        if login.secret or login.registry_token:
            uses.share(image.domain)
        with engine.Engine(self._docker) as self._engine:
            if self._is_cancelled:
                self._engine.close()
            try:
                extra = step.follow(images.push(self._engine, image, login))
            except errors.AnswerError as error:
                raise push_error(error.message, image.familiar, step.digest, step.name) from error
        return next((str(values["Digest"]) for values in extra if "Digest" in values), None)

    def _login(self, host: str) -> Login:
        own = self._credentials or registry_credentials.BuildCredentials()
        return own.find(host)
