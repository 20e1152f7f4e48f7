"""The status of a call is encoded as trailers and decoded to an error."""

from __future__ import annotations

from base64 import b64encode

import pytest

from llb.errors import RemoteError
from llb.grpc import status


def fields_of(error: RemoteError | None) -> tuple[int, str, tuple[bytes, ...]] | None:
    return None if error is None else (error.code, error.message, error.details)


def test_ok_is_one_trailer() -> None:
    assert status.to_trailers(None) == (("grpc-status", "0"),)


@pytest.mark.parametrize(
    "error",
    [
        RemoteError("", code=2),
        RemoteError("plain", code=5),
        RemoteError("50 % für\nnichts", code=9, details=(b"\x0a\x01t", b"")),
        RemoteError("m", code=13, details=(bytes(1000),)),
    ],
)
def test_an_error_survives_the_round_trip_through_trailers(error: RemoteError) -> None:
    assert fields_of(status.from_trailers(status.to_trailers(error))) == fields_of(error)


def test_trailers_have_grpcs_format() -> None:
    error = RemoteError("a%b\n", code=9, details=(b"\x0a\x01t",))
    assert status.to_trailers(error) == (
        ("grpc-status", "9"),
        ("grpc-message", "a%25b%0A"),
        ("grpc-status-details-bin", "CAkSBGElYgoaAwoBdA"),
    )


@pytest.mark.parametrize("text", ["", "x", "-1", "٣", "9999999999"])
def test_trailers_without_a_valid_status_are_an_error(text: str) -> None:
    expected = (2, "call ended without a status", ())
    assert fields_of(status.from_trailers((("grpc-status", text),))) == expected


@pytest.mark.parametrize("text", ["A", "****", "CAkS", "GgUKAXQ", "//////////////8", "HwoBdA", "é"])
def test_malformed_details_are_ignored(text: str) -> None:
    assert status.parse_details(text) == ()


def test_unknown_fields_of_a_status_are_skipped() -> None:
    # Field 15 as a varint, as 8 bytes, as 4 bytes and as a string; then a detail.
    body = b"\x78\x05" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + b"\x7a\x01x" + b"\x1a\x02ok"
    text = b64encode(body).decode()
    assert status.parse_details(text) == (b"ok",)


@pytest.mark.parametrize(
    ("text", "expected"), [("a%zzb", "a%zzb"), ("%", "%"), ("%C3", "\ufffd"), ("a%20b", "a b")]
)
def test_malformed_escapes_of_a_message_are_kept(text: str, expected: str) -> None:
    assert status.unquote_message(text) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (7, (14, "call was reset by the peer: REFUSED_STREAM", ())),
        (8, (1, "call was reset by the peer: CANCEL", ())),
        (2, (13, "call was reset by the peer: INTERNAL_ERROR", ())),
        (99, (13, "call was reset by the peer: 99", ())),
    ],
)
def test_a_reset_becomes_a_status(code: int, expected: tuple[int, str, tuple[bytes, ...]]) -> None:
    assert fields_of(status.from_reset(code)) == expected


@pytest.mark.parametrize(("answer", "code"), [("404", 12), ("503", 14), ("418", 2), ("", 2)])
def test_an_http_status_becomes_a_grpc_status(answer: str, code: int) -> None:
    assert status.from_http(answer).code == code


def test_details_are_read_from_a_serialized_status() -> None:
    body = status.encode_status(5, "gone", (b"one", b"two"))
    assert status.read_details(body) == (b"one", b"two")
    assert status.read_details(body[:-1]) == ()
