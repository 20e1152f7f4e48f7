"""URLs are parsed as Go's ``net/url`` parses them."""

from __future__ import annotations

import pytest

from llb.gocompat.url import URL, parse_query, parse_url


def test_a_url_is_parsed_into_its_parts() -> None:
    assert parse_url("HTTPS://me:p%40@h.example:8/a%20b/c?q=1#f%21") == URL(
        scheme="https",
        host="h.example:8",
        path="/a b/c",
        query="q=1",
        fragment="f!",
        base="https://me:p%40@h.example:8/a%20b/c",
    )


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://h/[a]!b", "https://h/[a]!b"),
        ("https://h/é", "https://h/%C3%A9"),
        ("https://h/%2F'é!", "https://h//%27%C3%A9%21"),
        ("https://hé/", "https://h%C3%A9/"),
        ("https://h/a?", "https://h/a?"),
        ("https://h/a?#", "https://h/a?"),
        ("git://[fe80::1%25e%3A]:1/", "git://[fe80::1%25e:]:1/"),
        ("git:///r", "git:///r"),
        ("git://", "git:"),
        ("github.com/a b", "github.com/a%20b"),
    ],
)
def test_a_url_is_quoted_where_required(text: str, base: str) -> None:
    assert parse_url(text).base == base


@pytest.mark.parametrize(
    "text",
    [
        "https://h:x/",
        "https://a:b:1/",
        "https://h/%zz",
        "https://h%41/",
        "https://h^/",
        "https://a[::1]/",
        "https://[::1/",
        "https://[1.2.3.4]/",
        "https://[::1]x/",
        "https://u^@h/",
        "https://h/\x01",
        "https://h/#%",
    ],
)
def test_an_invalid_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(text)


def test_malformed_pairs_of_a_query_are_skipped() -> None:
    assert parse_query("a=1&b&a=%32+x&%zz=1&c=%&d;e=1&&=y") == {
        "a": ["1", "2 x"],
        "b": [""],
        "": ["y"],
    }
