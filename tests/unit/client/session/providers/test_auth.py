"""Credentials, tokens and keys are provided as a daemon requests them."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from llb._pb import auth_pb2 as pb
from llb.client import IdentityToken, RegistryToken
from llb.client.registries.tokens import Token
from llb.client.registry_auth.credentials import to_credentials
from llb.client.registry_auth.docker_config import DockerConfig
from llb.client.session.providers.auth import Auth
from llb.client.session.providers.auth_keys import read_or_create_seed, signing_key
from llb.errors import InputError, RemoteError
from tests.fakes.call import MessageCall
from tests.http_server import http_server

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from llb._pb import control_pb2
    from llb.client import Credential


HOST = "registry.example"


SALT = b"a salt"


SEED = "AAECAwQFBgcICQoLDA0ODw=="


# The key that Go's crypto/ed25519 derives from this seed and salt, as BuildKit's clients do.
RECORDED_KEY = "433929aca14883f6073a92290dd287787ec9e2cedd8f049920b1994e85847b94"


def auth_of(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def config(folder: Path, content: object) -> dict[str, str]:
    """Write a configuration; return the environment that names it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return {"DOCKER_CONFIG": str(folder)}


def call_service(auth: Auth, method: str, message: Message) -> bytes:
    """Call a method, and return its response."""
    call = MessageCall(message)
    handler = auth.handlers()[f"/moby.filesync.v1.Auth/{method}"]
    handler(call)  # type: ignore[arg-type] # the surface of a call that services use
    (answer,) = call.sent
    return answer


def public_key(auth: Auth, host: str = HOST, salt: bytes = SALT) -> bytes:
    request = pb.GetTokenAuthorityRequest(Host=host, Salt=salt)
    answer = call_service(auth, "GetTokenAuthority", request)
    return pb.GetTokenAuthorityResponse.FromString(answer).PublicKey


def signed(auth: Auth, payload: bytes) -> bytes:
    request = pb.VerifyTokenAuthorityRequest(Host=HOST, Payload=payload, Salt=SALT)
    answer = call_service(auth, "VerifyTokenAuthority", request)
    return pb.VerifyTokenAuthorityResponse.FromString(answer).Signed


@pytest.mark.feature("Q9")
def test_no_repr_contains_a_secret(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "hidden")}}})
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"b": {"auth": auth_of("me", "hidden")}}})
    loaded = DockerConfig.load(environ)
    shown = repr(loaded) + repr(loaded.credentials(HOST)) + repr(Token("hidden"))
    assert "hidden" not in shown
    assert auth_of("me", "hidden") not in shown


def test_a_hanging_helper_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-slow"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("llb.client.registry_auth.credential_helpers._HELPER_SECONDS", 0.2)
    loaded = DockerConfig.load(config(tmp_path, {"credsStore": "slow"}))
    with pytest.raises(InputError, match="gave no credentials for a: it did not exit within"):
        loaded.credentials("a")


def test_a_helper_runs_once_per_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-test"
    answer = json.dumps({"Username": "me", "Secret": "1"})
    program.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/log\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    auth = Auth(config(tmp_path, {"credsStore": "test"}))
    threads = [threading.Thread(target=public_key, args=(auth,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer_bytes = call_service(auth, "Credentials", pb.CredentialsRequest(Host=HOST))
    assert pb.CredentialsResponse.FromString(answer_bytes).Secret == "1"
    assert (tmp_path / "log").read_text() == "asked\n"


def test_a_registry_token_is_used_unchanged(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"registrytoken": "ready"}}}))
    request = pb.FetchTokenRequest(Host=HOST, Realm="http://127.0.0.1:1/none")
    answer = pb.FetchTokenResponse.FromString(call_service(auth, "FetchToken", request))
    assert answer == pb.FetchTokenResponse(Token="ready", ExpiresIn=60)


class Shown(list[str]):
    """The names of steps and the texts of warnings that an :class:`Auth` shows."""

    def add(self, response: control_pb2.StatusResponse) -> None:
        self += [vertex.name for vertex in response.vertexes]
        self += [warning.short.decode() for warning in response.warnings]


