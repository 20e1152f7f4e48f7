"""Docker load."""

from __future__ import annotations

import pytest

from llb.client.export.docker_load import DockerReceiver
from llb.errors import InputError


def test_docker_is_looked_for_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError) as caught:
        DockerReceiver()
    assert caught.value.hint == "write an archive with -o type=docker,dest=image.tar"
