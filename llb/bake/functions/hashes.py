"""Functions that compute hashes and UUIDs, and decrypt."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid

from llb.bake.evaluation.functions import Function, Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import NUMBER, STRING
from llb.bake.values.value import Value, string

_STR = Parameter("str", STRING)
_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}
_KEY = re.compile(
    r"-----BEGIN RSA PRIVATE KEY-----\s*(.*?)\s*-----END RSA PRIVATE KEY-----", re.DOTALL
)


def _digest(name: str) -> Function:
    def run(text: Value) -> Value:
        return string(hashlib.new(name, text.text.encode(), usedforsecurity=False).hexdigest())

    run.__doc__ = f"The {name.upper()} digest of a text in hexadecimal digits."
    return define(name, _STR)(run)


_MD5 = _digest("md5")
_SHA1 = _digest("sha1")
_SHA256 = _digest("sha256")
_SHA512 = _digest("sha512")


@define("bcrypt", _STR, variadic=Parameter("cost", NUMBER))
def _bcrypt(text: Value, *cost: Value) -> Value:
    """The bcrypt hash of a password; it needs the package bcrypt."""
    if len(cost) > 1:
        raise Unsuitable("bcrypt() takes no more than two arguments")
    rounds = whole(cost[0]) if cost else 10
    try:
        import bcrypt  # noqa: PLC0415
    except ImportError:
        raise Unsuitable("the package bcrypt is not installed (pip install bcrypt)") from None
    try:
        salt = bcrypt.gensalt(rounds, prefix=b"2a")
        return string(bcrypt.hashpw(text.text.encode(), salt).decode())
    except ValueError as error:
        raise Unsuitable(str(error)) from None


@define("uuidv4")
def _uuid4() -> Value:
    """A random UUID."""
    return string(str(uuid.uuid4()))


@define("uuidv5", Parameter("namespace", STRING), Parameter("name", STRING))
def _uuid5(namespace: Value, name: Value) -> Value:
    """The UUID of a name in a namespace: dns, url, oid, x500, or a UUID."""
    space = _NAMESPACES.get(namespace.text)
    if space is None:
        try:
            space = uuid.UUID(namespace.text)
        except ValueError:
            raise Unsuitable(
                f"uuidv5() doesn't support namespace {namespace.text}", argument=0
            ) from None
    return string(str(uuid.uuid5(space, name.text)))


@define("rsadecrypt", Parameter("ciphertext", STRING), Parameter("privatekey", STRING))
def _rsa_decrypt(ciphertext: Value, privatekey: Value) -> Value:
    """The text that was encrypted for an RSA key (PKCS #1, without a password)."""
    modulus, exponent = _private_key(privatekey.text)
    try:
        data = base64.b64decode(ciphertext.text, validate=True)
    except (binascii.Error, ValueError):
        raise Unsuitable("cipher text must be base64-encoded", argument=0) from None
    size = (modulus.bit_length() + 7) // 8
    if len(data) != size:
        raise Unsuitable("decryption error", argument=0)
    padded = pow(int.from_bytes(data), exponent, modulus).to_bytes(size)
    match = re.fullmatch(rb"\x00\x02[^\x00]{8,}\x00(.*)", padded, re.DOTALL)
    if match is None:
        raise Unsuitable("decryption error", argument=0)
    return string(match[1].decode(errors="replace"))


def _private_key(text: str) -> tuple[int, int]:
    """Read the modulus and the private exponent from a PEM file."""
    match = _KEY.search(text)
    if match is None:
        raise Unsuitable("failed to parse key: no key found", argument=1)
    if "ENCRYPTED" in match[1]:
        message = "failed to parse key: password protected keys are not supported"
        raise Unsuitable(message, argument=1)
    try:
        numbers = _der_integers(base64.b64decode(match[1]))
        return numbers[1], numbers[3]
    except (binascii.Error, IndexError, ValueError):
        raise Unsuitable("failed to parse key: it is malformed", argument=1) from None


def _der_integers(data: bytes) -> list[int]:
    """List the integers of a DER sequence."""
    content, _ = _der_element(data, 0, 0x30)
    numbers: list[int] = []
    offset = 0
    while offset < len(content):
        number, offset = _der_element(content, offset, 0x02)
        numbers.append(int.from_bytes(number))
    return numbers


def _der_element(data: bytes, offset: int, tag: int) -> tuple[bytes, int]:
    if data[offset] != tag:
        raise ValueError(tag)
    length, offset = data[offset + 1], offset + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[offset : offset + count])
        offset += count
    return data[offset : offset + length], offset + length
