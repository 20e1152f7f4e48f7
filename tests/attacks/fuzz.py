"""Fuzz what parses the messages of peers: ``python -m tests.attacks.fuzz [TARGET…]``.

Every input is a valid one with some changes. Only the errors of this project that the callers expect
may come out, nothing outside of a destination may change, and no input may hang. An input depends on
the seed, the target and its number only: ``--first 1234 --inputs 1`` runs one of them again.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from attrs import field, mutable

from tests.attacks.fuzz_messages import Http2, Registry, StatusStream
from tests.attacks.fuzz_transfers import FileSync, TreeReceiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.attacks.target import Target

TARGETS: tuple[type[Target], ...] = (TreeReceiver, FileSync, Http2, StatusStream, Registry)
INPUTS = 200_000
# A run of so many inputs that takes this long hangs, on a machine however busy.
_GUARDED = 200
_HANG_SECONDS = 300
# pytest replaces sys.stderr by a file without a descriptor.
_STDERR = 2


class FaultError(Exception):
    """An input with an outcome that is not allowed; its cause is the exception."""


@mutable
class Tally:
    """The outcomes of the inputs of a target, and the CPU time in seconds."""

    name: str
    outcomes: Counter[str] = field(factory=Counter)
    seconds: float = 0.0

    def row(self) -> str:
        """Format a row of the table."""
        outcomes = ", ".join(f"{name} {count:,}" for name, count in self.outcomes.most_common())
        return f"| {self.name} | {self.outcomes.total():,} | {outcomes} | {self.seconds:.0f} |"


def fuzz(kind: type[Target], inputs: range, seed: int) -> Tally:
    """Run a target with inputs, by their numbers. Raises FaultError for the first that fails."""
    tally, target = Tally(kind.name), kind()
    start = time.process_time()
    try:
        for number in inputs:
            if number % _GUARDED == 0:
                faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True, file=_STDERR)
            generator = random.Random(f"{seed} {kind.name} {number}")
            try:
                tally.outcomes[target.run(generator)] += 1
            except Exception as error:
                raise FaultError(f"{kind.name}: input {number} of seed {seed}") from error
    finally:
        faulthandler.cancel_dump_traceback_later()
        target.close()
    tally.seconds = time.process_time() - start
    return tally


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz the named targets, and print the table of outcomes."""
    names = {kind.name: kind for kind in TARGETS}
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("target", nargs="*", help=f"{', '.join(names)}; all without one")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.target if name not in names]:
        parser.error(f"unknown target {unknown[0]}: expected {', '.join(names)}")
    inputs = range(options.first, options.first + options.inputs)
    print("| target | inputs | outcomes | CPU seconds |\n|---|---:|---|---:|")  # noqa: T201
    for name in options.target or names:
        print(fuzz(names[name], inputs, options.seed).row())  # noqa: T201
        sys.stdout.flush()


if __name__ == "__main__":
    main()
