"""What is done for a quick start of the frontend's image: nobody sees it, and errors are the same."""

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


def steps(address: str, folder: Path, frontend: str, **options: str) -> tuple[set[str], str]:
    """Build the folder; return the names of its steps, without the frontend's image, and the error if any."""
    names: set[str] = set()
    said = ""
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
            said = error.message.partition(" (hint: ")[0]
    return {name for name in names if "docker-image://" not in name}, said


@pytest.mark.parametrize("name", CONTEXTS)
def test_what_is_loaded_early_is_what_the_stock_frontend_loads(
    name: str, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    for path, text in CONTEXTS[name].items():
        (tmp_path / path).write_text(text)
    options = {"filename": "other"} if name == "another name" else {}
    ours = steps(buildkit_host, tmp_path, "gateway.v0", source=frontend, **options)
    assert ours == steps(buildkit_host, tmp_path, "dockerfile.v0", **options)


def test_a_folder_that_the_client_lacks_is_told(frontend: str, buildkit_host: str) -> None:
    with (
        Client(buildkit_host) as client,
        pytest.raises(InputError, match="local directory 'dockerfile'"),
    ):
        client.solve(frontend="gateway.v0", frontend_attrs={"source": frontend})
