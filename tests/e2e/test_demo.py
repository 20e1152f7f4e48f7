"""The results of `make demo`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.test_example import FILES, ROOT, read_image, read_tree

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl


def test_the_demo_writes_files_and_an_image(stack: dict[str, str], buildctl: Buildctl) -> None:
    assert buildctl.program.exists()
    process = subprocess.run(
        [ROOT / "dev" / "demo"],
        env=os.environ | stack,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "#9 copy /bin/busybox /bin/  (examples/01_hello.py:36)\n├── " in process.stdout
    assert set(read_tree(ROOT / "out" / "fs")) == FILES
    _, digest = read_image(Path(ROOT / "out" / "hello.oci.tar"))
    assert digest in process.stdout
