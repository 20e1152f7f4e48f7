"""Build over a channel of grpcio, with an interceptor that adds a token to every call.

Usage: python grpc_channel.py TARGET FOLDER, for example localhost:1234 out; it needs pyllb[grpc].
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import grpc

from llb import Image, Scratch, bind
from llb.client import Client, local
from llb.grpcio import CHANNEL_OPTIONS


class Token(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Add a token to the metadata of each call, and print the call's method."""

    def __init__(self, token: str) -> None:
        """Keep the token."""
        self._pair = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Intercept, for example, Solve."""
        return continuation(self._with_token(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """Intercept, for example, Status."""
        return continuation(self._with_token(details), request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        """Intercept Session, over which the daemon asks for files and secrets."""
        return continuation(self._with_token(details), requests)

    def _with_token(self, details: Any) -> Any:
        # One write for the line, because calls start in several threads.
        sys.stdout.write(details.method.rpartition("/")[2] + "\n")
        return details._replace(metadata=(*(details.metadata or ()), self._pair))


def main(target: str, folder: Path) -> None:
    """Build a file, and export it to a folder."""
    greeting = Image("busybox").run(
        "echo hello over gRPC > /out/greeting", mounts=[bind(Scratch(), "/out")]
    )
    with (
        grpc.insecure_channel(target, options=CHANNEL_OPTIONS) as channel,
        Client(channel=grpc.intercept_channel(channel, Token("secret"))) as client,
    ):
        client.solve(greeting.mounted("/out"), exports=[local(folder)])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
