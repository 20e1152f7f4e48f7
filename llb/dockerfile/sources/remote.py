"""Remote sources of ADD and contexts: Git repositories and single URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from llb.buildkit_names import GIT_SCHEME
from llb.dockerfile_rules.copy import filename_of
from llb.errors import InvalidValueError
from llb.gocompat.fmt import quote
from llb.gocompat.path import join
from llb.gocompat.strconv import parse_switch
from llb.sources.image_and_local import source_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb import State
    from llb.dockerfile.sources.git_refs import GitRef
    from llb.state.step_options import StepOptions

_GIT_ADVICE = "BUILDKIT_GIT_ADVICE"


def web_file(url: str, checksum: str, **options: Unpack[StepOptions]) -> State:
    """Create the source of a URL; :func:`~llb.dockerfile_rules.copy.filename_of` names its file.

    ``checksum`` is the expected digest, or empty. Raises InvalidValueError if percent-encoded
    bytes of the URL are not UTF-8.
    """
    attrs = [("http.filename", _check_utf8(filename_of(url)))]
    caps = ["source.http"]
    if checksum:
        attrs.append(("http.checksum", checksum))
        caps.append("source.http.checksum")
    return source_state(url, attrs, caps, None, options)


def agreed_flags(
    git: GitRef, *, keep_git_dir: bool | None, checksum: str
) -> tuple[bool | None, str]:
    """Merge ``--keep-git-dir`` and ``--checksum`` with the query of a repository.

    Raises ValueError if they contradict each other.
    """
    if None not in (keep_git_dir, git.keep_git_dir) and keep_git_dir != git.keep_git_dir:
        raise ValueError("inconsistent keep-git-dir configuration")
    if checksum and git.checksum and checksum != git.checksum:
        raise ValueError(f'checksum mismatch "{checksum}" != "{git.checksum}"')
    keep = keep_git_dir if git.keep_git_dir is None else git.keep_git_dir
    return keep, git.checksum or checksum


def parse_git_advice(build_args: Mapping[str, str]) -> bool:
    """Read the build argument that makes git print its advice. Raises InvalidValueError."""
    value = build_args.get(_GIT_ADVICE, "")
    try:
        return bool(value) and parse_switch(value)
    except ValueError as error:
        raise InvalidValueError(
            f"failed to parse build-arg:{_GIT_ADVICE}: strconv.ParseBool: "
            f"parsing {quote(value)}: invalid syntax",
            hint="expected true or false",
        ) from error


def repository(
    git: GitRef,
    *,
    keep_git_dir: bool = False,
    checksum: str = "",
    mtime: str = "",
    advice: bool = False,
    **options: Unpack[StepOptions],
) -> State:
    """Create the source of a Git repository.

    The caller merges the first three options with those of ``git``, because flags may also set them.
    Unlike ``llb.Git``, this keeps URL, ref and subdirectory as they are written, as Docker does.
    """
    identifier = git.host + join("/", git.path)
    if git.ref or git.subdir:
        identifier += f"#{git.ref}" + f":{git.subdir}" * bool(git.subdir)
    is_ssh = git.scheme == "ssh"
    # Attribute, value, and the capability that a non-empty value requires, if any.
    rows = [
        ("git.fullurl", git.url, "source.git.fullurl"),
        ("git.keepgitdir", _flag(keep_git_dir), "source.git.keepgitdir"),
        ("git.checksum", checksum, "source.git.checksum"),
        ("git.skipsubmodules", _flag(git.submodules is False), "source.git.skipsubmodules"),
        ("git.mtime", mtime, "source.git.mtime"),
        ("git.advice", _flag(advice), ""),
        ("git.fetchbycommit", _flag(git.fetch_by_commit), "source.git.fetchbycommit"),
        ("git.mountsshsock", "default" if is_ssh else "", "source.git.mountsshsock"),
    ]
    used_rows = [(key, value, cap) for key, value, cap in rows if value]
    attrs = [(key, value) for key, value, _ in used_rows]
    attrs += [
        ("git.authtokensecret", "GIT_AUTH_TOKEN"),
        ("git.authheadersecret", "GIT_AUTH_HEADER"),
    ]
    caps = ["source.git", *(cap for _, _, cap in used_rows if cap)]
    caps += ["source.git.knownsshhosts"] if is_ssh else []
    return source_state(f"{GIT_SCHEME}{_check_utf8(identifier)}", attrs, caps, None, options)


def _check_utf8(value: str) -> str:
    """Check that the unescaped bytes of a string are UTF-8. Raises InvalidValueError."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError("string field contains invalid UTF-8") from error
    return value


def _flag(value: bool) -> str:  # noqa: FBT001 - it converts a boolean
    return "true" if value else ""
