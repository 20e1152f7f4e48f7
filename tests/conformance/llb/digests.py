"""Prints one digest of the bytes of many definitions, for a comparison of interpreters."""

from __future__ import annotations

import hashlib

from tests.conformance.llb import combinations, programs
from tests.conformance.llb.cases import cases

# Enough to have every kind of step and of option, and soon done.
EVERY = 6


def digest() -> str:
    """Return the digest of the definitions of the cases and of some programs."""
    bytes_ = hashlib.sha256()
    for state in cases().values():
        definition = state.marshal(
            platform="linux/amd64", local_unique_id="unique", source_map=False
        )
        bytes_.update(definition.to_bytes())
    for number, program in enumerate(combinations.programs().values()):
        if number % EVERY == 0:
            bytes_.update(programs.run(program).definition)
    return bytes_.hexdigest()


if __name__ == "__main__":
    print(digest())  # noqa: T201 - it is a command
