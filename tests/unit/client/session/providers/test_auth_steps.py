"""The use of credentials is shown, once, with the names that it has in buildctl."""

from __future__ import annotations

import pytest

from llb.client.progress.events import Vertex, VertexWarning, from_response
from llb.client.registries.tokens import TokenRequest
from llb.client.session.providers.auth_steps import AuthSteps


class Shown(list[str]):
    """The names of steps and the texts of warnings."""

    def add(self, response: object) -> None:
        for event in from_response(response):  # type: ignore[arg-type]
            match event:
                case Vertex():
                    assert event.started == event.completed is not None
                    self.append(event.name)
                case VertexWarning():
                    self.append(f"warning: {event.short}")


def test_each_use_of_credentials_is_one_step() -> None:
    shown = Shown()
    steps = AuthSteps(shown.add)
    request = TokenRequest(
        "ghcr.io", "https://ghcr.io/token", scopes=("repository:me/app:pull", "repository:b:push")
    )
    for _ in range(2):
        steps.share("docker.io")
        steps.fetch(request)
        steps.warn("careful")
    assert shown == [
        "[auth] sharing credentials for docker.io",
        "[auth] me/app:pull b:push token for ghcr.io",
        "warning: careful",
    ]


@pytest.mark.parametrize(
    ("realm", "warning"),
    [
        ("https://auth.example/token", []),
        ("http://127.0.0.1:5001/token", []),
        ("http://localhost/token", []),
        ("http://[::1]:80/token", []),
        (
            "http://me@auth.example:80/token",
            ["warning: the credentials of a are sent unencrypted to auth.example:80"],
        ),
    ],
)
def test_a_server_that_gets_credentials_without_encryption_is_a_warning(
    realm: str, warning: list[str]
) -> None:
    shown = Shown()
    AuthSteps(shown.add).fetch(TokenRequest("a", realm))
    assert shown == ["[auth] token for a", *warning]


def test_nothing_is_shown_to_nobody() -> None:
    AuthSteps(None).share("docker.io")
