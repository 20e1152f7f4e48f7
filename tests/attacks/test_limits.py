"""The limits of attacks are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.limits import MIB, limited

# Without it, the peak of earlier tests hides that of this one.
CAN_RESET = Path("/proc/self/clear_refs").exists()


@pytest.mark.skipif(not CAN_RESET, reason="the kernel cannot reset the peak of the memory")
@pytest.mark.parametrize("attempt", range(2))
def test_memory_above_the_limit_is_noticed(attempt: int) -> None:
    def use() -> None:
        with limited(memory=32 * MIB):
            assert len(b"x" * 128 * MIB) == 128 * MIB

    with pytest.raises(AssertionError, match="MiB of memory"):
        use()


def test_cpu_time_above_the_limit_is_noticed() -> None:
    def use() -> None:
        with limited(seconds=0.001):
            sum(range(1_000_000))

    with pytest.raises(AssertionError, match="s of CPU time"):
        use()


def test_work_within_the_limits_passes() -> None:
    with limited(seconds=10, memory=32 * MIB):
        assert len(b"x" * MIB) == MIB
