"""Answer requests on port 8000 or PORT; with --check, only start."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answer requests."""

    def do_GET(self) -> None:
        """Return the path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())


server = HTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler)
if "--check" not in sys.argv:
    server.serve_forever()
