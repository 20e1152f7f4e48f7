"""A client finds registries, and answers their challenges with the credentials that it has."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from llb.client.registries.client import RegistryClient
from llb.client.registries.descriptors import Descriptor
from llb.client.registry_auth.credentials import IdentityToken, RegistryToken
from llb.errors import InputError, InvalidValueError, RegistryError
from tests.fakes.registry import FakeRegistry, digest_of, error, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.registry import Answer

LOGIN = ("me", "s3cret")
BASIC = f"Basic {base64.b64encode(b'me:s3cret').decode()}"
DIGEST = digest_of(b"{}")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        registry.repository("app").put_manifest(b"{}", "v1")
        yield registry


def require_basic(registry: FakeRegistry) -> None:
    def fault(_method: str, _path: str) -> Answer | None:
        if registry.headers[-1].get("authorization") == BASIC:
            return None
        return error(401, "UNAUTHORIZED", "login", {"WWW-Authenticate": 'Basic realm="here"'})

    registry.fault = fault


def require_tokens(registry: FakeRegistry) -> list[dict[str, list[str]]]:
    """Demand tokens for the scopes of a request; return the requests for tokens."""
    asked: list[dict[str, list[str]]] = []

    def fault(_method: str, target: str) -> Answer | None:
        url = urlsplit(target)
        if url.path == "/token":
            asked.append(parse_qs(url.query))
            scopes = " ".join(asked[-1].get("scope", []))
            return 200, {}, json.dumps({"token": f"for:{scopes}", "expires_in": 300}).encode()
        given = registry.headers[-1].get("authorization", "")
        if given.startswith("Bearer for:") and "repository:app:" in given:
            return None
        realm = f'Bearer realm="http://{registry.host}/token",service="test"'
        return error(401, "UNAUTHORIZED", "login", {"WWW-Authenticate": realm})

    registry.fault = fault
    return asked


def test_a_password_is_sent_to_a_registry_that_asks_for_it(registry: FakeRegistry) -> None:
    require_basic(registry)
    with RegistryClient(credentials={registry.host: LOGIN}) as client:
        assert client.repository(f"{registry.host}/app").resolve("v1").digest == DIGEST
        client.repository(f"{registry.host}/app").resolve("v1")
    given = [headers.get("authorization") for headers in registry.headers]
    assert given == [None, BASIC, BASIC]


def test_a_refused_password_is_an_error_without_it(registry: FakeRegistry) -> None:
    require_basic(registry)
    credentials = {registry.host: ("me", "wr0ng")}
    with RegistryClient(credentials=credentials) as client, pytest.raises(RegistryError) as caught:
        client.repository(f"{registry.host}/app").resolve("v1")
    assert caught.value.message == (
        f"{registry.host}/app:v1: {registry.host} refuses the credentials (UNAUTHORIZED: login)"
    )
    assert "wr0ng" not in repr(caught.value.__dict__)


def test_a_registry_without_credentials_is_named_with_a_hint(registry: FakeRegistry) -> None:
    require_basic(registry)
    with RegistryClient(credentials={"*": None}) as client, pytest.raises(RegistryError) as caught:
        client.repository(f"{registry.host}/app").resolve("v1")
    assert caught.value.hint == f"docker login {registry.host}"


def test_a_token_is_fetched_once_for_equal_requests(registry: FakeRegistry) -> None:
    asked = require_tokens(registry)
    with RegistryClient(credentials={"*": None}) as client:
        repository = client.repository(f"{registry.host}/app")
        repository.resolve("v1")
        repository.manifest("v1")
        repository.put_manifest(b"{}", "text/plain", tag="v2")
    assert asked == [
        {"service": ["test"], "scope": ["repository:app:pull"]},
        {"service": ["test"], "scope": ["repository:app:pull,push"]},
    ]


def test_a_mount_needs_a_token_for_both_repositories(registry: FakeRegistry) -> None:
    asked = require_tokens(registry)
    data = b"blob"
    registry.repository("base").put_blob(data)
    with RegistryClient(credentials={"*": None}) as client:
        client.repository(f"{registry.host}/app").copy_blob(
            Descriptor("text/plain", digest_of(data), len(data)),
            client.repository(f"{registry.host}/base"),
        )
    assert asked[-1]["scope"] == ["repository:app:pull,push", "repository:base:pull"]


def test_a_token_of_the_registry_is_sent_as_it_is(registry: FakeRegistry) -> None:
    asked = require_tokens(registry)
    token = RegistryToken("for:repository:app:pull")
    with RegistryClient(credentials={registry.host: token}) as client:
        client.repository(f"{registry.host}/app").resolve("v1")
    assert asked == []


def test_an_identity_token_is_of_no_use_for_basic_authentication(registry: FakeRegistry) -> None:
    require_basic(registry)
    credentials = {registry.host: IdentityToken("t0ken")}
    with RegistryClient(credentials=credentials) as client, pytest.raises(RegistryError):
        client.repository(f"{registry.host}/app").resolve("v1")


def test_a_token_server_that_refuses_is_an_error(registry: FakeRegistry) -> None:
    require_tokens(registry)
    inner = registry.fault
    registry.fault = lambda method, path: (
        (403, {}, b"") if path.startswith("/token") else inner(method, path)
    )
    with RegistryClient(credentials={"*": None}) as client, pytest.raises(InputError) as caught:
        client.repository(f"{registry.host}/app").resolve("v1")
    assert caught.value.message == (
        f"the token server http://{registry.host}/token requires credentials for {registry.host}, "
        "and there are none"
    )


def test_credentials_are_not_sent_to_a_server_to_which_a_registry_redirects(
    registry: FakeRegistry,
) -> None:
    data = b"data of a blob"
    blob = Descriptor("text/plain", digest_of(data), len(data))
    with fake_registry() as storage:
        storage.fault = lambda *_: (200, {}, data)
        require_basic(registry)
        inner = registry.fault
        moved = {"Location": f"http://{storage.host}/data?signature=x"}
        registry.fault = lambda method, path: inner(method, path) or (307, moved, b"")
        with RegistryClient(credentials={registry.host: LOGIN}) as client:
            assert client.repository(f"{registry.host}/app").read_blob(blob) == data
        assert storage.requests == [("GET", "/data")]
        assert "authorization" not in storage.headers[0]


def test_a_server_to_which_a_registry_redirects_cannot_ask_for_its_credentials(
    registry: FakeRegistry,
) -> None:
    with fake_registry() as storage:
        realm = {"WWW-Authenticate": f'Bearer realm="http://{storage.host}/token"'}
        storage.fault = lambda *_: error(401, "UNAUTHORIZED", "who are you", realm)
        moved = {"Location": f"http://{storage.host}/data"}
        registry.fault = lambda *_: (307, moved, b"")
        with (
            RegistryClient(credentials={registry.host: LOGIN}) as client,
            pytest.raises(RegistryError, match="who are you"),
        ):
            client.repository(f"{registry.host}/app").manifest("v1")
        assert storage.requests == [("GET", "/data")]


def test_a_registry_that_redirects_for_ever_is_an_error(registry: FakeRegistry) -> None:
    registry.fault = lambda _, path: (302, {"Location": path}, b"")
    with RegistryClient() as client, pytest.raises(Exception, match="redirects more than 10 times"):
        client.repository(f"{registry.host}/app").resolve("v1")


def test_a_closed_client_opens_another_connection(registry: FakeRegistry) -> None:
    client = RegistryClient(credentials={"*": None})
    repository = client.repository(f"{registry.host}/app")
    repository.resolve("v1")
    client.close()
    assert repository.resolve("v1").digest == DIGEST
    client.close()


@pytest.mark.parametrize(
    ("host", "options", "url"),
    [
        ("localhost:5000", {}, "http://localhost:5000/v2/"),
        ("127.0.0.1:443", {}, "https://127.0.0.1:443/v2/"),
        ("[::1]:5000", {}, "http://[::1]:5000/v2/"),
        ("example.com", {}, "https://example.com/v2/"),
        ("example.com", {"plain_http": ["example.com"]}, "http://example.com/v2/"),
        (
            "localhost:5000",
            {"tls": ["host=localhost:5000,insecure=true"]},
            "https://localhost:5000/v2/",
        ),
        ("docker.io", {}, "https://registry-1.docker.io/v2/"),
    ],
)
def test_registries_use_tls_except_on_this_machine(
    host: str, options: dict[str, list[str]], url: str
) -> None:
    with RegistryClient(**options) as client:  # type: ignore[arg-type]
        assert client._requests.url(host, "/v2/") == url


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "https://example.com/app"])
def test_invalid_names_of_repositories_are_refused(name: str) -> None:
    with RegistryClient() as client, pytest.raises(InvalidValueError):
        client.repository(name)


def test_a_repository_shows_its_full_name() -> None:
    with RegistryClient() as client:
        assert repr(client.repository("alpine:3")) == "Repository('docker.io/library/alpine')"
