"""Credentials that programs pass to their builds: tenants, tokens, functions, and Docker's default."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, Scratch
from llb.client import Client, IdentityToken, RegistryToken, image, local
from llb.errors import InputError, InvalidValueError, SolveError, render
from tests.e2e.registries import (
    IDENTITY,
    PASSWORD,
    USER,
    TokenServer,
    htpasswd,
    login,
    running_registry,
    running_strict_registry,
    running_token_server,
    write_docker_config,
)
from tests.e2e.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client import Credentials

ACCOUNTS = {"alice": "al1ce-pass", "bob": "b0b-pass"}
PUSHES = 6
WRONG = "wr0ng-pass"


@pytest.fixture(autouse=True)
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for Docker's configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker"


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    """A token server."""
    with running_token_server(tmp_path / "tokens") as server:
        yield server


@pytest.fixture
def guarded(tmp_path: Path, tokens: TokenServer) -> Iterator[str]:
    """A registry that requires tokens."""
    with running_registry(tmp_path / "guarded", free_port(), auth=tokens.auth) as host:
        yield host


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    """A registry with basic authentication."""
    with running_registry(tmp_path / "locked", free_port(), auth=htpasswd(tmp_path)) as host:
        yield host


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    """A client of the stack's daemon."""
    with Client(buildkit_host) as client:
        yield client


def push(client: Client, name: str, credentials: Credentials | None, **options: Any) -> None:
    state = Scratch().mkfile("/name", name)
    client.solve(state, exports=[image(name, push=True)], credentials=credentials, **options)


def pull(client: Client, name: str, credentials: Credentials, out: Path) -> str:
    client.solve(Image(name), exports=[local(out)], credentials=credentials)
    return (out / "name").read_text()


def push_as_tenants(
    client: Client, host: str, accounts: dict[str, str]
) -> Counter[tuple[str, str]]:
    """Push as two users at the same time, each from its own thread; count the outcomes."""
    start = threading.Barrier(2)

    def work(user: str) -> list[tuple[str, str]]:
        outcomes = []
        for number in range(PUSHES):
            start.wait()
            try:
                push(client, f"{host}/{user}/app:{number}", {host: (user, accounts[user])})
                outcomes.append((user, "ok"))
            except SolveError as error:
                outcomes.append((user, error.message))
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        return Counter(outcome for each in pool.map(work, accounts) for outcome in each)


@pytest.mark.feature("N19")
def test_tenants_in_threads_push_with_their_own_passwords(client: Client, tmp_path: Path) -> None:
    with running_strict_registry(tmp_path / "strict", ACCOUNTS) as host:
        outcomes = push_as_tenants(client, host, ACCOUNTS)
        assert outcomes == {("alice", "ok"): PUSHES, ("bob", "ok"): PUSHES}
        with pytest.raises(SolveError, match="403 Forbidden"):
            push(client, f"{host}/alice/app:stolen", {host: ("bob", ACCOUNTS["bob"])})
        alice, bob = ({host: (user, ACCOUNTS[user])} for user in ACCOUNTS)
        name = f"{host}/alice/app:1"
        assert pull(client, name, alice, tmp_path / "alice") == name
        with pytest.raises(SolveError, match="403 Forbidden"):
            pull(client, name, bob, tmp_path / "bob")


