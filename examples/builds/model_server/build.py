"""A model server: each large file is downloaded once, checked, and a layer of its own."""

import tomllib

from llb import HTTP, Scratch, State, merge
from llb.buildfile import Build, target


def layer(file: dict[str, str]) -> State:
    """Download a file, as the only one of a tree."""
    source = HTTP(file["url"], checksum=f"sha256:{file['sha256']}", filename=file["name"])
    return Scratch().copy(source, f"/models/{file['name']}", src=file["name"], mode=0o644)


@target
def image(build: Build) -> State:
    """Lay the models on the server; none depends on the others, nor on the server."""
    files = tomllib.loads(build.read_text("models.toml"))["file"]
    server = build.image("ghcr.io/ggml-org/llama.cpp:server")
    return merge([server, *map(layer, files)]).expose(8080).cmd(["--model", "/models/model.gguf"])
