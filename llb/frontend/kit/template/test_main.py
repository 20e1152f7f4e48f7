"""Test the frontend with a fake daemon."""

from __future__ import annotations

from main import build

from llb.testing import assert_runs, run_frontend

FILE = b"""\
# syntax=localhost:5000/apps
[images.app]
base = "alpine"
run = ["echo $VERSION"]
"""


def test_an_image_runs_its_commands() -> None:
    outcome = run_frontend(
        build, {"cmdline": "apps"}, local_dirs={"dockerfile": {"app.toml": FILE}}
    )
    assert_runs(outcome.definition, "echo $VERSION")


def test_an_image_without_a_base_is_an_error_at_its_line() -> None:
    file = b"[images.app]\n"
    outcome = run_frontend(build, local_dirs={"dockerfile": {"app.toml": file}})
    assert str(outcome.error) == 'app.toml:1: the image has no base (hint: base = "busybox")'
