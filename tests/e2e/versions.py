"""What the tests expect of an older BuildKit, which ``PYLLB_BUILDKIT`` selects.

A test of a newer feature must fail: with an error that names the feature and the first version that
has it, or as its mark ``since`` says. All other tests must pass.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from components import binaries
from components.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

# The version of the stack's buildkitd, such as `v0.34.2`.
VERSION = binaries.version(Settings.from_environment(os.environ))
# Python prints the hint of an error in parentheses, and the command line on a line of its own.
_NEEDS = re.compile(
    r"does not support (?P<feature>[^\n]+?)(?: \((?:hint: )?|\n(?:[^\n]*\n)*?[^\n]*?hint: )"
    r"it needs BuildKit (?P<since>v[0-9.]+) or later"
)


def expect_failures(items: Iterable[pytest.Item]) -> None:
    """Expect the tests to fail whose mark ``since`` names a version newer than the daemon.

    ``since(version, feature)`` may have ``run=False``, because the older daemon would crash or hang,
    and ``case``, a part of the name of the only case that needs the feature.
    """
    for item in items:
        for mark in item.iter_markers("since"):
            version, feature = mark.args
            is_case = mark.kwargs.get("case", "") in item.name
            if is_case and _to_numbers(version) > _to_numbers(VERSION):
                reason = f"{feature} needs BuildKit {version}"
                run = mark.kwargs.get("run", True)
                item.add_marker(pytest.mark.xfail(reason=reason, run=run, strict=True))


def find_requirement(text: str) -> str | None:
    """Find the error in the output of a failed test that requires a newer BuildKit.

    >>> find_requirement("error: BuildKit v0.8.1 does not support merge (it needs BuildKit v99.0.0 or later)")
    'merge needs BuildKit v99.0.0'
    """
    match = _NEEDS.search(text)
    if match is None or _to_numbers(match["since"]) <= _to_numbers(VERSION):
        return None
    return f"{match['feature']} needs BuildKit {match['since']}"


def _to_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
