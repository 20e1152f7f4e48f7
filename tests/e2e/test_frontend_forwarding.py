"""A file, or a build argument, that names another frontend: the image hands the build to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client import Client, local
from tests.e2e.test_frontend import failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# It writes down all that it is asked for.
OTHER = """\
import json
import sys
from llb import Scratch
from llb.gateway import Result, serve

def build(request, gateway):
    asked = json.dumps(dict(request.options), sort_keys=True)
    return Result(gateway.solve(Scratch().mkfile("/asked", asked).marshal()))

sys.exit(serve(build))
"""


@pytest.fixture
def other(serving: Callable[[str], str]) -> str:
    """Push a frontend that is no one's; return its name."""
    return serving(OTHER)


def asked(address: str, folder: Path, frontend: str, **options: str) -> dict[str, str]:
    """Build, and return what the other frontend was asked for."""
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"target": "some", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(folder.parent / "out")],
        )
    found: dict[str, str] = json.loads((folder.parent / "out" / "asked").read_text())
    return found


@pytest.mark.feature("A5", "G7")
@pytest.mark.parametrize(
    ("text", "syntax", "words"),
    [
        ("# syntax=OTHER\nFROM scratch\n", None, ""),
        ("# escape=`\n# Syntax = OTHER some words\nFROM scratch\n", None, " some words"),
        ("#!/usr/bin/env x\n// syntax=OTHER\n", None, ""),
        ('{"syntax": "OTHER", "no": "Dockerfile"}', None, ""),
        ("# syntax=example.invalid/none\nFROM scratch\n", "OTHER more", " more"),
    ],
)
def test_a_build_is_forwarded_as_by_the_stock_frontend(
    text: str,
    syntax: str | None,
    words: str,
    other: str,
    frontend: str,
    buildkit_host: str,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(text.replace("OTHER", other))
    given = {"build-arg:BUILDKIT_SYNTAX": syntax.replace("OTHER", other)} if syntax else {}
    theirs = asked(buildkit_host, folder, "dockerfile.v0", **given)
    ours = asked(buildkit_host, folder, "gateway.v0", source=frontend, **given)
    assert theirs["cmdline"] == other + words
    assert (ours.pop("source"), theirs.pop("source", other)) == (other, other)
    assert ours == theirs


@pytest.mark.feature("A5")
def test_a_frontend_that_is_not_there_is_shown_with_its_line(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"# escape=`\n# syntax={frontend}/none:1\nFROM scratch\n")
    error = failure(buildkit_host, folder, frontend)
    assert "/none:1: not found" in error.message
    assert error.span is not None
    assert error.span.line == 2
