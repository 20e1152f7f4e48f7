"""Credentials of a build are found by the hosts of registries, and refused if they are unusable."""

from __future__ import annotations

from typing import Any

import pytest

from llb.client import Credential, IdentityToken, RegistryToken
from llb.client.registry_auth.credentials import BuildCredentials, to_credentials
from llb.client.registry_auth.docker_config import Login
from llb.errors import InputError, InvalidValueError

SECRET = "hidden-s3cret"
HUB = ("docker.io", "registry-1.docker.io", "index.docker.io", "https://index.docker.io/v1/")


@pytest.mark.parametrize("spelling", [*HUB, "DOCKER.io", "https://registry-1.docker.io/v2/"])
@pytest.mark.parametrize("asked", HUB[:3])
def test_all_spellings_of_docker_hub_meet(spelling: str, asked: str) -> None:
    credentials = to_credentials({spelling: ("me", "1")})
    assert credentials.login(asked) == Login("me", "1")


@pytest.mark.parametrize(
    "spelling",
    ["localhost:5000", "http://localhost:5000", "https://localhost:5000/", "LOCALHOST:5000"],
)
def test_a_host_with_a_port_is_found_with_and_without_a_scheme(spelling: str) -> None:
    credentials = to_credentials({spelling: ("me", "1")})
    assert credentials.login("localhost:5000") == Login("me", "1")
    assert credentials.login("localhost") is None


def test_each_kind_of_credential_becomes_a_login() -> None:
    credentials = to_credentials(
        {
            "a": ("me", "1"),
            "b": IdentityToken("refresh"),
            "c": RegistryToken("bearer"),
            "d": None,
            "e": lambda host: ("me at", host),
            "f": lambda _: None,
        }
    )
    assert [credentials.login(host) for host in "abcdefg"] == [
        Login("me", "1"),
        Login(secret="refresh"),
        Login(registry_token="bearer"),
        Login(),
        Login("me at", "e"),
        Login(),
        None,
    ]


def test_an_asterisk_stands_for_all_other_hosts() -> None:
    asked: list[str] = []
    credentials = to_credentials({"a": ("me", "1"), "*": asked.append})
    assert credentials.login("a") == Login("me", "1")
    assert credentials.login("registry-1.docker.io") == Login()
    assert credentials.login("b:5000") == Login()
    assert asked == ["docker.io", "b:5000"]


def test_nothing_passed_leaves_every_host_to_docker() -> None:
    assert to_credentials(None).login("a") is None
    assert to_credentials({}).login("a") is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (SECRET, "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not a str"),
        (SECRET.encode(), "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not bytes"),
        ((SECRET,), "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not tuple"),
        ((SECRET, SECRET, SECRET), "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not tuple"),
        ((1, SECRET), "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not tuple"),
        ([SECRET, SECRET], "expected a (user, password) pair, an IdentityToken, a RegistryToken or None, not list"),
        (("", SECRET), "the user or the password is empty"),
        (("me", ""), "the user or the password is empty"),
        (("me:" + SECRET, SECRET), "the user contains a colon"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_and_not_shown(value: Any, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_credentials({"registry.example": value})
    assert caught.value.message == f"invalid credentials of registry.example: {message}"
    with pytest.raises(InvalidValueError) as answered:
        to_credentials({"*": lambda _: value}).login("registry.example")
    assert answered.value.message == (
        f"invalid answer of the credentials function for registry.example: {message}"
    )
    for error in (caught.value, answered.value):
        assert SECRET not in f"{error!r} {error.hint}"


@pytest.mark.parametrize("host", ["", "a b", "a/team", "ftp://a", "https://", "https://a/v3/"])
def test_a_name_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_credentials({host: None})
    assert caught.value.message == f"invalid credentials: {host!r} is not the host of a registry"


@pytest.mark.parametrize("host", [f"https://me:{SECRET}@a", f"me:{SECRET}@a", 5000, None])
def test_a_name_that_may_contain_a_secret_is_not_shown(host: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_credentials({host: None})
    assert caught.value.message == "invalid credentials: name is not the host of a registry"


def test_two_spellings_of_one_host_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid credentials: docker.io is named twice$"):
        to_credentials({"docker.io": ("a", "1"), "index.docker.io": ("b", "2")})


@pytest.mark.parametrize(
    "wrong", [SECRET, ("me", SECRET), [("a", ("me", SECRET))], 1, lambda _: None]
)
def test_credentials_that_are_no_mapping_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_credentials(wrong)
    assert caught.value.message == (
        f"invalid credentials: expected a mapping of hosts, not {type(wrong).__name__}"
    )


@pytest.mark.parametrize("kind", [IdentityToken, RegistryToken])
@pytest.mark.parametrize("value", ["", None, b"x"])
def test_an_unusable_token_is_refused(kind: type, value: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        kind(value)
    assert (
        caught.value.message
        == f"invalid value of {kind.__name__}: expected a str that is not empty"
    )


def test_the_error_of_a_function_is_the_cause_and_not_the_message() -> None:
    def fail(_: str) -> None:
        raise LookupError(SECRET)

    with pytest.raises(InputError) as caught:
        to_credentials({"a": fail}).login("a")
    assert caught.value.message == "the credentials function for a raised LookupError"
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_error_of_ours_in_a_function_stays_itself() -> None:
    error = InputError("vault is sealed")

    def fail(_: str) -> None:
        raise error

    with pytest.raises(InputError) as caught:
        to_credentials({"a": fail}).login("a")
    assert caught.value is error


def test_no_repr_contains_a_secret() -> None:
    by_host: dict[str, Credential] = {
        "a": ("me", SECRET),
        "b": IdentityToken(SECRET),
        "c": RegistryToken(SECRET),
    }
    shown = repr(to_credentials(by_host)) + repr(list(by_host.values())[1:])
    assert SECRET not in shown
    assert repr(BuildCredentials()) == "BuildCredentials(by_host=[])"
