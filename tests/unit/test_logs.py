"""The loggers of llb are silent until a program configures them."""

from __future__ import annotations

import logging
import subprocess
import sys

from llb._logs import logger


def test_a_module_has_the_logger_of_its_name() -> None:
    assert logger("llb.client.client") is logging.getLogger("llb.client.client")


def test_nothing_is_printed_by_default() -> None:
    code = "from llb._logs import logger; logger('llb.x').error('shown by nobody')"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (process.stdout, process.stderr) == (b"", b"")
