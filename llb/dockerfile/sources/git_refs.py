"""Repositories as ADD and build contexts name them.

The forms are those of the Dockerfile reference ("Adding files from a Git repository"):
``https://host/path.git``, ``ssh://``, ``git://`` and ``user@host:path``, followed by
``#ref:subdir`` or by a query that says the same and more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.gocompat.path import join
from llb.gocompat.strconv import parse_switch
from llb.gocompat.url import is_query, parse_query, parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROTOCOL = re.compile(r"([a-zA-Z0-9]+)://")
_PROTOCOLS = ("http", "https", "ssh", "git")
# What git takes for user@host:path.
_SCP = re.compile(r"([a-zA-Z0-9\-_]+)@([a-zA-Z0-9\-.]+):")
_BARE = "github.com/"
_SWITCHES = ("submodules", "keep-git-dir", "fetch-by-commit")
_KEYS = (
    "ref",
    "tag",
    "branch",
    "subdir",
    "checksum",
    "commit",
    "keep-git-dir",
    "submodules",
    "mtime",
    "fetch-by-commit",
)
_MTIMES = ("checkout", "commit")
_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


@frozen
class GitRef:
    """A repository and what is taken of it; an empty value is one that is not said.

    ``url`` is what git takes. ``is_bare`` is whether it is a path that begins with
    github.com, which just the context of a build takes for a repository.
    """

    url: str
    scheme: str
    host: str
    path: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool | None = None
    mtime: str = ""
    fetch_by_commit: bool = False
    is_bare: bool = False


def parse_git_ref(text: str) -> GitRef | None:
    """Return the repository that ``text`` names, or None where it names something else.

    Raises ValueError where it is a repository and its query says nothing that is known.
    """
    try:
        found = _bare(text) if text.startswith(_BARE) else _url(text)
    except ValueError:
        return None
    if found is None:
        return None
    git, query = found
    return _with_query(git, query) if query else git


_Query = dict[str, list[str]]


def _bare(text: str) -> tuple[GitRef, _Query]:
    url = parse_url(text)
    git = evolve(_located(url.base), is_bare=True)
    return _with_fragment(git, url.fragment), parse_query(url.query)


def _url(text: str) -> tuple[GitRef, _Query] | None:
    protocol = _PROTOCOL.match(text)
    if protocol is None:
        return None if text.startswith(("./", "../")) else _scp(text)
    if protocol[1].lower() not in _PROTOCOLS:
        return None
    url = parse_url(text)
    if url.scheme in ("http", "https") and not url.path.endswith(".git"):
        return None
    return _with_fragment(_located(url.base), url.fragment), parse_query(url.query)


def _located(base: str) -> GitRef:
    """Return a repository by its URL; without a protocol it is asked for by https."""
    url = parse_url(base if _PROTOCOL.match(base) else f"https://{base}")
    return GitRef(url.base, url.scheme, url.host, url.path)


def _scp(text: str) -> tuple[GitRef, _Query] | None:
    match = _SCP.match(text)
    if match is None or "\n" in text:
        return None
    before, _, fragment = text[match.end() :].partition("#")
    path, _, query = before.partition("?")
    if not is_query(query):
        return None
    git = GitRef(f"{match[0]}{path}", "ssh", match[2], path)
    return _with_fragment(git, fragment), parse_query(query)


def _with_fragment(git: GitRef, fragment: str) -> GitRef:
    ref, _, subdir = fragment.partition(":")
    return evolve(git, ref=ref, subdir=join("/", subdir)[1:] if fragment else "")


def _with_query(git: GitRef, query: Mapping[str, list[str]]) -> GitRef:
    values = {key: _value(key, given) for key, given in query.items()}
    for key, value in values.items():
        if key not in _KEYS:
            raise ValueError(f'unexpected query "{key}"')
        if key == "mtime" and value not in _MTIMES:
            raise ValueError(f'invalid mtime value: "{value}" (must be "checkout" or "commit")')
    switches = {key: _switch(key, values[key]) for key in _SWITCHES if key in values}
    return evolve(
        git,
        ref=_ref(git.ref, values),
        subdir=_agreed("subdir", git.subdir, values.get("subdir", "")),
        checksum=values.get("commit", values.get("checksum", "")),
        keep_git_dir=switches.get("keep-git-dir"),
        submodules=switches.get("submodules"),
        mtime=values.get("mtime", ""),
        fetch_by_commit=switches.get("fetch-by-commit", False),
    )


def _value(key: str, given: list[str]) -> str:
    if len(given) > 1:
        raise ValueError(f'query "{key}" has multiple values')
    if not given[0] and key in _SWITCHES:
        return "true"
    if not given[0]:
        raise ValueError(f'query "{key}" has no value')
    return given[0]


def _switch(key: str, value: str) -> bool:
    try:
        return parse_switch(value)
    except ValueError as error:
        raise ValueError(f'invalid {key} value: "{value}"') from error


def _ref(fragment: str, values: Mapping[str, str]) -> str:
    """Return the ref of fragment and query, which may be told as a tag or a branch as well."""
    if "tag" in values and "branch" in values:
        raise ValueError("branch conflicts with tag")
    ref = _agreed("ref", fragment, values.get("ref", ""))
    for key, prefix in (("tag", _TAGS), ("branch", _BRANCHES)):
        if key in values:
            ref = _agreed("ref", ref, prefix + values[key].removeprefix(prefix))
    return ref


def _agreed(key: str, first: str, second: str) -> str:
    if first and second and first != second:
        raise ValueError(f'{key} conflicts: "{first}" vs "{second}"')
    return first or second
