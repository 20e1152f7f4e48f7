"""The page of the functions lists all of them, with their parameters."""

from __future__ import annotations

import re
from pathlib import Path

from llb.bake.evaluation.calls import SPECIAL_FORMS
from llb.bake.functions import FUNCTIONS

PAGE = Path(__file__).parents[3] / "docs" / "bake-functions.md"
ROW = re.compile(r"^\| `(.*)` \| (.*) \|$", re.MULTILINE)


def test_the_page_has_a_row_for_every_function() -> None:
    described = {function.signature: function.description for function in FUNCTIONS.values()}
    forms = [text.split(":")[0] for text in SPECIAL_FORMS.values()]
    rows = dict(ROW.findall(PAGE.read_text()))
    assert list(rows) == sorted([*described, *forms], key=lambda text: text.split("(")[0])
    assert {name: text.replace("`", "``") for name, text in rows.items() if name in described} == (
        described
    )
