"""Credentials, tokens and keys as a daemon may ask for them, and servers that cannot be trusted."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from llb._pb import auth_pb2 as pb
from llb.client.auth_tls import AuthTLS, parse_auth_tls
from llb.client.docker_config import Credentials, DockerConfig
from llb.client.providers import auth_tokens
from llb.client.providers.auth import Auth
from llb.client.providers.auth_keys import seed_of, signing_key
from llb.client.providers.auth_tokens import Token, TokenRequest, fetch
from llb.errors import InputError, InvalidValueError, RemoteError
from tests.fakes.call import MessageCall
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

HOST = "registry.example"
SALT = b"a salt"
SEED = "AAECAwQFBgcICQoLDA0ODw=="
# What Go's crypto/ed25519 makes of this seed and salt, as BuildKit's own clients use it.
RECORDED_KEY = "433929aca14883f6073a92290dd287787ec9e2cedd8f049920b1994e85847b94"
NO_PAIR = f"the auth of {HOST} in docker's configuration is not the base64 of NAME:PASSWORD"
LOGIN = Credentials("me", "pass word")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of who runs the tests are not theirs."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(auth_tokens, "_SECONDS", SECONDS)


def auth_of(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def config(folder: Path, content: object) -> dict[str, str]:
    """Write a configuration; return the environment that names it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return {"DOCKER_CONFIG": str(folder)}


def asked(auth: Auth, method: str, message: Message) -> bytes:
    """Return what a service answers."""
    call = MessageCall(message)
    handler = auth.handlers()[f"/moby.filesync.v1.Auth/{method}"]
    handler(call)  # type: ignore[arg-type] # the surface of a call that services use
    (answer,) = call.sent
    return answer


def public_key(auth: Auth, host: str = HOST, salt: bytes = SALT) -> bytes:
    request = pb.GetTokenAuthorityRequest(Host=host, Salt=salt)
    answer = asked(auth, "GetTokenAuthority", request)
    return pb.GetTokenAuthorityResponse.FromString(answer).PublicKey


def signed(auth: Auth, payload: bytes) -> bytes:
    request = pb.VerifyTokenAuthorityRequest(Host=HOST, Payload=payload, Salt=SALT)
    answer = asked(auth, "VerifyTokenAuthority", request)
    return pb.VerifyTokenAuthorityResponse.FromString(answer).Signed


# What a configuration says.


@pytest.mark.feature("Q9")
def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "hidden")}}})
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"b": {"auth": auth_of("me", "hidden")}}})
    found = DockerConfig.load(environ)
    shown = repr(found) + repr(found.credentials(HOST)) + repr(Token("hidden"))
    assert "hidden" not in shown
    assert auth_of("me", "hidden") not in shown


def test_credentials_of_the_environment_come_first(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {HOST: {"auth": auth_of("file", "1")}, "other": {}}})
    given = {"https://registry.example/v1/": {"auth": auth_of("environment", "2")}}
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": given})
    assert DockerConfig.load(environ).credentials(HOST) == Credentials("environment", "2")
    assert DockerConfig.load(environ).credentials("other") == Credentials()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "{} is no JSON object"),
        ({"auths": ["x"]}, "the auths of config.json are no JSON object"),
        (
            {"auths": {HOST: "x"}},
            "the credentials of registry.example in docker's configuration are no JSON object",
        ),
        (
            {"auths": {HOST: {"auth": 7}}},
            "the credentials of registry.example in docker's configuration are no texts",
        ),
        *(
            (
                {"auths": {HOST: {"auth": text}}},
                NO_PAIR,
            )
            for text in (
                "?",
                "a",
                base64.b64encode(b"me").decode(),
                base64.b64encode(b":p").decode(),
            )
        ),
    ],
)
def test_a_configuration_that_is_none_is_told(
    tmp_path: Path, content: object, message: str
) -> None:
    environ = config(tmp_path, content)
    with pytest.raises(InputError) as caught:
        DockerConfig.load(environ).credentials(HOST)
    assert caught.value.message == message.format(tmp_path / "config.json")


