"""Programs with the definitions that Go made of them, which are replayed without Go.

``programs/*.json`` are programs that are kept because they showed a difference once, or
could. ``python -m tests.conformance.llb.recorded`` asks Go anew for all that is recorded;
with a name it keeps the program that it reads.
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
    """Return the programs that were kept, by name, and what Go made of each."""
    found = {}
    for path in sorted(PROGRAMS.glob("*.json")):
        case = json.loads(path.read_text())
        found[path.stem] = case["program"], from_json(case["go"])
    return found


def of_combinations() -> dict[str, Answer]:
    """Return what Go made of the programs of :mod:`tests.conformance.llb.combinations`."""
    answers = json.loads(COMBINATIONS.read_text())
    return {name: from_json(answer) for name, answer in answers.items()}


def keep(program: Program, process: go.Go, name: str | None = None) -> str:
    """Write a program down with what Go makes of it now, and return its name."""
    text = json.dumps(program, sort_keys=True)
    name = name or hashlib.sha256(text.encode()).hexdigest()[:12]
    answer = to_json(process.run(program))
    case = json.dumps({"program": program, "go": answer}, indent=1)
    (PROGRAMS / f"{name}.json").write_text(case + "\n")
    return name


def to_json(answer: Answer) -> dict[str, Any]:
    """Return an answer of Go as JSON, its definition compressed."""
    packed = base64.b64encode(zlib.compress(answer.definition, 9)).decode()
    return {**asdict(answer), "definition": packed}


def from_json(answer: dict[str, Any]) -> Answer:
    """Return the answer that :func:`to_json` wrote."""
    definition = zlib.decompress(base64.b64decode(answer["definition"]))
    return Answer(**{**answer, "definition": definition})


def main() -> None:
    """Record everything anew, or keep one program."""
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
