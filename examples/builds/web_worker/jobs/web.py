"""Take texts, with POST /texts."""

import os

from bottle import post, request, run

from jobs import queue


@post("/texts")
def add() -> str:
    """Add the text in the body of the request to the queue."""
    return queue.put(request.body.read().decode())


if __name__ == "__main__":
    run(host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))
