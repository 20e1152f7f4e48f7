"""Functions whose results are random, or need a key."""

from __future__ import annotations

import base64
import sys
from types import SimpleNamespace

import pytest

from llb.bake.functions import FUNCTIONS
from llb.bake.values.problems import Unsuitable
from llb.bake.values.value import Value, integer, string

# Two primes, for a key that is short.
PRIMES = 2**127 - 1, 2**89 - 1
EXPONENT = 65537


def run(name: str, *arguments: Value) -> str:
    return FUNCTIONS[name].run(*arguments).text


def der(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x81, len(content)]) + content


def number(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


@pytest.fixture
def key() -> tuple[int, str]:
    """The modulus of a key, and its file."""
    first, second = PRIMES
    modulus = first * second
    private = pow(EXPONENT, -1, (first - 1) * (second - 1))
    integers = b"".join(map(number, (0, modulus, EXPONENT, private)))
    text = base64.encodebytes(der(0x30, integers)).decode()
    return modulus, f"-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n"


def encrypted(message: bytes, modulus: int) -> str:
    size = (modulus.bit_length() + 7) // 8
    padded = b"\0\2" + b"\1" * (size - 3 - len(message)) + b"\0" + message
    return base64.b64encode(pow(int.from_bytes(padded), EXPONENT, modulus).to_bytes(size)).decode()


def test_a_text_is_decrypted(key: tuple[int, str]) -> None:
    modulus, text = key
    assert run("rsadecrypt", string(encrypted(b"word", modulus)), string(text)) == "word"


@pytest.mark.parametrize(
    ("cipher", "message"),
    [
        ("%", "cipher text must be base64-encoded"),
        ("AAAA", "decryption error"),
        (base64.b64encode(bytes(27)).decode(), "decryption error"),
    ],
)
def test_what_is_not_encrypted_is_refused(cipher: str, message: str, key: tuple[int, str]) -> None:
    with pytest.raises(Unsuitable, match=message):
        run("rsadecrypt", string(cipher), string(key[1]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no key found"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----", "malformed"),
        (
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n"
                "-----END RSA PRIVATE KEY-----"
            ),
            "password protected keys are not supported",
        ),
    ],
)
def test_a_file_that_is_no_key_is_refused(text: str, message: str) -> None:
    with pytest.raises(Unsuitable, match=message):
        run("rsadecrypt", string("AAAA"), string(text))


def test_a_random_uuid_is_another_one_each_time() -> None:
    assert run("uuidv4") != run("uuidv4")


def test_a_namespace_of_uuids_has_a_name_or_is_one() -> None:
    dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert run("uuidv5", string("dns"), string("x")) == run("uuidv5", string(dns), string("x"))
    with pytest.raises(Unsuitable, match="namespace y"):
        run("uuidv5", string("y"), string("x"))


def test_bcrypt_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(Unsuitable, match="the package bcrypt is not installed"):
        run("bcrypt", string("x"))
    with pytest.raises(Unsuitable, match="no more than two arguments"):
        run("bcrypt", string("x"), integer(1), integer(2))


def test_bcrypt_hashes_with_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    def gensalt(rounds: int, prefix: bytes) -> bytes:
        if rounds > 31:
            raise ValueError("Invalid rounds")
        return prefix + b"%d" % rounds

    fake = SimpleNamespace(gensalt=gensalt, hashpw=lambda text, salt: salt + text)
    monkeypatch.setitem(sys.modules, "bcrypt", fake)
    assert run("bcrypt", string("x")) == "2a10x"
    assert run("bcrypt", string("x"), integer(5)) == "2a5x"
    with pytest.raises(Unsuitable, match="Invalid rounds"):
        run("bcrypt", string("x"), integer(40))
