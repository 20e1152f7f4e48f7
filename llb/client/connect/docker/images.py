"""Images of a Docker: pull them, push them to their registries, and load archives."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llb.client.registry_auth.docker_config import registry_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.client.connect.docker.engine import Engine, Upload
    from llb.client.registry_auth.docker_config import Login
    from llb.reference import Reference

ARCHIVE = "application/x-tar"
_HUB = "https://index.docker.io/v1/"
# The blocks of zeros at the end of an archive, without which it is incomplete (pax(1)).
_END_BYTES = 1024


def pull(engine: Engine, image: Reference, login: Login) -> Iterator[Mapping[str, Any]]:
    """Pull an image, and yield the messages of Docker. Raises AnswerError and TransportError."""
    query = {"fromImage": image.familiar_name, "tag": image.digest or image.tag or "latest"}
    return engine.messages("/images/create", query, _auth(login, image.domain))


def push(engine: Engine, image: Reference, login: Login) -> Iterator[Mapping[str, Any]]:
    """Push an image of a tag, and yield the messages of Docker.

    Raises AnswerError and TransportError.
    """
    path = f"/images/{quote(image.familiar_name)}/push"
    return engine.messages(path, {"tag": image.tag or "latest"}, _auth(login, image.domain))


class Load:
    """An image that is loaded while its archive is written.

    Docker keeps nothing of an archive without its end, which only :meth:`commit` sends. Methods
    raise AnswerError and TransportError.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._upload: Upload | None = None
        self._held = b""

    def write(self, data: bytes) -> None:
        """Send all but the end of what has been written."""
        if self._upload is None:
            self._upload = self._engine.upload("POST", "/images/load", {"quiet": "1"}, ARCHIVE)
        self._held += data
        if ready := self._held[:-_END_BYTES]:
            self._held = self._held[-_END_BYTES:]
            self._upload.send(ready)

    def commit(self) -> None:
        """Send the end, and wait until Docker has loaded the image."""
        if self._upload is not None:
            self._upload.send(self._held)
            self._upload.end()
            self._upload = None

    def close(self) -> None:
        """Close the connection; without :meth:`commit`, nothing is loaded."""
        self._engine.close()


def _auth(login: Login, domain: str) -> tuple[tuple[str, str], ...]:
    """Encode credentials as Docker's CLI does (docker/docker api/types/registry)."""
    host = registry_host(domain)
    server = _HUB if host == "docker.io" else host
    values = {
        "username": login.username,
        # Without a user, the secret is an identity token.
        "password" if login.username else "identitytoken": login.secret,
        "registrytoken": login.registry_token,
    }
    content = {key: value for key, value in values.items() if value}
    if content:
        content["serveraddress"] = server
    encoded = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    return (("X-Registry-Auth", encoded),)
