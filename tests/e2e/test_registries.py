"""Registries that require credentials, tokens or TLS, with the credentials of Docker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Protocol

import pytest

from llb import Image, Scratch
from llb.client import Client, Event, Vertex, VertexWarning
from llb.client.export.exporters import parse_export
from llb.errors import SolveError, render
from tests.e2e.registries import (
    IDENTITY,
    PASSWORD,
    TokenServer,
    htpasswd,
    login,
    running_broken_registry,
    running_registry,
    running_token_server,
    write_authority,
    write_certificate,
    write_docker_config,
)
from tests.e2e.servers import free_port, write_program
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

WRONG = "wr0ng-pass"
LOGIN = (
    "builds use their own credentials, or those of `docker login`; check that they are still valid"
)
SCOPE = "repository:team/app:pull,push"
PULL_SCOPE = "repository:team/app:pull"


class Build(Protocol):
    """A client's function that builds a Dockerfile and exports the result."""

    def __call__(self, dockerfile: str, output: str) -> None: ...


def with_llb(address: str, folder: Path) -> Build:
    def build(dockerfile: str, output: str) -> None:
        (folder / "Dockerfile").write_text(dockerfile)
        local = {"context": folder, "dockerfile": folder}
        with Client(address) as client:
            client.solve(frontend="dockerfile.v0", local_dirs=local, exports=[parse_export(output)])

    return build


