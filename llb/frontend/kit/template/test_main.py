"""What the frontend makes of a file, in conversation with a fake daemon."""

from __future__ import annotations

from main import build

from llb.testing.gateway import run_frontend
from llb.testing.graphs import assert_runs

FILE = b"""\
# syntax=localhost:5000/apps
[images.app]
base = "alpine"
run = ["echo $VERSION"]
"""


def test_an_image_has_its_steps() -> None:
    done = run_frontend(build, {"cmdline": "apps"}, local={"dockerfile": {"app.toml": FILE}})
    assert_runs(done.definition, "echo $VERSION")


def test_an_image_without_a_base_is_shown_with_its_line() -> None:
    file = b"[images.app]\n"
    done = run_frontend(build, local={"dockerfile": {"app.toml": file}})
    assert str(done.error) == 'app.toml:1: the image has no base (hint: base = "busybox")'
