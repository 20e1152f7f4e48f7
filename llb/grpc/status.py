"""gRPC status: encode and decode how a call ended, as trailers and as an error.

The trailers are those of gRPC's PROTOCOL-HTTP2 document. The details are a serialized
``google.rpc.Status``, which is read and written here without protobuf's classes.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from enum import IntEnum
from typing import TYPE_CHECKING

from llb.errors import RemoteError
from llb.grpc.http2.frames import ErrorCode
from llb.protobuf import integer, message, number_of, read_fields

if TYPE_CHECKING:
    from llb.grpc.http2.streams import Headers


class Code(IntEnum):
    """The status codes of gRPC's statuscodes document."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


# The status for a reset, from gRPC's table; any other code is INTERNAL.
_RESET_CODES = {
    ErrorCode.REFUSED_STREAM: Code.UNAVAILABLE,
    ErrorCode.CANCEL: Code.CANCELLED,
    ErrorCode.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
}

# The status for an HTTP status without a gRPC status, from gRPC's
# http-grpc-status-mapping document; any other HTTP status is UNKNOWN.
_HTTP_CODES = {
    "400": Code.INTERNAL,
    "401": Code.UNAUTHENTICATED,
    "403": Code.PERMISSION_DENIED,
    "404": Code.UNIMPLEMENTED,
    "429": Code.UNAVAILABLE,
    "502": Code.UNAVAILABLE,
    "503": Code.UNAVAILABLE,
    "504": Code.UNAVAILABLE,
}

# The fields of google.rpc.Status.
_CODE, _MESSAGE, _DETAILS = integer(1), message(2), message(3)
_DETAILS_NUMBER = number_of(_DETAILS)
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


def to_trailers(error: RemoteError | None) -> Headers:
    """Encode the trailers that end a call; None is OK."""
    if error is None:
        return (("grpc-status", "0"),)
    trailers = [("grpc-status", str(int(error.code)))]
    if error.message:
        trailers.append(("grpc-message", quote_message(error.message)))
    if error.details:
        body = encode_status(int(error.code), error.message, error.details)
        encoded = b2a_base64(body, newline=False).decode("ascii").rstrip("=")
        trailers.append(("grpc-status-details-bin", encoded))
    return tuple(trailers)


def from_trailers(trailers: Headers) -> RemoteError | None:
    """Decode the error in trailers, or None for OK.

    Trailers without a valid status are an error with ``UNKNOWN``.
    """
    fields = dict(trailers)
    code = fields.get("grpc-status", "")
    if not (code.isascii() and code.isdigit() and len(code) < 10):
        return RemoteError("call ended without a status", code=Code.UNKNOWN)
    if int(code) == Code.OK:
        return None
    details = parse_details(fields.get("grpc-status-details-bin", ""))
    message = unquote_message(fields.get("grpc-message", ""))
    return RemoteError(message, code=int(code), details=details)


def from_reset(code: int) -> RemoteError:
    """Convert the HTTP/2 error code of an RST_STREAM to an error."""
    name = ErrorCode(code).name if code <= max(ErrorCode) else str(code)
    status_code = _RESET_CODES.get(ErrorCode(code)) if code <= max(ErrorCode) else None
    return RemoteError(f"call was reset by the peer: {name}", code=status_code or Code.INTERNAL)


def from_http(status: str) -> RemoteError:
    """Convert an HTTP status other than 200 to an error."""
    code = _HTTP_CODES.get(status, Code.UNKNOWN)
    return RemoteError(f"peer answered with HTTP status {status or 'missing'}", code=code)


def quote_message(text: str) -> str:
    r"""Encode a grpc-message: UTF-8, with %XX for everything but printable ASCII.

    >>> quote_message("50 % für\n")
    '50 %25 f%C3%BCr%0A'
    """
    return "".join(
        chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}"
        for byte in text.encode("utf-8", "replace")
    )


def unquote_message(text: str) -> str:
    """Decode a grpc-message; a malformed escape stays as it is."""
    head, *parts = text.encode("utf-8", "surrogateescape").split(b"%")
    out = bytearray(head)
    for part in parts:
        if len(part) >= 2 and _HEX_DIGITS.issuperset(part[:2]):
            out.append(int(part[:2], 16))
            out += part[2:]
        else:
            out += b"%" + part
    return out.decode("utf-8", "replace")


def encode_status(code: int, text: str, details: tuple[bytes, ...]) -> bytes:
    """Serialize a ``google.rpc.Status``."""
    content = text.encode("utf-8", "replace")
    return _CODE(code) + _MESSAGE(content) + b"".join(map(_DETAILS, details))


def parse_details(text: str) -> tuple[bytes, ...]:
    """Decode the details of a base64 ``google.rpc.Status``; none if it is malformed."""
    try:
        body = a2b_base64(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return ()
    return read_details(body)


def read_details(body: bytes) -> tuple[bytes, ...]:
    """Read the details of a serialized ``google.rpc.Status``; none if it is malformed."""
    try:
        return tuple(value for number, value in read_fields(body) if number == _DETAILS_NUMBER)
    except ValueError:
        return ()
