"""The frontend as its image starts it, with a clock: the error that it ends with says the times.

What it says is a list of names and milliseconds in JSON, each since the one before: imports, calls
of the daemon and what is done between them, until a result would be handed over. What another
thread asks meanwhile is not in it.
"""

# Imports are what is measured, and so they are where they cost what they cost.
# ruff: noqa: E402, PLC0415

import time

BEGIN = time.perf_counter()

from importlib import import_module

from frontend.bundle import start

STAGES = {
    "protobuf": "google.protobuf.internal.builder",
    "hpack": "hpack",
    "llb with gateway and tunnel": "llb.frontend.server",
}
times: list[tuple[str, float]] = [("begin", BEGIN)]
install = start.Bundle.install


def stamp(name: str) -> None:
    """Note that something has ended."""
    times.append((name, time.perf_counter()))


def staged(bundle: start.Bundle) -> None:
    """Import what is imported anyway, one thing after the other."""
    install(bundle)
    stamp("attrs and what it imports")
    for name, module in STAGES.items():
        import_module(module)
        stamp(name)
    watch()


def watch() -> None:
    """Note every call of the thread that builds, and return an error instead of a result."""
    from threading import current_thread, main_thread

    from llb._pb import gateway_pb2 as pb
    from llb.frontend import server
    from llb.gateway.bridge import Bridge

    call, prefetch = Bridge.call, server.prefetch

    def foreseen(request: object, gateway: object) -> object:
        found = prefetch(request, gateway)
        stamp("early")
        return found

    def watched(
        bridge: Bridge, method: str, request: object, response: object, **options: object
    ) -> object:
        if current_thread() is not main_thread():
            return call(bridge, method, request, response, **options)
        stamp(f"before {method}")
        if method == "Return":
            request = pb.ReturnRequest()
            request.error.code, request.error.message = 2, f"TIMES {report()} SEMIT"
        try:
            return call(bridge, method, request, response, **options)
        finally:
            stamp(method)

    Bridge.call, server.prefetch = watched, foreseen


def report() -> str:
    """Return the names with what passed since the one before, in JSON."""
    import json
    from itertools import pairwise

    steps = [(name, (end - begin) * 1000) for (_, begin), (name, end) in pairwise(times)]
    return json.dumps([(name, round(taken, 2)) for name, taken in steps])


start.Bundle.install = staged
start.main()