def test_credentials_of_the_environment_that_are_none_are_told(tmp_path: Path) -> None:
    environ = config(tmp_path, {}) | {"DOCKER_AUTH_CONFIG": "{"}
    with pytest.raises(InputError, match=r"^DOCKER_AUTH_CONFIG is no JSON"):
        DockerConfig.load(environ)


def test_a_helper_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-slow"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("llb.client.credential_helpers._HELPER_SECONDS", 0.2)
    found = DockerConfig.load(config(tmp_path, {"credsStore": "slow"}))
    with pytest.raises(InputError, match="gave no credentials for a: it does not end within"):
        found.credentials("a")


# The service.


def test_a_helper_is_asked_once_for_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    answer_bytes = asked(auth, "Credentials", pb.CredentialsRequest(Host=HOST))
    assert pb.CredentialsResponse.FromString(answer_bytes).Secret == "1"
    assert (tmp_path / "log").read_text() == "asked\n"


def test_a_registry_token_is_given_as_it_is(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"registrytoken": "ready"}}}))
    request = pb.FetchTokenRequest(Host=HOST, Realm="http://127.0.0.1:1/none")
    answer = pb.FetchTokenResponse.FromString(asked(auth, "FetchToken", request))
    assert answer == pb.FetchTokenResponse(Token="ready", ExpiresIn=60)


def test_keys_are_for_a_registry_a_salt_and_a_folder(tmp_path: Path) -> None:
    content = {"auths": {host: {"auth": auth_of("me", "1")} for host in (HOST, "b")}}
    auth = Auth(config(tmp_path / "one", content))
    key = public_key(auth)
    assert len(key) == 32
    assert public_key(Auth(config(tmp_path / "one", content))) == key
    others = [
        public_key(auth, "b"),
        public_key(auth, salt=b"another"),
        public_key(Auth(config(tmp_path / "two", content))),
    ]
    assert len({key, *others}) == 4


@pytest.mark.feature("N12")
def test_what_is_signed_is_verified_by_the_key(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "1")}}}))
    message = signed(auth, b"a payload")
    assert VerifyKey(public_key(auth)).verify(message) == b"a payload"
    with pytest.raises(BadSignatureError):
        VerifyKey(public_key(auth, salt=b"another")).verify(message)


def test_without_credentials_there_is_one_key_for_all(tmp_path: Path) -> None:
    one, two = (Auth(config(tmp_path / name, {})) for name in ("one", "two"))
    assert public_key(one) == public_key(two)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["config.json"]


@pytest.mark.parametrize("method", ["GetTokenAuthority", "VerifyTokenAuthority"])
def test_keys_can_be_switched_off(tmp_path: Path, method: str) -> None:
    auth = Auth({"DOCKER_CONFIG": str(tmp_path), "BUILDKIT_NO_CLIENT_TOKEN": "true"})
    with pytest.raises(RemoteError) as caught:
        asked(auth, method, pb.GetTokenAuthorityRequest(Host=HOST, Salt=SALT))
    assert caught.value.code == 14


# Seeds.


def test_seeds_of_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".token_seed").write_text('{"b": {"Seed": "AAAA"}}')
    seed_of(tmp_path, HOST)
    found = json.loads((tmp_path / ".token_seed").read_text())
    assert found == {"b": {"Seed": "AAAA"}, HOST: found[HOST]}
    assert len(base64.b64decode(found[HOST]["Seed"])) == 16


def test_a_seed_of_another_client_is_used(tmp_path: Path) -> None:
    (tmp_path / ".token_seed").write_text(json.dumps({HOST: {"Seed": SEED}}))
    assert bytes(signing_key(seed_of(tmp_path, HOST), SALT).verify_key).hex() == RECORDED_KEY


@pytest.mark.parametrize(
    "text", ["", "{", "[]", f'{{"{HOST}": 1}}', f'{{"{HOST}": {{"Seed": "?"}}}}']
)
def test_a_file_of_seeds_that_is_broken_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / ".token_seed").write_text(text)
    assert seed_of(tmp_path, HOST) == seed_of(tmp_path, HOST)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot keep a seed in .*/file/folder: Not a directory"):
        seed_of(tmp_path / "file" / "folder", HOST)


