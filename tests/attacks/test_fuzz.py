"""A short run of the fuzzer, always with the same inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks.fuzz import TARGETS, FaultError, Tally, fuzz, main
from tests.attacks.limits import limited

if TYPE_CHECKING:
    from random import Random

    from tests.attacks.target import Target

INPUTS = {"receiver": 500, "filesync": 300, "http2": 2000, "status": 1500, "registry": 3000}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_has_an_unexpected_outcome(target: type[Target]) -> None:
    inputs = INPUTS[target.name]
    with limited(seconds=60):
        tally = fuzz(target, range(inputs), seed=1)
    assert tally.outcomes.total() == inputs
    # Inputs that are all refused at once, or all accepted, would find nothing.
    assert all(count < 0.95 * inputs for count in tally.outcomes.values())


class Broken:
    """A target with a fault."""

    name = "broken"

    def run(self, random: Random) -> str:
        raise KeyError(random.random())

    def close(self) -> None:
        """Do nothing."""


def test_an_unexpected_exception_is_reported_with_the_number_of_its_input() -> None:
    with pytest.raises(FaultError, match="broken: input 5 of seed 7") as caught:
        fuzz(Broken, range(5, 6), seed=7)
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_program_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--inputs", "3", "http2"])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| target | inputs | outcomes | CPU seconds |"
    assert row.startswith("| http2 | 3 | ")
    tally = Tally("a", seconds=1.4)
    tally.outcomes.update(["x", "x", "y"])
    assert tally.row() == "| a | 3 | x 2, y 1 | 1 |"
