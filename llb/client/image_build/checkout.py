"""The git checkout of a build context: its commit and repository, for provenance and labels.

The names of attributes, variables and labels are those of buildx.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from llb._lazy import lazy_imports
from llb.child_processes import environment, locate
from llb.client.key_values import environment_flag
from llb.errors import ConfigurationWarning
from llb.local_files import paths

with lazy_imports(__name__):
    import subprocess  # 1 ms
    from urllib import parse  # 3 ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INFO, _LABELS, _CHECK_DIRTY = "BUILDX_GIT_INFO", "BUILDX_GIT_LABELS", "BUILDX_GIT_CHECK_DIRTY"
# Of BUILDX_GIT_LABELS, for more labels in older versions of buildx.
_FULL = "full"
_REVISION_LABEL = "label:org.opencontainers.image.revision"
_SOURCE_LABEL = "label:org.opencontainers.image.source"
_FILE_LABEL = "label:com.docker.image.source.entrypoint"
_SECONDS = 30.0
_HIDDEN = "xxxxx"


def git_attrs(
    context: str, file: Path | None, directories: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """Describe the checkout that a context directory is in, as attributes of a frontend.

    They are ``vcs:source``, ``vcs:revision``, and the places of ``directories`` in the checkout;
    with BUILDX_GIT_LABELS also labels, one for the Dockerfile ``file``. Empty for a directory that
    is in no checkout. Warns (ConfigurationWarning) if git cannot read the checkout, and goes on.
    """
    has_info = environment_flag(environ, _INFO, default=True)
    has_labels = environment_flag(
        environ, _LABELS, default=environ.get(_LABELS, "").lower() == _FULL
    )
    if not has_info and not has_labels:
        return {}
    try:
        checkout = _find_checkout(Path(context))
        if checkout is None:
            return {}
        is_checked = environment_flag(environ, _CHECK_DIRTY, default=False)
        revision, source = checkout.revision(check_dirty=is_checked), checkout.source()
    except _GitError as error:
        message = f"the build does not name the commit of its context: {error}"
        warnings.warn(ConfigurationWarning(message), stacklevel=2)
        return {}
    attrs = {}
    if has_info:
        attrs = {"vcs:revision": revision, "vcs:source": source}
        attrs |= dict(_places(checkout.root, directories))
    if has_labels:
        attrs |= {_REVISION_LABEL: revision, _SOURCE_LABEL: source}
        attrs[_FILE_LABEL] = "" if file is None else _place(checkout.root, file)
    return {key: value for key, value in attrs.items() if value}


class _GitError(Exception):
    """Git failed, with its message."""


@frozen
class _Checkout:
    """The working tree of a git repository."""

    git: str
    root: Path

    def revision(self, *, check_dirty: bool) -> str:
        """Determine the commit, empty without one; ``-dirty`` marks a changed tree."""
        commit = self._ask("rev-parse", "--verify", "--quiet", "HEAD")
        if commit and check_dirty and self._is_dirty():
            commit += "-dirty"
        return commit

    def source(self) -> str:
        """Determine the URL of the branch's remote, of origin or of upstream, or an empty one."""
        branch = self._ask("symbolic-ref", "--quiet", "HEAD")
        tracked = self._ask("for-each-ref", "--format=%(upstream:remotename)", branch or "HEAD")
        for remote in filter(None, (tracked, "origin", "upstream")):
            if url := self._ask("remote", "get-url", remote):
                return _without_credentials(url)
        return ""

    def _is_dirty(self) -> bool:
        # The configuration of a repository may name a program for this.
        safe = ("-c", "core.fsmonitor=false", "--no-optional-locks")
        status, output, _ = _run(self.git, self.root, *safe, "status", "--porcelain", "--ignored")
        return bool(status or output)

    def _ask(self, *arguments: str) -> str:
        """Run git and return the first line of its output, empty if it fails."""
        status, output, _ = _run(self.git, self.root, *arguments)
        return "" if status else output.partition("\n")[0]


def _find_checkout(folder: Path) -> _Checkout | None:
    is_root = paths.is_dir(folder / ".git")
    git = locate("git")
    if git is None:
        if is_root:
            raise _GitError("git is not on PATH")
        return None
    status, output, message = _run(git, folder, "rev-parse", "--show-toplevel")
    root = output.partition("\n")[0]
    if status or not root:
        if is_root:
            raise _GitError(message.partition("\n")[0])
        return None
    return _Checkout(git, Path(root))


def _run(git: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run git in a folder; return its exit status, its output and its message."""
    try:
        process = subprocess.run(
            [git, *arguments],
            cwd=folder,
            env=environment({"LC_ALL": "C"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitError(str(error)) from error
    output, message = (os.fsdecode(text).strip() for text in (process.stdout, process.stderr))
    return process.returncode, output, message


def _places(root: Path, directories: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, folder in directories.items():
        if place := _place(root, Path(folder)):
            yield f"vcs:localdir:{name}", place


def _place(root: Path, path: Path) -> str:
    """Express a path relative to the root of the checkout, empty if it is outside."""
    resolved, root = paths.resolve(path), paths.resolve(root)
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else ""


def _without_credentials(url: str) -> str:
    """Hide the user and the password of a URL.

    >>> _without_credentials("https://me:secret@example.com/app.git")
    'https://xxxxx:xxxxx@example.com/app.git'
    """
    try:
        parts = parse.urlsplit(url)
    except ValueError:
        return url
    account, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    hidden = ":".join(_HIDDEN if part else "" for part in account.split(":", 1))
    return parts._replace(netloc=f"{hidden}@{host}").geturl()
