"""Print one digest of the bytes of many definitions, to compare interpreters."""

from __future__ import annotations

import hashlib

from tests.conformance.llb import combinations, programs
from tests.conformance.llb.cases import cases

# Every sixth program: enough for every kind of step and option, but fast.
EVERY = 6


def digest() -> str:
    """Hash the definitions of the cases and of some programs."""
    hasher = hashlib.sha256()
    for state in cases().values():
        definition = state.marshal(
            platform="linux/amd64", local_unique_id="unique", source_map=False
        )
        hasher.update(definition.to_bytes())
    for number, program in enumerate(combinations.programs().values()):
        if number % EVERY == 0:
            hasher.update(programs.run(program).definition)
    return hasher.hexdigest()


if __name__ == "__main__":
    print(digest())  # noqa: T201 - it is a command
