"""Each pair of Go and Python code in docs/migrate/go.md gives the same bytes."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Definition
from tests.conformance.llb import go

if TYPE_CHECKING:
    from llb import State

PAGE = (Path(__file__).parents[3] / "docs" / "migrate" / "go.md").read_text()
PAIRS = re.findall(r"```go\n(.*?)```\n\n```python\n(.*?)```", PAGE, re.DOTALL)
PROGRAM = """\
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	states := []llb.State{%s}
	all := [][]byte{}
	for _, state := range states {
		definition, err := state.Marshal(
			context.Background(),
			llb.Platform(ocispecs.Platform{OS: "linux", Architecture: "amd64"}),
			llb.LocalUniqueID("unique"),
		)
		if err != nil {
			panic(err)
		}
		data, err := definition.ToPB().Marshal()
		if err != nil {
			panic(err)
		}
		all = append(all, data)
	}
	json.NewEncoder(os.Stdout).Encode(all)
}
"""


def test_the_page_has_pairs() -> None:
    assert len(PAIRS) == 4


@pytest.mark.go
def test_the_code_in_both_languages_gives_the_same_operations(tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum"):
        shutil.copy(go.RECORDER / name, tmp_path)
    functions = ",".join(f"func() llb.State {{\n{code}\nreturn state\n}}()" for code, _ in PAIRS)
    (tmp_path / "main.go").write_text(PROGRAM % functions)
    theirs = json.loads(go.recorder(folder=tmp_path))
    for (_, code), data in zip(PAIRS, theirs, strict=True):
        scope: dict[str, State] = {}
        exec(code, scope)
        ours = scope["state"].marshal(platform="linux/amd64", local_unique_id="unique")
        assert ours.ops == Definition.from_bytes(base64.b64decode(data)).ops, code
