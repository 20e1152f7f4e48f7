"""Tests of features that older daemons lack.

``@pytest.mark.since("v0.13", "several exporters")`` marks a test that needs BuildKit v0.13. With an
older daemon (``PYLLB_BUILDKIT``) it must fail with an error that names the feature and the version.
``@pytest.mark.since("v0.34")``, without a feature, marks a test of what the daemon itself does; with
an older daemon it must fail.
"""

from __future__ import annotations

import functools
import json
import subprocess
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

STACK = Path(__file__).parents[2] / "dev" / "stack"
MARKER = "since"
# The property of a test's report that says what an older daemon lacks.
TOO_OLD = "too old"


@functools.cache
def stack_variables() -> dict[str, str]:
    """Read the variables that `dev/stack env` prints; fails without a running stack."""
    process = subprocess.run([STACK, "env", "--json"], check=False, capture_output=True, text=True)
    if process.returncode:
        pytest.fail(
            f"these tests run against real daemons: {process.stderr.strip()}", pytrace=False
        )
    variables: dict[str, str] = json.loads(process.stdout)
    return variables


def expect_failure_if_too_old(item: pytest.Function) -> Generator[None, object, object]:
    """Run a test; with a daemon that is too old for it, require its failure.

    Use it as a wrapper of the hook ``pytest_pyfunc_call``.
    """
    marker = item.get_closest_marker(MARKER)
    if marker is None or not _is_too_old(marker.args[0]):
        return (yield)
    version, *feature = marker.args
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        text = "".join(traceback.format_exception(error))
        unnamed = [word for word in (*feature, version) if feature and word not in text]
        if unnamed:
            error.add_note(f"the error does not name {' and '.join(unnamed)}")
            raise
        item.user_properties.append((TOO_OLD, " ".join((version, *feature))))
        return True
    pytest.fail(f"passed with a daemon before {version}", pytrace=False)


def _is_too_old(version: str) -> bool:
    daemon = stack_variables().get("PYLLB_BUILDKIT_VERSION")
    return daemon is not None and _numbers(daemon) < _numbers(version)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").split(".")]