def test_the_use_of_credentials_is_shown(tmp_path: Path) -> None:
    auths = {HOST: {"auth": auth_of("me", "1")}, "token": {"registrytoken": "ready"}}
    shown = Shown()
    auth = Auth(config(tmp_path, {"auths": auths}), show=shown.add)
    for host in ("none", HOST):
        call_service(auth, "Credentials", pb.CredentialsRequest(Host=host))
        public_key(auth, host)
    request = pb.FetchTokenRequest(Host="token", Realm="https://a/b", Scopes=["repository:x:pull"])
    call_service(auth, "FetchToken", request)
    assert shown == [
        f"[auth] sharing credentials for {HOST}",
        "[auth] x:pull token for token",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            {"credsStore": "none"},
            (
                "docker's config.json names the credential helper docker-credential-none, "
                "which is not on PATH"
            ),
        ),
        (
            {"auths": {HOST: {"auth": "?"}}},
            f"the auth of {HOST} in docker's configuration is not the base64 of NAME:PASSWORD",
        ),
    ],
)
def test_a_build_that_needs_no_credentials_goes_on_without_a_broken_configuration(
    tmp_path: Path, content: object, problem: str
) -> None:
    answers = [(200, b'{"token": "anonymous"}'), (401, b"{}")]

    class TokenServer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] is None
            status, body = answers.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    shown = Shown()
    auth = Auth(config(tmp_path, content), show=shown.add)
    assert public_key(auth) == bytes(signing_key(b"", SALT).verify_key)
    with http_server(TokenServer) as url:
        request = pb.FetchTokenRequest(Host=HOST, Realm=f"{url}/token")
        answer = call_service(auth, "FetchToken", request)
        assert pb.FetchTokenResponse.FromString(answer).Token == "anonymous"
        assert shown == [f"no credentials for {HOST}: {problem}"]
        with pytest.raises(InputError) as caught:
            call_service(auth, "FetchToken", request)
    assert caught.value.message == problem
    with pytest.raises(InputError) as caught:
        call_service(auth, "Credentials", pb.CredentialsRequest(Host=HOST))
    assert caught.value.message == problem


def test_keys_depend_on_registry_salt_and_folder(tmp_path: Path) -> None:
    content = {"auths": {host: {"auth": auth_of("me", "1")} for host in (HOST, "b")}}
    auth = Auth(config(tmp_path / "one", content))
    key = public_key(auth)
    assert len(key) == 32
    assert public_key(Auth(config(tmp_path / "one", content))) == key
    other_keys = [
        public_key(auth, "b"),
        public_key(auth, salt=b"another"),
        public_key(Auth(config(tmp_path / "two", content))),
    ]
    assert len({key, *other_keys}) == 4


@pytest.mark.feature("N12")
def test_a_signature_is_verified_by_the_key(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "1")}}}))
    message = signed(auth, b"a payload")
    assert VerifyKey(public_key(auth)).verify(message) == b"a payload"
    with pytest.raises(BadSignatureError):
        VerifyKey(public_key(auth, salt=b"another")).verify(message)


def test_clients_without_credentials_share_a_key(tmp_path: Path) -> None:
    first, second = (Auth(config(tmp_path / name, {})) for name in ("one", "two"))
    assert public_key(first) == public_key(second)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["config.json"]


@pytest.mark.parametrize("method", ["GetTokenAuthority", "VerifyTokenAuthority"])
def test_keys_can_be_switched_off(tmp_path: Path, method: str) -> None:
    auth = Auth({"DOCKER_CONFIG": str(tmp_path), "BUILDKIT_NO_CLIENT_TOKEN": "true"})
    with pytest.raises(RemoteError) as caught:
        call_service(auth, method, pb.GetTokenAuthorityRequest(Host=HOST, Salt=SALT))
    assert caught.value.code == 14


def test_seeds_of_other_registries_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".token_seed").write_text('{"b": {"Seed": "AAAA"}}')
    read_or_create_seed(tmp_path, HOST)
    loaded = json.loads((tmp_path / ".token_seed").read_text())
    assert loaded == {"b": {"Seed": "AAAA"}, HOST: loaded[HOST]}
    assert len(base64.b64decode(loaded[HOST]["Seed"])) == 16


def test_a_seed_of_another_client_is_used(tmp_path: Path) -> None:
    (tmp_path / ".token_seed").write_text(json.dumps({HOST: {"Seed": SEED}}))
    assert (
        bytes(signing_key(read_or_create_seed(tmp_path, HOST), SALT).verify_key).hex()
        == RECORDED_KEY
    )


