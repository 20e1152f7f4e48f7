"""Where ADD takes things from: URLs, repositories, and the names that files get."""

from __future__ import annotations

import pytest

from llb.dockerfile.sources.git_refs import GitRef, parse_git_ref
from llb.dockerfile.sources.remote import filename_of
from llb.gocompat.csv import split_csv
from llb.gocompat.url import URL, parse_query, parse_url


def test_a_url_is_read_in_its_parts() -> None:
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
def test_a_url_is_quoted_where_it_has_to_be(text: str, base: str) -> None:
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
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(text)


def test_pairs_of_a_query_that_cannot_be_read_are_left_out() -> None:
    assert parse_query("a=1&b&a=%32+x&%zz=1&c=%&d;e=1&&=y") == {
        "a": ["1", "2 x"],
        "b": [""],
        "": ["y"],
    }


def test_a_repository_is_read_with_all_that_its_query_says() -> None:
    query = "tag=v1&subdir=/a/&commit=abc1234&keep-git-dir&submodules=0&mtime=commit"
    assert parse_git_ref(f"https://h.example/o/r.git?{query}&fetch-by-commit=T") == GitRef(
        url="https://h.example/o/r.git",
        scheme="https",
        host="h.example",
        path="/o/r.git",
        ref="refs/tags/v1",
        subdir="/a/",
        checksum="abc1234",
        keep_git_dir=True,
        submodules=False,
        mtime="commit",
        fetch_by_commit=True,
    )


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        (
            "git@h.example:o/r#main:a/../b",
            GitRef("git@h.example:o/r", "ssh", "h.example", "o/r", ref="main", subdir="b"),
        ),
        (
            "github.com/o/r#v1",
            GitRef("https://github.com/o/r", "https", "github.com", "/o/r", "v1", is_bare=True),
        ),
        ("https://h.example/o/r", None),
        ("./git@h.example:o/r", None),
        ("ftp://h.example/r.git", None),
        ("git@h.example:r?%zz", None),
        ("dir/file", None),
    ],
)
def test_repositories_are_told_from_other_sources(text: str, ref: GitRef | None) -> None:
    assert parse_git_ref(text) == ref


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.example/a/b.txt?c/d#e/f", "b.txt"),
        ("https://h.example/a%2Fb/", "b"),
        ("https://h.example", "__unnamed__"),
        ("https://h.example/.", "__unnamed__"),
        ("https://h.example/%zz", "__unnamed__"),
    ],
)
def test_a_file_of_the_web_is_named_by_the_path(url: str, name: str) -> None:
    assert filename_of(url) == name


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a,b", ("a", "b")),
        ("a,", ("a", "")),
        (",", ("", "")),
        ('"a,b",c', ("a,b", "c")),
        ('"a""b"', ('a"b',)),
        ('"",""', ("", "")),
        ("a\r\n", ("a",)),
    ],
)
def test_a_line_of_csv_is_split(line: str, fields: tuple[str, ...]) -> None:
    assert split_csv(line) == fields


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "EOF"),
        ('é,a"b', 'parse error on line 1, column 5: bare " in non-quoted-field'),
        ('"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'),
        ('a,"b', 'parse error on line 1, column 4: extraneous or missing " in quoted-field'),
        ('"a""b', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'),
    ],
)
def test_a_line_that_is_no_csv_is_refused_in_the_words_of_go(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        split_csv(line)
    assert str(caught.value) == reason
