"""Templates print what Go's text/template prints."""

from __future__ import annotations

from typing import Any

import pytest

from llb.errors import InvalidValueError
from llb.gocompat.template.template import Template
from llb.gocompat.template.values import Struct, Time, TypedMap

DATA: dict[str, Any] = {
    "name": "app",
    "empty": "",
    "list": ["a", "b", "c"],
    "map": {"x": 1.0, "a": True, "n": None},
    "none": None,
    "deep": {"er": {"est": "yes"}},
}


def render(text: str, data: Any = DATA) -> str:
    return Template.parse(text, {"json": lambda value: f"<{value}>"}).render(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain }} text", "plain }} text"),
        ("{{.name}}", "app"),
        ("{{ .deep.er.est }}", "yes"),
        ("{{.missing}} {{.missing.more}} {{.none}}", "<no value> <no value> <no value>"),
        ("{{.list}} {{.map}}", "[a b c] map[a:true n:<nil> x:1]"),
        ("a {{- /* no */ -}} b", "ab"),
        ("a {{/* no */}} b", "a  b"),
        ("a\n{{- .name -}}\n b", "aappb"),
        ("{{if .name}}yes{{else}}no{{end}}", "yes"),
        ("{{if .empty}}1{{else if .list}}2{{else}}3{{end}}", "2"),
        ("{{if not .none}}not{{end}}", "not"),
        ("{{range .list}}{{.}},{{else}}none{{end}}", "a,b,c,"),
        ("{{range $i, $v := .list}}{{$i}}={{$v}} {{end}}", "0=a 1=b 2=c "),
        ("{{range $k, $v := .map}}{{$k}} {{end}}", "a n x "),
        ("{{range .list}}{{if eq . `b`}}{{break}}{{end}}{{.}}{{end}}", "a"),
        ("{{range .list}}{{if eq . `b`}}{{continue}}{{end}}{{.}}{{end}}", "ac"),
        ("{{range .none}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{with .deep}}{{.er.est}}{{$.name}}{{end}}", "yesapp"),
        ("{{with .none}}x{{else}}none{{end}}", "none"),
        ("{{$x := .name}}{{$x}}", "app"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ('{{index .list 1}} {{index .map "x"}} {{index .deep "er" "est"}}', "b 1 yes"),
        ("{{len .list}} {{.name | len}}", "3 3"),
        ('{{printf "%s-%d-%v-%q%%" .name 3 true .name}}', 'app-3-true-"app"%'),
        ('{{print .name 1 2 "x"}}{{println 1 "y"}}', "app1 2x1 y\n"),
        ("{{json .name}}", "<app>"),
        ("{{.name | json}}", "<app>"),
        ("{{(index .deep `er`).est}}", "yes"),
        ("{{and .name .empty}}|{{or .empty .name}}", "|app"),
        ("{{eq .name `x` `app`}} {{ne 1 2}} {{lt 1 2}}", "true true true"),
        ("{{ge 1 2}} {{le `a` `a`}} {{gt 2 1}}", "false true true"),
        ("{{0x10}} {{-3}} {{1.5}} {{true}}", "16 -3 1.5 true"),
        (r'{{"a\tb\""}}', 'a\tb"'),
    ],
)
def test_a_template_prints(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{", "an action is not closed"),
        ("{{}}", "an action is empty"),
        ("{{.name", "an action is not closed"),
        ("{{if .name}}", "if has no end"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{else}}", "unexpected {{else}}"),
        ("{{jsn .}}", "there is no function jsn (did you mean json?)"),
        ("{{$x}}", "undefined variable $x"),
        ("{{if $y := 1}}{{end}}{{$y}}", "undefined variable $y"),
        ("{{define `x`}}{{end}}", "define is not supported"),
        ("{{template `x`}}", "template is not supported"),
        ("{{break}}", "break outside of range"),
        ("{{(len .list}}", "a parenthesis is not closed"),
        ("{{.name .empty}}", "a value that is no function has arguments"),
        ("{{len}}", "wrong number of arguments of len"),
        ("{{len 1}}", "len: expected a string, a map or a list"),
        ("{{index .list 5}}", "index: 5 is out of range"),
        ("{{.name.x}}", "a value without fields has no x"),
        ("{{.none.x}}", "there is no value with the field x"),
        ("{{eq 1 `x`}}", "eq: values of different types cannot be compared"),
        ("{{1 2}}", "a literal has no arguments"),
        ("{{.name | 1}}", "a literal cannot receive the value of a pipeline"),
        ('{{"\\z"}}', 'invalid string "\\z"'),
        ("{{#}}", "unexpected '#'"),
        ("line\n{{#}}", "in line 2: unexpected '#'"),
        ("{{" + "(" * 200 + "}}", "it is nested too deeply"),
    ],
)
def test_an_invalid_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        render(text)
    assert reason in str(caught.value)


def test_a_struct_has_the_fields_of_go() -> None:
    data = Struct({"Name": "app", "Lazy": lambda: [1]}, json={})
    assert render("{{.Name}}{{.Lazy}}", data) == "app[1]"
    with pytest.raises(InvalidValueError, match="there is no field Nme") as caught:
        render("{{.Nme}}", data)
    assert caught.value.hint == "did you mean Name?"
    with pytest.raises(InvalidValueError, match="cannot print an object"):
        render("{{.}}", data)


def test_a_typed_map_has_a_value_for_a_missing_key() -> None:
    data = TypedMap({"a": "1"}, zero="0")
    assert render('{{.a}}{{.b}}{{index . "c"}}', data) == "100"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-11-30T17:42:26.41Z", "2022-11-30 17:42:26.41 +0000 UTC"),
        ("2022-11-30T17:42:26+02:00", "2022-11-30 17:42:26 +0200 +0200"),
    ],
)
def test_a_time_is_printed_as_in_go(text: str, expected: str) -> None:
    assert render("{{.}}", Time(text)) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{.Manifest}}", "Manifest"),
        (" {{- .Manifest }}\n", "Manifest"),
        ("{{/* c */}}{{.Manifest}}", "Manifest"),
        ("{{.Manifest.Digest}}", None),
        ("{{.Manifest}}x", None),
        ("{{.Manifest}}{{.Manifest}}", None),
        ("{{json .Manifest}}", None),
        ("{{$x := .Manifest}}", None),
        ("", None),
    ],
)
def test_a_template_that_only_prints_a_field_is_recognized(text: str, name: str | None) -> None:
    assert Template.parse(text, {"json": str}).only_field == name
