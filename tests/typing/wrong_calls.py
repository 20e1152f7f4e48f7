"""Mistakes that type checkers must find.

Every call is wrong, and its error is ignored. mypy runs with ``warn_unused_ignores``, and pyright
with ``reportUnnecessaryTypeIgnoreComment``: each reports an ignored line on which it found nothing.
The functions are never called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Git, Image, Local, bind, cache, merge, mkdir, secret
from llb.client import Annotation, dockerfile_attrs, image, imagetools, registry_cache

if TYPE_CHECKING:
    from llb import State
    from llb.client import Client
    from llb.gateway import Gateway, Ref


def misspelled_names(state: State, client: Client, gateway: Gateway, ref: Ref) -> None:
    """Use names that no enumeration has."""
    state.network("hots")  # type: ignore[arg-type]
    state.security("unsafe")  # type: ignore[arg-type]
    state.run("true", network="bridge")  # type: ignore[arg-type]
    state.run("true", security="root")  # type: ignore[arg-type]
    cache("/c", sharing="exclusive")  # type: ignore[arg-type]
    bind(state, "/m", content_cache="yes")  # type: ignore[arg-type]
    Image("a", resolve_mode="always")  # type: ignore[arg-type]
    Local("context", differ="content")  # type: ignore[arg-type]
    Git("https://a/b", mtime="now")  # type: ignore[arg-type]
    client.resolve_image_config("a", resolve_mode="remote")  # type: ignore[arg-type]
    gateway.new_container(ref, network="bridge")  # type: ignore[arg-type]
    gateway.new_container(ref, security="root")  # type: ignore[arg-type]
    image("a", compression="brotli")  # type: ignore[arg-type]
    registry_cache("a", mode="all")  # type: ignore[arg-type]
    Annotation("a", "b", kind="layer")  # type: ignore[arg-type]
    dockerfile_attrs(network="bridge")  # type: ignore[arg-type]


def wrong_types(state: State, client: Client) -> None:
    """Pass values of other types."""
    state.copy(".", "/app")  # type: ignore[arg-type]
    bind("src", "/app")  # type: ignore[arg-type]
    state.file("/out.txt")  # type: ignore[arg-type]
    state.run("true", mounts=cache("/x"))  # type: ignore[arg-type]
    state.run("true", mounts=["type=cache,target=/x"])  # type: ignore[list-item]
    state.run(None)  # type: ignore[arg-type]
    state.env("A", 1)  # type: ignore[arg-type]
    state.run("true", env={"A": 1})  # type: ignore[dict-item]
    state.run("true", name=1)  # type: ignore[arg-type]
    state.expose(80.0)  # type: ignore[arg-type]
    mkdir("/a", mode="755")  # type: ignore[arg-type]
    secret("a", optional="yes")  # type: ignore[arg-type]
    merge(state)  # type: ignore[arg-type]
    client.solve("FROM scratch")  # type: ignore[arg-type]
    client.solve(state, timeout="1m")  # type: ignore[arg-type]
    client.solve(state, local_dirs={"context": {"a": "b"}})  # type: ignore[dict-item]
    client.solve(state, exports=image("a"))  # type: ignore[arg-type]
    imagetools.create(5, tags="a")  # type: ignore[arg-type]
    imagetools.create("a", tags="b", platforms=[1])  # type: ignore[list-item]


def unknown_names(state: State) -> None:
    """Use keywords that no function has."""
    state.run("true", cwd="/")  # type: ignore[call-arg]
    state.copy(state, "/", chown="app")  # type: ignore[call-arg]
    Local("context", ignore=[])  # type: ignore[call-arg]
