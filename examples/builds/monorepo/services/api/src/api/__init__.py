"""Greet over HTTP, on port 8000 or PORT."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from greetings import greet


class Handler(BaseHTTPRequestHandler):
    """Answer requests."""

    def do_GET(self) -> None:
        """Greet the name in the path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greet(self.path.strip("/")).encode())


def main() -> None:
    """Serve."""
    HTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
