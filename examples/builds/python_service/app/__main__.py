"""Serve on port 8000: the number of words in the body of a request."""

from http.server import BaseHTTPRequestHandler, HTTPServer

from app import count


class Handler(BaseHTTPRequestHandler):
    """Answer requests."""

    def do_POST(self) -> None:
        """Count the words of the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(count(body.decode())).encode())


HTTPServer(("", 8000), Handler).serve_forever()
