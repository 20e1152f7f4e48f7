"""The prefetch of the frontend image is invisible: same steps and errors as the stock frontend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, Vertex, image
from llb.errors import InputError, SolveError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "content\n"}
CONTEXTS = {
    "a Dockerfile": FILES,
    "an ignore file": FILES | {".dockerignore": "b\n"},
    "an ignore file of the Dockerfile": FILES | {"Dockerfile.dockerignore": "b\n"},
    "a name in lower case": {"dockerfile": FILES["Dockerfile"], "a": "content\n"},
    "another name": {"other": FILES["Dockerfile"], "a": "content\n"},
    "no Dockerfile": {"a": "content\n"},
}


def build_steps(address: str, folder: Path, frontend: str, **options: str) -> tuple[set[str], str]:
    """Build the folder; return the names of its steps, and the error if any.

    The steps that load the frontend image are left out.
    """
    names: set[str] = set()
    message = ""
    with Client(address) as client:
        try:
            client.solve(
                frontend=frontend,
                frontend_attrs=options,
                local_dirs={"context": folder, "dockerfile": folder},
                on_event=lambda event: names.update(
                    [event.name] if isinstance(event, Vertex) else []
                ),
            )
        except SolveError as error:
            message = error.message.partition(" (hint: ")[0]
    return {name for name in names if "docker-image://" not in name}, message


@pytest.mark.parametrize("name", CONTEXTS)
def test_prefetched_files_are_those_that_the_stock_frontend_loads(
    name: str, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    for path, content in CONTEXTS[name].items():
        (tmp_path / path).write_text(content)
    options = {"filename": "other"} if name == "another name" else {}
    ours = build_steps(buildkit_host, tmp_path, "gateway.v0", source=frontend, **options)
    assert ours == build_steps(buildkit_host, tmp_path, "dockerfile.v0", **options)


def test_a_missing_local_directory_is_named(frontend: str, buildkit_host: str) -> None:
    with (
        Client(buildkit_host) as client,
        pytest.raises(InputError, match="local directory 'dockerfile'"),
    ):
        client.solve(frontend="gateway.v0", frontend_attrs={"source": frontend})


# Starts the frontend as its image does, and returns the modules that it read from files as an error.
CHECK = """
import sys
from frontend.bundle import start
before = set(sys.modules)
install = start.Bundle.install

def install_and_watch(bundle):
    install(bundle)
    from llb._pb import gateway_pb2 as pb
    from llb.gateway.bridge import Bridge
    call = Bridge.call

    def check_call(bridge, method, request, response, **options):
        if method == "Return":
            loaded = {name: sys.modules[name] for name in sys.modules.keys() - before}
            files = [name for name, module in loaded.items()
                     if type(module.__loader__).__module__ != start.__name__
                     and module.__spec__.origin != "frozen"
                     and (getattr(module, "__file__", None) or "").endswith(".py")]
            request = pb.ReturnRequest()
            request.error.code = 2
            request.error.message = f"of {len(loaded)} modules from files: {sorted(files)}"
        return call(bridge, method, request, response, **options)

    Bridge.call = check_call

start.Bundle.install = install_and_watch
start.main()
"""


def test_a_build_imports_all_modules_from_the_bundle(
    frontend: str, buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(FILES["Dockerfile"])
    (tmp_path / "a").write_text("content\n")
    name = f"{registry}/test/bundle-check"
    with Client(buildkit_host) as client:
        checked = Image(frontend, resolver=client).mkfile("/check.py", CHECK)
        checked = checked.entrypoint(["python3", "-S", "/check.py"])
        client.solve(checked, exports=[image(name, push=True)])
        with pytest.raises(SolveError, match=r"of [0-9]{3} modules from files: \[\]"):
            client.solve(
                frontend="gateway.v0",
                frontend_attrs={"source": name},
                local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            )
