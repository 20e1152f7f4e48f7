"""Start the frontend as its image does, and report times in the error of the build.

The report is a JSON list of names and milliseconds since the previous entry: imports, calls of the
daemon and the work between them, until the result would be returned. Calls of other threads are
not in it.
"""

# Imports are measured, so they are where they take effect.
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
    """Record the end of a part."""
    times.append((name, time.perf_counter()))


def install_in_stages(bundle: start.Bundle) -> None:
    """Import the modules that are imported anyway, in stages."""
    install(bundle)
    stamp("attrs and what it imports")
    for name, module in STAGES.items():
        import_module(module)
        stamp(name)
    watch()


def watch() -> None:
    """Record every call of the main thread, and return an error instead of a result."""
    from threading import current_thread, main_thread

    from llb._pb import gateway_pb2 as pb
    from llb.frontend import server
    from llb.gateway.bridge import Bridge

    call, prefetch = Bridge.call, server.prefetch

    def timed_prefetch(request: object, gateway: object) -> object:
        result = prefetch(request, gateway)
        stamp("early")
        return result

    def timed_call(
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

    Bridge.call, server.prefetch = timed_call, timed_prefetch


def report() -> str:
    """Encode the names and the milliseconds since the previous entry as JSON."""
    import json
    from itertools import pairwise

    steps = [(name, (end - begin) * 1000) for (_, begin), (name, end) in pairwise(times)]
    return json.dumps([(name, round(duration, 2)) for name, duration in steps])


start.Bundle.install = install_in_stages
start.main()
