"""Programs with the definitions that Go created, to replay without Go.

``programs/*.json`` are programs that once revealed a difference, or could.
``python -m tests.conformance.llb.recorded`` records all of them again; with a name, it stores the
program from standard input under that name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict

from tests.conformance.llb import combinations, go
from tests.conformance.llb.programs import Answer

if TYPE_CHECKING:
    from tests.conformance.llb.programs import Program

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
COMBINATIONS = HERE / "combinations.json"


def kept() -> dict[str, tuple[Program, Answer]]:
    """Load the stored programs by name, with Go's answer to each."""
    cases = {}
    for path in sorted(PROGRAMS.glob("*.json")):
        case = json.loads(path.read_text())
        cases[path.stem] = case["program"], from_json(case["go"])
    return cases


def of_combinations() -> dict[str, Answer]:
    """Load Go's answers to the programs of :mod:`tests.conformance.llb.combinations`."""
    answers = json.loads(COMBINATIONS.read_text())
    return {name: from_json(answer) for name, answer in answers.items()}


def keep(program: Program, process: go.Go, name: str | None = None) -> str:
    """Store a program with Go's current answer, and return its name."""
    encoded = json.dumps(program, sort_keys=True)
    name = name or hashlib.sha256(encoded.encode()).hexdigest()[:12]
    answer = to_json(process.run(program))
    case = json.dumps({"program": program, "go": answer}, indent=1)
    (PROGRAMS / f"{name}.json").write_text(case + "\n")
    return name


def to_json(answer: Answer) -> dict[str, Any]:
    """Convert an answer to JSON, with a compressed definition."""
    packed = base64.b64encode(zlib.compress(answer.definition, 9)).decode()
    return {**asdict(answer), "definition": packed}


def from_json(answer: dict[str, Any]) -> Answer:
    """Parse an answer from :func:`to_json`."""
    definition = zlib.decompress(base64.b64decode(answer["definition"]))
    return Answer(**{**answer, "definition": definition})


def main() -> None:
    """Record everything again, or store one program."""
    with go.running() as process:
        if len(sys.argv) > 1:
            keep(json.load(sys.stdin), process, sys.argv[1])
            return
        for path in PROGRAMS.glob("*.json"):
            keep(json.loads(path.read_text())["program"], process, path.stem)
        answers = {
            name: to_json(process.run(program)) for name, program in combinations.programs().items()
        }
    COMBINATIONS.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
