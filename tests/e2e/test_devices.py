"""``RUN --device`` in the images of this frontend and of the stock one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client import Client, local

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = """\
FROM busybox AS run
RUN --device=vendor.example/class=none,required=false echo ran > /x
FROM scratch
COPY --from=run /x /
"""


@pytest.mark.feature("D11")
def test_a_step_runs_without_a_device_that_is_not_required(
    frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend},
            local_dirs={"context": tmp_path, "dockerfile": tmp_path},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "x").read_text() == "ran\n"