@pytest.mark.parametrize(
    "content", ["", "{", "[]", f'{{"{HOST}": 1}}', f'{{"{HOST}": {{"Seed": "?"}}}}']
)
def test_a_broken_seed_file_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / ".token_seed").write_text(content)
    assert read_or_create_seed(tmp_path, HOST) == read_or_create_seed(tmp_path, HOST)


def test_a_seed_that_cannot_be_kept_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder"
    assert read_or_create_seed(folder, HOST) != read_or_create_seed(folder, HOST)


def test_a_key_is_stable_during_a_build(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "1")}}}))
    key = public_key(auth)
    (tmp_path / ".token_seed").unlink()
    assert public_key(auth) == key
    assert public_key(Auth({"DOCKER_CONFIG": str(tmp_path)})) != key


@pytest.mark.e2e  # It mounts a file system, as root.
def test_a_read_only_folder_is_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], check=True)
    try:
        assert len(read_or_create_seed(folder, HOST)) == 16
        assert len(read_or_create_seed(folder / "none", HOST)) == 16
    finally:
        subprocess.run(["umount", folder], check=True)


def test_credentials_of_the_build_come_before_those_of_docker(tmp_path: Path) -> None:
    auths = {host: {"auth": auth_of("docker", "1")} for host in (HOST, "other")}
    environ = config(tmp_path, {"auths": auths})
    auth = Auth(environ, credentials=to_credentials({HOST: ("build", "2")}))
    logins = []
    for host in (HOST, "other"):
        answer = call_service(auth, "Credentials", pb.CredentialsRequest(Host=host))
        logins.append(pb.CredentialsResponse.FromString(answer))
    assert logins == [
        pb.CredentialsResponse(Username="build", Secret="2"),
        pb.CredentialsResponse(Username="docker", Secret="1"),
    ]


def test_keys_of_builds_differ_as_their_credentials_do(tmp_path: Path) -> None:
    def key(value: Credential, host: str = HOST) -> bytes:
        return public_key(Auth(environ, credentials=to_credentials({"*": value})), host)

    environ = config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "1")}}})
    values = (("me", "1"), ("me", "2"), ("you", "1"), IdentityToken("1"), RegistryToken("1"))
    keys = [key(value) for value in values]
    assert [key(value) for value in values] == keys
    others = [key(("me", "1"), "other"), key(None), public_key(Auth(environ))]
    assert len({*keys, *others}) == 8
    assert key(None) == bytes(signing_key(b"", SALT).verify_key)


def test_credentials_of_a_build_leave_no_seed_behind(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {}), credentials=to_credentials({HOST: ("me", "1")}))
    VerifyKey(public_key(auth)).verify(signed(auth, b"payload"))
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_function_is_asked_once_and_by_one_thread(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(host: str) -> Credential:
        asked.append(host)
        return "me", "1"

    auth = Auth(config(tmp_path, {}), credentials=to_credentials({HOST: ask}))
    threads = [threading.Thread(target=public_key, args=(auth,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [HOST]


def test_the_error_of_a_function_is_a_failure_of_the_service(tmp_path: Path) -> None:
    def ask(host: str) -> Credential:
        raise LookupError(host)

    auth = Auth(config(tmp_path, {}), credentials=to_credentials({"*": ask}))
    with pytest.raises(InputError) as caught:
        public_key(auth)
    assert auth.failures == [caught.value]


def test_the_log_names_the_source_of_credentials_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "docker-credential-test"
    helper_answer = json.dumps({"Username": "me", "Secret": "hidden"})
    program.write_text(f"#!/bin/sh\necho '{helper_answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    entry = {"auth": auth_of("me", "hidden")}
    environ = config(tmp_path, {"auths": {"file": entry}, "credHelpers": {"helped": "test"}})
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"variable": entry}})
    auth = Auth(environ, credentials=to_credentials({"own": ("me", "hidden")}))
    with caplog.at_level("DEBUG", "llb"):
        for host in ("own", "variable", "helped", "file", "none"):
            public_key(auth, host)
    assert caplog.messages == [
        "credentials of own: the build",
        "credentials of variable: DOCKER_AUTH_CONFIG",
        "credentials of helped: the helper test",
        "credentials of file: config.json",
        "credentials of none: none",
    ]
