"""The prefetch of the frontend image is invisible: same steps and errors as the stock frontend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client import Client, Vertex
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
