"""Parse the Git URLs of ADD and of build contexts.

The forms are those of the Dockerfile reference ("Adding files from a Git repository"):
``https://host/path.git``, ``ssh://``, ``git://`` and ``user@host:path``, followed by
``#ref:subdir`` or by a query with more options.
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
# The scp-like form of git, user@host:path.
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
    """A Git repository with its ref, subdirectory and options; empty values are defaults.

    ``url`` is the URL for git. ``is_bare`` is whether it is written as a path that begins with
    github.com, which only a build context treats as a repository.
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
    """Parse a Git URL; None if ``text`` is not one.

    Raises ValueError if it is a Git URL with an invalid query.
    """
    try:
        parsed = _parse_bare(text) if text.startswith(_BARE) else _parse_url(text)
    except ValueError:
        return None
    if parsed is None:
        return None
    git, query = parsed
    return _with_query(git, query) if query else git


_Query = dict[str, list[str]]


def _parse_bare(text: str) -> tuple[GitRef, _Query]:
    url = parse_url(text)
    git = evolve(_from_base(url.base), is_bare=True)
    return _with_fragment(git, url.fragment), parse_query(url.query)


def _parse_url(text: str) -> tuple[GitRef, _Query] | None:
    protocol = _PROTOCOL.match(text)
    if protocol is None:
        return None if text.startswith(("./", "../")) else _parse_scp(text)
    if protocol[1].lower() not in _PROTOCOLS:
        return None
    url = parse_url(text)
    if url.scheme in ("http", "https") and not url.path.endswith(".git"):
        return None
    return _with_fragment(_from_base(url.base), url.fragment), parse_query(url.query)


def _from_base(base: str) -> GitRef:
    """Build a GitRef from a URL; the default protocol is https."""
    url = parse_url(base if _PROTOCOL.match(base) else f"https://{base}")
    return GitRef(url.base, url.scheme, url.host, url.path)


def _parse_scp(text: str) -> tuple[GitRef, _Query] | None:
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
    values = {key: _single_value(key, occurrences) for key, occurrences in query.items()}
    for key, value in values.items():
        if key not in _KEYS:
            raise ValueError(f'unexpected query "{key}"')
        if key == "mtime" and value not in _MTIMES:
            raise ValueError(f'invalid mtime value: "{value}" (must be "checkout" or "commit")')
    switches = {key: _parse_bool(key, values[key]) for key in _SWITCHES if key in values}
    return evolve(
        git,
        ref=_merge_refs(git.ref, values),
        subdir=_merge("subdir", git.subdir, values.get("subdir", "")),
        checksum=values.get("commit", values.get("checksum", "")),
        keep_git_dir=switches.get("keep-git-dir"),
        submodules=switches.get("submodules"),
        mtime=values.get("mtime", ""),
        fetch_by_commit=switches.get("fetch-by-commit", False),
    )


def _single_value(key: str, values: list[str]) -> str:
    if len(values) > 1:
        raise ValueError(f'query "{key}" has multiple values')
    if not values[0] and key in _SWITCHES:
        return "true"
    if not values[0]:
        raise ValueError(f'query "{key}" has no value')
    return values[0]


def _parse_bool(key: str, value: str) -> bool:
    try:
        return parse_switch(value)
    except ValueError as error:
        raise ValueError(f'invalid {key} value: "{value}"') from error


def _merge_refs(fragment: str, values: Mapping[str, str]) -> str:
    """Merge the refs of fragment and query; the query may also specify a tag or a branch."""
    if "tag" in values and "branch" in values:
        raise ValueError("branch conflicts with tag")
    ref = _merge("ref", fragment, values.get("ref", ""))
    for key, prefix in (("tag", _TAGS), ("branch", _BRANCHES)):
        if key in values:
            ref = _merge("ref", ref, prefix + values[key].removeprefix(prefix))
    return ref


def _merge(key: str, first: str, second: str) -> str:
    if first and second and first != second:
        raise ValueError(f'{key} conflicts: "{first}" vs "{second}"')
    return first or second
