"""The programs of docs/imagetools.md run, and print what the page shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from llb.client import imagetools
from llb.client.imagetools import RegistryClient
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import fake_registry

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "imagetools.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_programs_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_registry() as registry, RegistryClient(credentials={"*": None}) as client:
        fill(registry)
        for tag in ("amd64", "arm64"):
            imagetools.create(
                f"{registry.host}/{REPOSITORY}:{tag}",
                tags=f"{registry.host}/app:{tag}",
                prefer_index=False,
                client=client,
            )
        for block in BLOCKS:
            exec(block.replace("localhost:5000", registry.host), {})
    printed = capsys.readouterr().out.splitlines()
    expected = re.findall(r"print\(.*\)  # (.*)", "".join(BLOCKS))
    assert printed == expected
    assert len(expected) == 5