def with_buildctl(buildctl: Buildctl, folder: Path) -> Build:
    def build(dockerfile: str, output: str) -> None:
        (folder / "Dockerfile").write_text(dockerfile)
        local = ("--local", f"context={folder}", "--local", f"dockerfile={folder}")
        buildctl("build", "--frontend", "dockerfile.v0", *local, "--output", output)

    return build


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The build context with the Dockerfile."""
    (tmp_path / "context").mkdir()
    return tmp_path / "context"


@pytest.fixture(params=["llb", "buildctl"])
def build(
    request: pytest.FixtureRequest, buildkit_host: str, buildctl: Buildctl, context: Path
) -> Build:
    """Build with each client in turn; buildctl shows what is expected of llb."""
    if request.param == "llb":
        return with_llb(buildkit_host, context)
    return with_buildctl(buildctl, context)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Docker's configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    """A registry with basic authentication."""
    with running_registry(tmp_path / "locked", free_port(), auth=htpasswd(tmp_path)) as host:
        yield host


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


def push(build: Build, host: str) -> None:
    build(f"FROM scratch\nLABEL host={host}\nCOPY Dockerfile /\n", push_to(host))


def pull(build: Build, host: str, out: Path) -> None:
    build(f"FROM {host}/team/app\n", f"type=local,dest={out}")


def push_to(host: str) -> str:
    return f"type=image,name={host}/team/app,push=true"


def expect_failure(build: Build, host: str, out: Path) -> SolveError:
    """Pull from a registry, which must fail in time and leave no files; return the error."""
    start = time.monotonic()
    with pytest.raises(SolveError) as caught:
        pull(build, host, out)
    assert time.monotonic() - start < PATIENCE
    assert not out.exists()
    return caught.value


def check_holds_no_secret(error: SolveError) -> None:
    for rendered in (str(error), repr(error), render(error), str(error.details), str(error.log)):
        for secret in (PASSWORD, WRONG, IDENTITY):
            assert secret not in rendered


@pytest.mark.feature("N13")
def test_a_password_opens_a_registry(
    build: Build, locked: str, docker: Path, tmp_path: Path
) -> None:
    write_docker_config(docker, locked, login())
    push(build, locked)
    pull(build, locked, tmp_path / "out")
    assert (tmp_path / "out" / "Dockerfile").exists()
    assert list(docker.glob(".token_seed")) == []


def test_credentials_come_from_the_environment(
    build: Build, locked: str, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_docker_config(docker, locked, login(password=WRONG))
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {locked: login()}}))
    push(build, locked)


@pytest.mark.feature("Q4")
@pytest.mark.parametrize("entry", [None, login(password=WRONG)], ids=["none", "wrong"])
def test_a_refused_password_is_an_error_with_a_hint(
    buildkit_host: str,
    locked: str,
    docker: Path,
    context: Path,
    tmp_path: Path,
    entry: dict[str, str] | None,
) -> None:
    write_docker_config(docker, locked, entry)
    error = expect_failure(with_llb(buildkit_host, context), locked, tmp_path / "out")
    assert error.message.endswith(f"http://{locked}/v2/team/app/manifests/latest: 401 Unauthorized")
    assert error.hint == LOGIN
    check_holds_no_secret(error)


@pytest.mark.feature("N11")
@pytest.mark.parametrize(
    ("entry", "behaviour", "expected"),
    [
        (
            login(),
            "serve",
            [("POST", {"grant_type": "password", "username": "me", "password": PASSWORD})],
        ),
        (
            {"identitytoken": IDENTITY},
            "serve",
            [("POST", {"grant_type": "refresh_token", "refresh_token": IDENTITY})],
        ),
        (
            login(),
            "plain",
            [
                ("POST", {"grant_type": "password", "username": "me", "password": PASSWORD}),
                ("GET", {"basic": f"me:{PASSWORD}"}),
            ],
        ),
    ],
    ids=["password", "identity token", "without OAuth2"],
)
def test_tokens_are_fetched_with_credentials(
    build: Build,
    guarded: str,
    tokens: TokenServer,
    docker: Path,
    tmp_path: Path,
    entry: dict[str, str],
    behaviour: str,
    expected: list[tuple[str, dict[str, str]]],
) -> None:
    write_docker_config(docker, guarded, entry)
    tokens.behaviour = behaviour
    push(build, guarded)
    pull(build, guarded, tmp_path / "out")
    assert (tmp_path / "out" / "Dockerfile").exists()
    assert tokens.requests == [
        (method, client_parameters | parameters | {"scope": scope, "service": "registry.test"})
        for scope in (SCOPE, PULL_SCOPE)
        for method, parameters in expected
        for client_parameters in ({"client_id": "buildkit-client"} if method == "POST" else {},)
    ]


@pytest.mark.feature("N11")
def test_tokens_are_fetched_without_credentials(
    build: Build, guarded: str, tokens: TokenServer, docker: Path, tmp_path: Path
) -> None:
    write_docker_config(docker, guarded, None)
    tokens.allows_anonymous = True
    push(build, guarded)
    pull(build, guarded, tmp_path / "out")
    assert tokens.requests == [
        ("GET", {"scope": scope, "service": "registry.test"}) for scope in (SCOPE, PULL_SCOPE)
    ]


@pytest.mark.feature("N12")
def test_the_daemon_shares_a_token_between_clients_with_one_seed(
    buildkit_host: str,
    buildctl: Buildctl,
    guarded: str,
    tokens: TokenServer,
    docker: Path,
    context: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    ours, theirs = with_llb(buildkit_host, context), with_buildctl(buildctl, context)
    write_docker_config(docker, guarded, login())
    push(ours, guarded)
    tokens.requests.clear()

    pull(theirs, guarded, tmp_path / "1")
    assert len(tokens.requests) == 1
    pull(ours, guarded, tmp_path / "2")
    assert len(tokens.requests) == 1

    other_config = tmp_path / "other"
    write_docker_config(other_config, guarded, login())
    monkeypatch.setenv("DOCKER_CONFIG", str(other_config))
    pull(ours, guarded, tmp_path / "3")
    assert len(tokens.requests) == 2
    pull(theirs, guarded, tmp_path / "4")
    assert len(tokens.requests) == 2
    assert (other_config / ".token_seed").stat().st_mode & 0o777 == 0o600


@pytest.mark.feature("N11")
def test_an_expired_token_is_fetched_again(
    build: Build, guarded: str, tokens: TokenServer, docker: Path, tmp_path: Path
) -> None:
    write_docker_config(docker, guarded, login())
    push(build, guarded)
    # A daemon keeps a token for nine tenths of its lifetime, in whole seconds: one second here.
    tokens.expires_in = 2
    pull(build, guarded, tmp_path / "1")
    time.sleep(2)
    tokens.requests.clear()
    tokens.expires_in = 3600
    pull(build, guarded, tmp_path / "2")
    assert len(tokens.requests) == 1
    pull(build, guarded, tmp_path / "3")
    assert len(tokens.requests) == 1


def test_the_daemon_fetches_tokens_on_request(
    build: Build,
    guarded: str,
    tokens: TokenServer,
    docker: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_docker_config(docker, guarded, login())
    monkeypatch.setenv("BUILDKIT_NO_CLIENT_TOKEN", "1")
    push(build, guarded)
    parameters = {"scope": SCOPE, "service": "registry.test", "basic": f"me:{PASSWORD}"}
    assert tokens.requests == [("GET", parameters)]
    assert not (docker / ".token_seed").exists()


def test_a_credential_helper_gives_an_identity_token(
    build: Build, guarded: str, tokens: TokenServer, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.mkdir()
    answer = json.dumps({"ServerURL": guarded, "Username": "<token>", "Secret": IDENTITY})
    write_program(docker / "docker-credential-test", f"cat >/dev/null; echo '{answer}'")
    (docker / "config.json").write_text(json.dumps({"credHelpers": {guarded: "test"}}))
    monkeypatch.setenv("PATH", str(docker), prepend=":")
    push(build, guarded)
    assert [parameters.get("refresh_token") for _, parameters in tokens.requests] == [IDENTITY]


@pytest.mark.parametrize("kind", ["locked", "guarded"])
def test_a_failed_credential_helper_is_an_error(
    request: pytest.FixtureRequest,
    buildkit_host: str,
    docker: Path,
    context: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
) -> None:
    host: str = request.getfixturevalue(kind)
    docker.mkdir()
    write_program(docker / "docker-credential-test", "echo it is locked >&2; exit 1")
    (docker / "config.json").write_text(json.dumps({"credsStore": "test"}))
    monkeypatch.setenv("PATH", str(docker), prepend=":")
    error = expect_failure(with_llb(buildkit_host, context), host, tmp_path / "out")
    assert f"docker-credential-test gave no credentials for {host}: it is locked" in error.message


@pytest.mark.parametrize("kind", ["locked", "guarded"])
def test_the_steps_of_a_build_show_who_gets_credentials(
    request: pytest.FixtureRequest,
    buildkit_host: str,
    buildctl: Buildctl,
    context: Path,
    docker: Path,
    kind: str,
) -> None:
    host: str = request.getfixturevalue(kind)
    write_docker_config(docker, host, login())
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    options = ("--local", f"context={context}", "--local", f"dockerfile={context}")
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend=dockerfile.v0"),
            *("--progress=plain", *options, "--output", push_to(host)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    expected = re.findall(r"(?m)^#\d+ (\[auth\] .*)", process.stderr)
    events: list[Event] = []
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            local_dirs={"context": context, "dockerfile": context},
            exports=[parse_export(push_to(host))],
            on_event=events.append,
        )
    shown = [e.name for e in events if isinstance(e, Vertex) and e.name.startswith("[auth] ")]
    assert set(shown) == set(expected) != set()
    assert len(set(shown)) == len(shown)


def test_a_registry_that_takes_everybody_needs_no_working_helper(
    buildkit_host: str, guarded: str, tokens: TokenServer, docker: Path
) -> None:
    docker.mkdir()
    (docker / "config.json").write_text(json.dumps({"credsStore": "missing"}))
    tokens.allows_anonymous = True
    events: list[Event] = []
    with Client(buildkit_host) as client:
        state = Scratch().mkfile("/host", guarded)
        client.solve(state, exports=[parse_export(push_to(guarded))], on_event=events.append)
    (warning,) = (event.short for event in events if isinstance(event, VertexWarning))
    assert warning == (
        f"no credentials for {guarded}: docker's config.json names the credential helper "
        "docker-credential-missing, which is not on PATH"
    )


def test_an_ignored_credential_error_does_not_hide_the_real_error(
    buildkit_host: str, guarded: str, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.mkdir()
    write_program(docker / "docker-credential-test", f"echo asked >> {docker}/log; exit 1")
    (docker / "config.json").write_text(json.dumps({"credHelpers": {guarded: "test"}}))
    monkeypatch.setenv("PATH", str(docker), prepend=":")
    state = Image("busybox").run(f"exit 7 # {guarded}")
    with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
        client.solve(state, cache_from=[f"type=registry,ref={guarded}/cache"])
    assert caught.value.exit_code == 7
    assert (docker / "log").read_text().startswith("asked\n")


@pytest.mark.parametrize(
    ("behaviour", "entry", "message", "hint"),
    [
        (
            "serve",
            None,
            "requires credentials for {}, and there are none: incorrect username",
            LOGIN,
        ),
        (
            "serve",
            login(password=WRONG),
            "refuses the credentials of {}: incorrect username",
            LOGIN,
        ),
        ("error", login(), "answers with status 500: cannot look up", None),
        ("error", {"identitytoken": IDENTITY}, "answers with status 500: cannot look up", None),
        ("nonsense", login(), "answered without a token", None),
        ("empty", login(), "answered without a token", None),
        ("hang", login(), "does not answer within 12 seconds", None),
        ("drip", login(), "does not answer within 12 seconds", None),
    ],
)
def test_a_token_server_without_a_token_is_an_error(
    buildkit_host: str,
    guarded: str,
    tokens: TokenServer,
    docker: Path,
    context: Path,
    tmp_path: Path,
    behaviour: str,
    entry: dict[str, str] | None,
    message: str,
    hint: str | None,
) -> None:
    write_docker_config(docker, guarded, entry)
    tokens.behaviour = behaviour
    error = expect_failure(with_llb(buildkit_host, context), guarded, tmp_path / "out")
    server = f"the token server http://127.0.0.1:{tokens.port}/token"
    assert f"{server} {message.format(guarded)}" in error.message
    assert error.hint == hint
    check_holds_no_secret(error)


@pytest.mark.parametrize(
    ("behaviour", "entry"),
    [
        ("serve", None),
        ("serve", login(password=WRONG)),
        ("error", login()),
        ("nonsense", login()),
        ("empty", login()),
    ],
)
def test_no_client_builds_without_a_required_token(
    build: Build,
    guarded: str,
    tokens: TokenServer,
    docker: Path,
    tmp_path: Path,
    behaviour: str,
    entry: dict[str, str] | None,
) -> None:
    write_docker_config(docker, guarded, entry)
    tokens.behaviour = behaviour
    with pytest.raises((SolveError, AssertionError)):
        pull(build, guarded, tmp_path / "out")
    with pytest.raises((SolveError, AssertionError)):
        push(build, guarded)
    tokens.behaviour = "serve"
    write_docker_config(docker, guarded, login())
    with pytest.raises((SolveError, AssertionError), match="not found"):
        pull(build, guarded, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.feature("Q4")
def test_an_unreachable_token_server_is_an_error(
    buildkit_host: str, tmp_path: Path, docker: Path, context: Path
) -> None:
    with running_token_server(tmp_path / "tokens") as tokens:
        auth = tokens.auth
    with running_registry(tmp_path / "guarded", free_port(), auth=auth) as host:
        error = expect_failure(with_llb(buildkit_host, context), host, tmp_path / "out")
    assert f"http://127.0.0.1:{tokens.port}/token failed to answer: " in error.message
    assert "Connection refused" in error.message


@pytest.mark.feature("N13")
def test_the_tls_options_of_a_token_server_apply(
    buildkit_host: str, buildctl: Buildctl, docker: Path, context: Path, tmp_path: Path
) -> None:
    write_authority(tmp_path / "authority")
    files = tmp_path / "files"
    write_certificate(tmp_path / "authority", files, days=2)
    with (
        running_token_server(tmp_path / "tokens", files) as tokens,
        running_registry(tmp_path / "guarded", free_port(), auth=tokens.auth) as host,
    ):
        write_docker_config(docker, host, login())
        ca, pair = f"host={host},ca={files}/ca.pem", f"cert={files}/cert.pem,key={files}/key.pem"
        (context / "Dockerfile").write_text(f"FROM scratch\nLABEL host={host}\n")
        ours = [sys.executable, "-m", "llb", "build", str(context), "--addr", buildkit_host]
        theirs = [str(buildctl.program), "--addr", buildkit_host, "build"]
        theirs += ["--frontend", "dockerfile.v0"]
        theirs += ["--local", f"context={context}", "--local", f"dockerfile={context}"]
        for command in (theirs, ours):
            for options, status, message in (
                ([], 1, "certificate"),
                (["--registry-auth-tlscontext", f"{ca},{pair}"], 0, ""),
                (["--registry-auth-tlscontext", f"host={host},insecure=true,{pair}"], 0, ""),
                (["--registry-auth-tlscontext", ca], 1, f":{tokens.port}/token"),
            ):
                process = subprocess.run(
                    [*command, "--output", push_to(host), *options],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert process.returncode == status, process.stderr
                assert message in process.stderr
                assert "Traceback" not in process.stderr
    assert len(tokens.requests) == 4


@pytest.mark.feature("Q9")
@pytest.mark.since("v0.32.2", "the error of a token server")
def test_no_output_of_a_build_contains_a_secret(
    buildkit_host: str, guarded: str, tokens: TokenServer, docker: Path, context: Path
) -> None:
    write_docker_config(docker, guarded, login())
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    events: list[Event] = []
    local = {"context": context, "dockerfile": context}
    with Client(buildkit_host) as client:
        exports = [parse_export(push_to(guarded))]
        result = client.solve(
            frontend="dockerfile.v0", local_dirs=local, exports=exports, on_event=events.append
        )
    command = [sys.executable, "-m", "llb", "build", str(context), "--addr", buildkit_host]
    runs = [
        subprocess.run(
            [*command, "-o", push_to(guarded), "--progress", progress],
            capture_output=True,
            text=True,
            check=True,
        )
        for progress in ("plain", "rawjson")
    ]
    tokens.behaviour = "error"
    write_docker_config(docker, guarded, login(password=WRONG))
    (docker / ".token_seed").unlink()
    refused_run = subprocess.run(
        [*command, "-o", push_to(guarded)], capture_output=True, text=True, check=False
    )
    assert refused_run.returncode == 1
    assert "error: the token server " in refused_run.stderr
    assert "Traceback" not in refused_run.stderr
    outputs = [str(events), str(result)]
    outputs += [output for run in (*runs, refused_run) for output in (run.stdout, run.stderr)]
    token = tokens.token("me", [])[:20]
    for value in outputs:
        for secret in (PASSWORD, WRONG, token):
            assert secret not in value


@pytest.mark.feature("Q4")
def test_a_broken_registry_is_an_error(
    buildkit_host: str, docker: Path, context: Path, tmp_path: Path
) -> None:
    with running_broken_registry(500) as host:
        error = expect_failure(with_llb(buildkit_host, context), host, tmp_path / "out")
        assert error.message.endswith("/v2/team/app/manifests/latest: 500 Internal Server Error")
        start = time.monotonic()
        with pytest.raises(SolveError, match=f"failed to push {host}/team/app: .* 500 Internal"):
            push(with_llb(buildkit_host, context), host)
        assert time.monotonic() - start < PATIENCE


@pytest.mark.feature("N13")
def test_the_daemon_verifies_the_certificate_of_a_registry(
    start_buildkitd: Callable[..., Buildctl], docker: Path, context: Path, tmp_path: Path
) -> None:
    write_authority(tmp_path / "authority")
    write_certificate(tmp_path / "authority", tmp_path / "good", days=2)
    write_certificate(tmp_path / "authority", tmp_path / "old", days=-1)
    trusted, unknown, expired = (free_port() for _ in range(3))
    (tmp_path / "more.toml").write_text(
        "".join(
            f'[registry."127.0.0.1:{port}"]\nhttp = false\nca = {json.dumps(authorities)}\n'
            for port, authorities in (
                (trusted, [f"{tmp_path}/authority/ca.pem"]),
                (unknown, []),
                (expired, [f"{tmp_path}/authority/ca.pem"]),
            )
        )
    )
    buildctl = start_buildkitd("--config", tmp_path / "more.toml")
    build = with_llb(buildctl.address, context)
    good, auth = tmp_path / "good", htpasswd(tmp_path)
    with running_registry(tmp_path / "trusted", trusted, auth=auth, tls=good) as host:
        write_docker_config(docker, host, login())
        push(build, host)
        pull(with_buildctl(buildctl, context), host, tmp_path / "theirs")
        pull(build, host, tmp_path / "ours")
        assert (tmp_path / "ours" / "Dockerfile").read_text() == (
            tmp_path / "theirs" / "Dockerfile"
        ).read_text()
    with running_registry(tmp_path / "unknown", unknown, tls=good) as host:
        error = expect_failure(build, host, tmp_path / "out")
        assert error.message.endswith("x509: certificate signed by unknown authority")
        assert error.hint is not None
    with running_registry(tmp_path / "over", expired, tls=tmp_path / "old") as host:
        error = expect_failure(build, host, tmp_path / "out")
        assert "x509: certificate has expired or is not yet valid" in error.message
