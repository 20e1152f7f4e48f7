"""``--list``: tables with tabs as of Go, JSON, and errors."""

from __future__ import annotations

import pytest

from llb import bake
from llb.bake.definitions.listing import Listing
from llb.errors import InvalidValueError

TEXT = """
variable "LONG_NAME_OF_VARIABLE" {
  type = list(string)
  default = ["a", "b"]
  description = "names"
}
variable "N" { default = 1 }
variable "NOTHING" { type = string }
group "default" { targets = ["b", "a"] }
group "described" {
  description = "two"
  targets = ["a", "b"]
}
target "a" { description = "first" }
target "b" {}
target "_private" {}
"""


def listed(text: str) -> str:
    plan = bake.load(bake.BakeFile("docker-bake.hcl", TEXT), environ={})
    return Listing.parse(text).show(plan)


def test_targets_are_a_table() -> None:
    assert listed("targets") == (
        "TARGET\t\tDESCRIPTION\na\t\tfirst\nb\t\t\ndefault\t\ta, b\ndescribed\ttwo (a, b)\n"
    )


def test_variables_are_a_table() -> None:
    assert listed("type=variables") == (
        "VARIABLE\t\tTYPE\t\tVALUE\t\tDESCRIPTION\n"
        'LONG_NAME_OF_VARIABLE\tlist of string\t["a","b"]\tnames\n'
        "N\t\t\t\t\t1\t\t\n"
        "NOTHING\t\t\tstring\t\t<null>\t\t\n"
    )


def test_json_leaves_out_what_is_empty() -> None:
    assert '{\n    "name": "b"\n  }' in listed("type=targets,format=json")
    assert '"group": true' in listed("type=targets,format=json")
    assert '"value": "1"' in listed("type=variables,format=json")


@pytest.mark.parametrize("text", ["target", "type=targets,format=yaml", "type=targets,x=y", 'a"b'])
def test_another_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid list"):
        Listing.parse(text)
