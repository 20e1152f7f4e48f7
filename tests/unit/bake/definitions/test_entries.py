"""Lines of CSV as entries, back to lines, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb.bake.definitions.entries import (
    CacheEntry,
    parse_attestation,
    parse_caches,
    parse_output,
    parse_policy,
    parse_secret,
    parse_ssh,
)
from llb.bake.values.problems import Unsuitable

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("parse", "text", "line"),
    [
        (parse_attestation, "type=provenance,mode=max", "type=provenance,mode=max"),
        (parse_attestation, "type=sbom,disabled=1", "type=sbom,disabled=true"),
        (parse_output, "out/dir", "type=local,dest=out/dir"),
        (parse_output, "-", "type=tar,dest=-"),
        (parse_output, 'type=image,"name=a,b"', 'type=image,"name=a,b"'),
        (parse_secret, "id=a,type=env,src=B", "id=a,env=B"),
        (parse_ssh, "key=a,b", "key=a,b"),
        (parse_ssh, "default", "default"),
        (parse_policy, "filename=p.rego,strict=t", "filename=p.rego,strict=true"),
    ],
)
def test_a_line_is_parsed_and_printed(parse: Callable[[str], Any], text: str, line: str) -> None:
    assert str(parse(text)) == line


def test_references_alone_are_caches_in_registries() -> None:
    assert parse_caches("a,b") == [
        CacheEntry("registry", {"ref": "a"}),
        CacheEntry("registry", {"ref": "b"}),
    ]
    assert str(parse_caches("a")[0]) == "a"


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_attestation, "mode=max", "attestation type not specified"),
        (parse_attestation, "x", "invalid value x"),
        (parse_caches, "ref=a", 'type required for "ref=a"'),
        (parse_output, "dest=a,x=y", "type is required for output"),
        (parse_secret, "id=a,typ=b", "unexpected key 'typ' in 'typ=b'"),
        (parse_secret, "id=a,type=x", 'unsupported secret type "x"'),
        (parse_policy, "log-level=loud", "invalid value log-level=loud"),
        (parse_policy, "x=y", "invalid value x=y"),
        (parse_output, 'type=a"b', "parse error on line 1"),
    ],
)
def test_an_invalid_line_says_why(parse: Callable[[str], Any], text: str, message: str) -> None:
    with pytest.raises(Unsuitable) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
