"""What `make demo` shows is there afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.test_example import FILES, ROOT, image_of, tree

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl


def test_the_demo_leaves_files_and_an_image(stack: dict[str, str], buildctl: Buildctl) -> None:
    assert buildctl.program.exists()
    done = subprocess.run(
        [ROOT / "dev" / "demo"],
        env=os.environ | stack,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "#9 copy /bin/busybox /bin/  (examples/01_hello.py:36)\n├── " in done.stdout
    assert set(tree(ROOT / "out" / "fs")) == FILES
    _, digest = image_of(Path(ROOT / "out" / "hello.oci.tar"))
    assert digest in done.stdout