@pytest.mark.feature("N19")
def test_tenants_in_threads_push_with_their_own_tokens(
    client: Client, guarded: str, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.accounts, tokens.is_strict = ACCOUNTS, True
    outcomes = push_as_tenants(client, guarded, ACCOUNTS)
    assert outcomes == {("alice", "ok"): PUSHES, ("bob", "ok"): PUSHES}
    senders = {
        (parameters["username"], parameters["scope"].split(":")[1])
        for _, parameters in tokens.requests
    }
    assert senders == {("alice", "alice/app"), ("bob", "bob/app")}
    alice, bob = ({guarded: (user, ACCOUNTS[user])} for user in ACCOUNTS)
    name = f"{guarded}/alice/app:1"
    assert pull(client, name, alice, tmp_path / "alice") == name
    with pytest.raises(SolveError):
        pull(client, name, bob, tmp_path / "bob")


def test_the_daemon_shares_a_token_between_builds_with_equal_credentials(
    client: Client, guarded: str, tokens: TokenServer, tmp_path: Path
) -> None:
    mine: Credentials = {guarded: (USER, PASSWORD)}
    push(client, f"{guarded}/team/app", mine)
    tokens.requests.clear()
    for number in range(2):
        pull(client, f"{guarded}/team/app", mine, tmp_path / str(number))
    assert len(tokens.requests) == 1
    pull(client, f"{guarded}/team/app", {guarded: IdentityToken(IDENTITY)}, tmp_path / "other")
    assert len(tokens.requests) == 2


@pytest.mark.feature("N19")
def test_credentials_of_the_build_come_before_those_of_docker(
    client: Client, locked: str, docker: Path
) -> None:
    write_docker_config(docker, locked, login(password=WRONG))
    push(client, f"{locked}/team/app", {locked: (USER, PASSWORD)})
    with pytest.raises(SolveError, match="401 Unauthorized"):
        push(client, f"{locked}/team/app", None)


@pytest.mark.feature("N19")
def test_other_hosts_use_the_configuration_of_docker_unless_it_is_excluded(
    client: Client, locked: str, docker: Path
) -> None:
    write_docker_config(docker, locked, login())
    elsewhere: Credentials = {"registry.example": ("me", "1")}
    push(client, f"{locked}/team/app", elsewhere)
    push(client, f"{locked}/team/app", {})
    for nothing in ({**elsewhere, "*": None}, {locked: None}):
        with pytest.raises(SolveError, match="401 Unauthorized"):
            push(client, f"{locked}/team/app", nothing)


@pytest.mark.feature("N19")
def test_a_function_is_asked_for_the_credentials_of_a_host(client: Client, locked: str) -> None:
    asked: list[str] = []

    def ask(host: str) -> tuple[str, str]:
        asked.append(host)
        return USER, PASSWORD

    push(client, f"{locked}/team/app", {"*": ask})
    assert asked == [locked]


def test_an_identity_token_opens_a_registry(
    client: Client, guarded: str, tokens: TokenServer
) -> None:
    push(client, f"{guarded}/team/app", {guarded: IdentityToken(IDENTITY)})
    assert [parameters["refresh_token"] for _, parameters in tokens.requests] == [IDENTITY]


def test_a_registry_token_is_used_as_it_is(
    client: Client, guarded: str, tokens: TokenServer
) -> None:
    token = tokens.token(USER, ["repository:team/app:pull,push"])
    push(client, f"{guarded}/team/app", {guarded: RegistryToken(token)})
    assert tokens.requests == []


@pytest.mark.parametrize("kind", ["locked", "guarded"])
def test_a_failing_function_ends_the_build_with_its_error(
    request: pytest.FixtureRequest, client: Client, kind: str
) -> None:
    host: str = request.getfixturevalue(kind)
    cause = LookupError(f"no entry, password {PASSWORD}")

    def ask(_: str) -> tuple[str, str]:
        raise cause

    with pytest.raises(InputError) as caught:
        push(client, f"{host}/team/app", {host: ask})
    assert caught.value.message == f"the credentials function for {host} raised LookupError"
    assert caught.value.__cause__ is cause


def test_unusable_credentials_are_refused_before_the_build(client: Client) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid credentials of a: expected a \(user"):
        push(client, "a/b", {"a": PASSWORD})  # type: ignore[dict-item]


@pytest.mark.feature("Q9")
@pytest.mark.parametrize("behaviour", ["serve", "error"])
def test_neither_errors_nor_logs_contain_secrets(
    client: Client,
    guarded: str,
    tokens: TokenServer,
    caplog: pytest.LogCaptureFixture,
    behaviour: str,
) -> None:
    caplog.set_level("DEBUG", "llb")
    push(client, f"{guarded}/team/app", {guarded: (USER, PASSWORD)})
    push(client, f"{guarded}/team/app", {guarded: IdentityToken(IDENTITY)})
    tokens.behaviour = behaviour
    outputs = []
    for value in ((USER, WRONG), IdentityToken(WRONG)):
        with pytest.raises(SolveError) as caught:
            push(client, f"{guarded}/team/app:{behaviour}", {guarded: value})
        outputs += [render(caught.value), repr(caught.value), str(caught.value.details)]
    assert f"credentials of {guarded}: the build" in caplog.messages
    token_start = tokens.token(USER, [])[:20]
    for output in (*outputs, caplog.text, json.dumps(caplog.messages)):
        for secret in (PASSWORD, IDENTITY, WRONG, token_start):
            assert secret not in output
