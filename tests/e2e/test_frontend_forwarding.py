"""Forwarding: a syntax line or build argument names another frontend, which gets the build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client import Client, local
from tests.e2e.test_frontend import expect_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A frontend whose result contains the options that it received.
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
def recording_frontend(push_frontend: Callable[[str], str]) -> str:
    """Push a frontend that records its options; the value is its name."""
    return push_frontend(OTHER)


def forwarded_options(address: str, folder: Path, frontend: str, **options: str) -> dict[str, str]:
    """Build; return the options that the other frontend received."""
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"target": "some", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[local(folder.parent / "out")],
        )
    options_received: dict[str, str] = json.loads((folder.parent / "out" / "asked").read_text())
    return options_received


@pytest.mark.feature("A5", "G7")
@pytest.mark.parametrize(
    ("dockerfile", "syntax", "words"),
    [
        ("# syntax=OTHER\nFROM scratch\n", None, ""),
        ("# escape=`\n# Syntax = OTHER some words\nFROM scratch\n", None, " some words"),
        ("#!/usr/bin/env x\n// syntax=OTHER\n", None, ""),
        ('{"syntax": "OTHER", "no": "Dockerfile"}', None, ""),
        ("# syntax=example.invalid/none\nFROM scratch\n", "OTHER more", " more"),
    ],
)
def test_a_build_is_forwarded_like_the_stock_frontend(
    dockerfile: str,
    syntax: str | None,
    words: str,
    recording_frontend: str,
    frontend: str,
    buildkit_host: str,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile.replace("OTHER", recording_frontend))
    options = (
        {"build-arg:BUILDKIT_SYNTAX": syntax.replace("OTHER", recording_frontend)} if syntax else {}
    )
    theirs = forwarded_options(buildkit_host, folder, "dockerfile.v0", **options)
    ours = forwarded_options(buildkit_host, folder, "gateway.v0", source=frontend, **options)
    assert theirs["cmdline"] == recording_frontend + words
    assert (ours.pop("source"), theirs.pop("source", recording_frontend)) == (
        recording_frontend,
        recording_frontend,
    )
    assert ours == theirs


@pytest.mark.feature("A5")
def test_a_missing_frontend_is_shown_with_its_line(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"# escape=`\n# syntax={frontend}/none:1\nFROM scratch\n")
    error = expect_failure(buildkit_host, folder, frontend)
    assert "/none:1: not found" in error.message
    assert error.span is not None
    assert error.span.line == 2
