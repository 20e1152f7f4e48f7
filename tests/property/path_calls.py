"""Call every public function that takes paths of this machine with paths that cannot be used.

Run it as ``python -m tests.property.path_calls FOLDER``, without the capabilities with which root may
read and write everything. Each result is a line of JSON: the parameter, the kind of path, the path,
the classes of the exception, and its text or that of warnings.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import llb
from llb import bake, client
from llb.client import docker_py
from llb.frontend import kit
from llb.gateway import Result
from llb.testing import FakeDaemon, FakeGateway, FakeImages, run_frontend
from tests.fakes.docker_engine import FakeDockerEngine
from tests.property.path_parameters import path_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb.gateway import Gateway, Request

    Call: TypeAlias = Callable[[str], object]

STATE = llb.Image("alpine", inherit_config=False).copy(llb.Local("context"), "/")
DOCKERFILE = {"Dockerfile": b"FROM scratch\n"}
# The required arguments of the methods that build, which AsyncClient has too.
REQUIRED: Mapping[str, tuple[Any, ...]] = {
    "solve": (STATE,),
    "start": (STATE,),
    "build": (lambda *_: Result(),),
    "run": (STATE, "true"),
    "read_file": (STATE, "/a"),
    "read_text": (STATE, "/a"),
    "list_dir": (STATE,),
    "stat": (STATE, "/a"),
    "build_image": (DOCKERFILE,),
    "start_image": (DOCKERFILE,),
}
OPTIONS: Mapping[str, Call] = {
    "local_dirs": lambda path: {"context": path},
    "secrets": lambda path: {"a": Path(path)},
    "oci_layouts": lambda path: {"a": path},
    "context": lambda path: path,
    "file": lambda path: path,
    "contexts": lambda path: {"n": path},
    "outputs": lambda path: f"type=local,dest={path}",
}
# Options with a path in a string, as on the command line.
SPECS: Mapping[str, Call] = {
    "ssh": lambda path: [f"default={path}"],
    "registry_auth_tls": lambda path: [f"host=h,ca={path}"],
    "cache_from": lambda path: [f"type=local,src={path}"],
    "cache_to": lambda path: [f"type=local,dest={path}"],
}
EXPORTERS = ("docker", "local", "oci", "tar")
# Values of build args, labels and attributes: no function looks at these files.
TEXTS = ("build_args", "labels", "frontend_attrs")


def bad_paths(folder: Path) -> dict[str, str]:
    """Create the paths, by what is wrong with them."""
    (folder / "locked").mkdir(mode=0)
    (folder / "loop").symlink_to("loop")
    (folder / "file").touch()
    return {
        "below a locked folder": "locked/x",
        "below a loop": "loop/x",
        "a loop": "loop",
        "below a file": "file/x",
        "a long name": "x" * 300,
        "below a long name": "x" * 300 + "/x",
        "a long path": "x/" * 2100 + "x",
        "NUL": "a\0b",
        "half of a surrogate pair": "a\ud800",
        "empty": "",
    }


def calls(builder: client.Client) -> Iterator[tuple[str, Call]]:
    """Yield the calls by their parameters."""
    others = _other_calls(builder)
    for name in path_parameters():
        function, _, parameter = name.rpartition(".")
        owner, _, method = function.rpartition(".")
        if parameter in TEXTS:
            continue
        if owner == "AsyncClient":
            yield name, partial(_run_async, builder, method, parameter)
        elif owner == "Client":
            yield name, partial(_build, getattr(builder, method), method, parameter)
        else:
            yield name, others.pop(name)
    yield from others.items()
    for method in ("solve", "start", "build", "build_image", "start_image"):
        for option in SPECS:
            call = partial(_build, getattr(builder, method), method, option)
            yield f"Client.{method}.{option}", call


def _build(function: Callable[..., Any], method: str, parameter: str, path: str) -> object:
    arguments, options = _arguments(method, parameter, path)
    result = function(*arguments, **options)
    if not isinstance(result, client.BuildHandle):
        return result
    with result:
        return result.result()


def _run_async(builder: client.Client, method: str, parameter: str, path: str) -> object:
    return asyncio.run(_build_async(builder, method, parameter, path))


async def _build_async(builder: client.Client, method: str, parameter: str, path: str) -> object:
    arguments, options = _arguments(method, parameter, path)
    result = getattr(client.AsyncClient.from_client(builder), method)(*arguments, **options)
    if inspect.iscoroutine(result):
        return await result
    async with result as build:
        return await build.result()


def _arguments(method: str, parameter: str, path: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    value = {**OPTIONS, **SPECS}[parameter](path)
    if parameter == "context":
        return (value,), {}
    options = {parameter: value, "on_event": _warn}
    if method not in ("build_image", "start_image") and parameter != "local_dirs":
        options["local_dirs"] = {"context": "context"}
    if parameter == "cache_to":
        options["exports"] = [client.image()]
    return REQUIRED[method], options


def _warn(event: client.Event) -> None:
    """Pass on the warnings of builds."""
    if isinstance(event, client.VertexWarning):
        warnings.warn(event.short, stacklevel=2)


def _other_calls(builder: client.Client) -> dict[str, Call]:
    """List the calls of all functions but the methods of clients, by their parameters."""
    solve = partial(builder.solve, STATE, local_dirs={"context": "context"})
    build = partial(client.build_image, addr=builder.address)
    return {
        "Definition.from_file.path": llb.Definition.from_file,
        "Definition.to_file.path": STATE.marshal().to_file,
        "AgentSpec.socket": lambda path: solve(ssh=[client.AgentSpec(socket=Path(path))]),
        "AgentSpec.keys": lambda path: solve(ssh=[client.AgentSpec(keys=(Path(path),))]),
        "AuthTLS.ca": lambda path: _use_auth_tls(solve, ca=path),
        "AuthTLS.cert": lambda path: _use_auth_tls(solve, cert=path, key=path),
        "AuthTLS.key": lambda path: _use_auth_tls(solve, cert=path, key=path),
        "TLS.ca": lambda path: _use_tls(ca=path),
        "TLS.cert": lambda path: _use_tls(cert=path, key=path),
        "TLS.key": lambda path: _use_tls(cert=path, key=path),
        "TLS.from_directory.folder": client.TLS.from_directory,
        "Upload.content": lambda path: client.Upload(Path(path)),
        "docker.destination": lambda path: solve(exports=[client.docker(path)]),
        "local.destination": lambda path: solve(exports=[client.local(path)]),
        "oci.destination": lambda path: solve(exports=[client.oci(path)]),
        "tar.destination": lambda path: solve(exports=[client.tar(path)]),
        "parse_export.text": lambda path: solve(
            exports=[client.parse_export(f"type=tar,dest={path}")]
        ),
        "local_cache.folder": lambda path: solve(cache_to=[client.local_cache(path)]),
        **{
            f"build_image.{option}": partial(_build, build, "build_image", option)
            for option in OPTIONS
        },
        "load.files": bake.load,
        "Builder.create.buildkitd_config": lambda path: client.Builder.create(
            driver="docker-container", buildkitd_config=path
        ),
        "Builder.append.buildkitd_config": lambda path: _existing().append(buildkitd_config=path),
        "Builder.change.buildkitd_config": lambda path: _existing().change(
            "one", buildkitd_config=path
        ),
        "History.export.output": builder.history().export,
        "AsyncHistory.export.output": lambda path: asyncio.run(
            client.AsyncClient.from_client(builder).history().export(path)
        ),
        "build.path": lambda path: docker_py.build(path=path),
        "load.program": kit.load,
        "pack.program": lambda path: kit.pack(path, resolver=FakeImages()),
        "FakeGateway.files": lambda path: _run_in(FakeGateway(files=Path(path))),
        "FakeGateway.local_dirs": lambda path: _run_in(
            FakeGateway(local_dirs={"context": Path(path)})
        ),
        "run_frontend.files": lambda path: run_frontend(_frontend, files=Path(path)),
        "run_frontend.local_dirs": lambda path: run_frontend(
            _frontend, local_dirs={"context": Path(path)}
        ),
        "Client.addr": lambda path: client.Client(f"unix://{path}").ping(timeout=5),
    }


def _existing() -> client.Builder:
    """Find the builder ``one``, or create it."""
    try:
        return client.Builder.load("one")
    except client.InputError:
        return client.Builder.create("one", driver="docker-container", node="one")


def _use_tls(**files: Any) -> object:
    tls = client.TLS(**files)
    return client.Client("tcp://127.0.0.1:1", tls=tls).ping(timeout=5)


def _use_auth_tls(solve: Callable[..., object], **files: Any) -> object:
    return solve(registry_auth_tls=[client.AuthTLS("host", **files)])


def _run_in(gateway: FakeGateway) -> object:
    with gateway:
        return gateway.run(_frontend)


def _frontend(request: Request, gateway: Gateway) -> Result:
    return Result(gateway.solve(llb.Local("context").marshal()))


def report(name: str, kind: str, path: str, call: Call) -> None:
    """Call a function with a path, and write the outcome."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call(path)
        except BaseException as error:  # noqa: BLE001 - what is tested
            outcome = [each.__name__ for each in type(error).__mro__], str(error)
        else:
            outcome = [], " ".join(str(warning.message) for warning in caught)
    sys.stdout.write(json.dumps([name, kind, path, *outcome]) + "\n")


def main(folder: Path) -> None:
    """Make all calls in a new folder."""
    os.chdir(folder)
    Path("context").mkdir()
    paths = bad_paths(Path())
    with ExitStack() as stack:
        daemon = stack.enter_context(FakeDaemon())
        builder = stack.enter_context(client.Client(daemon.address))
        docker = FakeDockerEngine(folder / "docker.sock", daemon.address)
        os.environ["DOCKER_HOST"] = stack.enter_context(docker).address
        for name, call in calls(builder):
            for kind, path in paths.items():
                report(name, kind, path, call)
        # Last, because there is no way back.
        Path("removed").mkdir()
        os.chdir("removed")
        Path("../removed").rmdir()
        for name, call in calls(builder):
            report(name, "no working directory", "x", call)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
