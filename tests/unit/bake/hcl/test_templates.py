"""Errors in templates; their values are compared with Go's in tests/conformance/bake."""

from __future__ import annotations

import pytest

from llb.bake.hcl.expressions import parse_whole
from llb.bake.hcl.places import BakeFile
from llb.bake.hcl.tokens import Scanner
from llb.errors import BakeFileError


def failure(text: str) -> str:
    with pytest.raises(BakeFileError) as caught:
        parse_whole(Scanner(BakeFile("x.hcl", text)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"abc', "1:1: the string has no closing quote"),
        ('"abc\n"', "1:1: the string has no closing quote on its line (use a heredoc"),
        (r'"\q"', r"1:2: invalid escape sequence '\q' (valid ones are \n, \r, \t,"),
        (r'"\u12"', r"1:2: invalid escape sequence: \u needs four hexadecimal digits"),
        ('"${a"', "1:5: '${' in a template is not"),
        ('"${a b}"', "1:6: '${' in a template is not closed: expected '}', but found 'b'"),
        ('"%{ iff a }"', "1:5: invalid directive 'iff' in a template (did you mean if?)"),
        ('"%{ if a }"', "1:2: 'if' has no 'endif' in this template"),
        ('"%{ endif }"', "1:2: 'endif' has no beginning in this template"),
        ('"%{ if a }%{ endfor }"', "1:11: 'endfor' is unexpected: 'if' at x.hcl:1:2 is not closed"),
        ("<<EOT\nabc\n", "1:1: the heredoc has no line 'EOT' at its end"),
    ],
)
def test_an_error_names_the_piece(text: str, message: str) -> None:
    assert failure(text).startswith(f"x.hcl:{message}")
