"""Arguments in their second spelling have the effect that they say, on a real daemon."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llb import Local, Scratch
from llb.client import Client, local

if TYPE_CHECKING:
    from pathlib import Path


def test_one_string_is_one_pattern(buildkit_host: str, tmp_path: Path) -> None:
    context, out = tmp_path / "context", tmp_path / "out"
    context.mkdir()
    for name in (".env", "a.txt", "b.md", "e"):
        (context / name).write_text(name)
    source = Local("context", exclude=".env")
    copies = Scratch().copy(source, "/all/").copy(source, PurePosixPath("/text"), include="*.txt")
    with Client(buildkit_host) as client:
        client.solve(
            copies,
            local_dirs={"context": context},
            exports=[local(out)],
            timeout=timedelta(minutes=5),
        )
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == ["all/a.txt", "all/b.md", "all/e", "text/a.txt"]
