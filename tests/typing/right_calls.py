"""Calls that type checkers must accept, because they are valid."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llb import Image, Local, Network, bind, cache, copy, mkdir, tmpfs
from llb.client import imagetools
from llb.recipes import npm, pip

if TYPE_CHECKING:
    from llb import State
    from llb.buildfile.source import Source
    from llb.client import Client


def spellings(state: State, client: Client, source: Source) -> None:
    """Use the second spelling of an argument."""
    path = PurePosixPath("/a")
    Local("context", exclude=".env", include=["*.py"])
    state.workdir(path).mkdir(path).mkfile(path, "").symlink(path, path).rm(path).volume(path)
    state.copy(state, path, src=path, include="*.py")
    state.file(copy(state, path), mkdir(path))
    state.run("true", workdir=path, mounts=[bind(state, path), cache(path), tmpfs(path)])
    state.network("none").network(Network.HOST)
    state.healthcheck("true", interval=timedelta(seconds=1), timeout=1)
    state.pipe(pip.install, "requests", **source.at(3)).pipe(npm.ci, state, name="install")
    Image("a", resolve_mode="pull")
    client.solve(state, timeout=timedelta(minutes=1))
    client.ping(timeout=timedelta(seconds=1))
    list(client.prune(unused_for=timedelta(days=1)))
    client.history().export(PurePosixPath("/a").name, refs=("a", "b"))
    imagetools.create("a", tags="b", platforms=["linux/amd64"], annotations=("index:a=b",))
    imagetools.create(["a", imagetools.Descriptor("m", "d", 1)], dry_run=True)