def test_a_key_stays_while_a_build_runs(tmp_path: Path) -> None:
    auth = Auth(config(tmp_path, {"auths": {HOST: {"auth": auth_of("me", "1")}}}))
    key = public_key(auth)
    (tmp_path / ".token_seed").unlink()
    assert public_key(auth) == key
    assert public_key(Auth({"DOCKER_CONFIG": str(tmp_path)})) != key


def test_a_folder_that_is_read_only_does_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], check=True)
    try:
        assert len(seed_of(folder, HOST)) == 16
        assert len(seed_of(folder / "none", HOST)) == 16
    finally:
        subprocess.run(["umount", folder], check=True)


# Token servers.


class Handler(BaseHTTPRequestHandler):
    """Answers with what a test says, and keeps what it was asked."""

    answers: ClassVar[list[tuple[int, bytes, dict[str, str]]]]
    asked: ClassVar[list[tuple[str, str, str]]]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        status, body, headers = self.answers.pop(0)
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def server(
    *answers: tuple[int, object] | tuple[int, object, dict[str, str]],
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Run a server that gives these answers; its URL, and what it was asked."""
    seen: list[tuple[str, str, str]] = []

    class Own(Handler):
        asked = seen

    Own.answers = [
        (status, body if isinstance(body, bytes) else json.dumps(body).encode(), dict(*headers))
        for status, body, *headers in answers
    ]
    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", seen
        finally:
            http.shutdown()
            thread.join()


def test_a_realm_keeps_its_own_query() -> None:
    with server((200, {"token": "t"})) as (url, seen):
        asked_for = TokenRequest(HOST, f"{url}/token?account=a", "s s", ("a:b:pull", "c:d:pull"))
        assert fetch(asked_for, Credentials()) == Token("t")
    path = "/token?account=a&service=s+s&scope=a%3Ab%3Apull&scope=c%3Ad%3Apull"
    assert seen == [("GET", path, "")]


def test_when_a_token_is_over_is_told_as_the_server_says() -> None:
    answer = {"token": "t", "expires_in": 900, "issued_at": "2026-01-02T03:04:05.123456789Z"}
    with server((200, answer)) as (url, _):
        assert fetch(TokenRequest(HOST, url), Credentials()) == Token("t", 900, 1767323045)


@pytest.mark.parametrize(
    "odd", [{"expires_in": -1}, {"expires_in": "x"}, {"issued_at": 7}, {"issued_at": "yesterday"}]
)
def test_times_that_are_none_are_those_of_a_server_that_says_nothing(
    odd: dict[str, object],
) -> None:
    with server((200, {"token": "t"} | odd)) as (url, _):
        assert fetch(TokenRequest(HOST, url), Credentials()) == Token("t", 60, 0)


@pytest.mark.feature("N11")
@pytest.mark.parametrize(
    ("credentials", "status", "methods"),
    [
        (LOGIN, 404, ["POST", "GET"]),
        (LOGIN, 401, ["POST", "GET"]),
        (LOGIN, 405, ["POST", "GET"]),
        (Credentials(secret="identity"), 404, ["POST", "GET"]),
        (Credentials(secret="identity"), 405, ["POST"]),
        (LOGIN, 500, ["POST"]),
        (LOGIN, 403, ["POST"]),
    ],
)
def test_servers_without_oauth_are_asked_as_before(
    credentials: Credentials, status: int, methods: list[str]
) -> None:
    with server((status, {}), (200, {"token": "t"})) as (url, seen):
        asked_for = TokenRequest(HOST, url)
        if methods == ["POST"]:
            with pytest.raises(InputError):
                fetch(asked_for, credentials)
        else:
            assert fetch(asked_for, credentials) == Token("t")
    assert [method for method, *_ in seen] == methods


def test_credentials_do_not_follow_to_another_server() -> None:
    with server((200, {"token": "t"})) as (other, others):
        moved = {"Location": f"{other}/moved"}
        with server((404, {}), (302, b"", moved)) as (url, seen):
            assert fetch(TokenRequest(HOST, url), LOGIN) == Token("t")
    assert [(method, bool(header)) for method, _, header in seen] == [
        ("POST", False),
        ("GET", True),
    ]
    assert others == [("GET", "/moved", "")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"code": "DENIED", "message": "no\nway"}]}, ": no way"),
        ({"error": "invalid_grant", "error_description": "used up"}, ": used up"),
        ({"error": "invalid_grant"}, ": invalid_grant"),
        ({"details": "not pass word, pass+word or bWU6cGFzcyB3b3Jk"}, ": not ***, *** or ***"),
        ({"details": "x" * 1000}, f": {'x' * 200}"),
        ({"errors": "x"}, ""),
        (b"<html>", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_what_a_server_says_is_told_without_secrets(body: object, words: str) -> None:
    with server((500, body)) as (url, _), pytest.raises(InputError) as caught:
        fetch(TokenRequest(HOST, f"{url}/a?secret=1"), LOGIN)
    assert caught.value.message == f"the token server {url}/a answers with status 500{words}"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token": 7}', b'{"token": "a\\nb"}'])
def test_an_answer_without_a_token_is_told(body: bytes) -> None:
    with (
        server((200, body)) as (url, _),
        pytest.raises(InputError, match=r"answers with no token$"),
    ):
        fetch(TokenRequest(HOST, url), Credentials())


def test_an_answer_without_end_is_not_read() -> None:
    with (
        server((200, b" " * 2**21)) as (url, _),
        pytest.raises(InputError, match="cannot be asked: its answer has more than 1048576 bytes"),
    ):
        fetch(TokenRequest(HOST, url), Credentials())


@pytest.mark.parametrize(
    "realm", ["file:///etc/passwd", "ftp://host/x", "", "token", "http://", "http://[", "data:,x"]
)
def test_only_servers_of_http_are_asked(realm: str) -> None:
    with pytest.raises(InputError, match="is no URL"):
        fetch(TokenRequest(HOST, realm), LOGIN)


@pytest.mark.parametrize(
    "realm", ["http://127.0.0.1:1/", "http://127.0.0.1:x/", "http://127.0.0.1/a b", "http://ü\x00/"]
)
def test_a_server_that_cannot_be_asked_is_told(realm: str) -> None:
    with pytest.raises(InputError, match=r"^the token server http://.* cannot be asked: "):
        fetch(TokenRequest(HOST, realm), LOGIN)


def test_proxies_of_the_environment_are_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with server((200, {"token": "t"})) as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy)
        assert fetch(TokenRequest(HOST, "http://tokens.example/t"), Credentials()) == Token("t")
    with server((200, {"token": "here"})) as (url, _):
        assert fetch(TokenRequest(HOST, url), Credentials()) == Token("here")
    assert seen == [("GET", "http://tokens.example/t", "")]


# TLS to token servers.


def test_files_for_token_servers_are_read_as_by_buildctl() -> None:
    given = "host=a:5000,ca=/ca,cert=/cert,KEY=/key,insecure=1"
    wanted = AuthTLS("a:5000", Path("/ca"), Path("/cert"), Path("/key"), insecure=True)
    assert parse_auth_tls(given) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ca=/ca", "a registry-auth-tlscontext needs a host"),
        ("host=a", "a registry-auth-tlscontext needs a ca, a cert with its key, or insecure=true"),
        ("host=a,cert=/c", "a client's certificate and its key belong together"),
        ("host=a,insecure=x", "invalid insecure 'x': expected true or false"),
        ("host=a,cb=/c", "unknown attribute 'cb' of registry-auth-tlscontext"),
        ("host", "invalid registry-auth-tlscontext 'host': 'host' is no key=value"),
    ],
)
def test_what_is_not_for_token_servers_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_auth_tls(text)
    assert caught.value.message == message


def test_certificates_that_cannot_be_used_are_told_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "none.pem").touch()
    with pytest.raises(InputError, match=r"^cannot use .*/none\.pem for a: "):
        Auth(tls=[AuthTLS("a", ca=tmp_path / "none.pem")])
    with pytest.raises(InputError, match=r"^cannot use /none for a: No such file or directory"):
        Auth(tls=[AuthTLS("a", ca=Path("/none"))])
