"""The git checkout of a build context is named as buildx names it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from llb.client.image_build.checkout import git_attrs
from llb.client.image_build.contexts import Contexts
from llb.errors import ConfigurationWarning

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "https://example.com/me/app.git"
IDENTITY = ("-c", "user.name=me", "-c", "user.email=me@example.com")


def git(folder: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return process.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit and a remote."""
    folder = tmp_path / "app"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "Dockerfile").write_text("FROM scratch\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", REPOSITORY)
    git(folder, "add", ".")
    git(folder, *IDENTITY, "commit", "-q", "-m", "first")
    return folder


def attrs_of(folder: Path, file: Path | None = None, **environ: str) -> dict[str, str]:
    return git_attrs(str(folder), file, {"context": str(folder)}, environ)


def test_a_context_in_a_checkout_names_commit_and_repository(checkout: Path) -> None:
    directories = {
        "context": str(checkout / "web"),
        "dockerfile": str(checkout),
        "docs": str(checkout.parent),
    }
    assert git_attrs(str(checkout / "web"), None, directories, {}) == {
        "vcs:revision": git(checkout, "rev-parse", "HEAD"),
        "vcs:source": REPOSITORY,
        "vcs:localdir:context": "web",
        "vcs:localdir:dockerfile": ".",
    }


def test_a_context_outside_of_checkouts_names_nothing(tmp_path: Path) -> None:
    assert attrs_of(tmp_path) == {}


def test_a_checkout_without_commits_and_remotes_has_places_only(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert attrs_of(tmp_path) == {"vcs:localdir:context": "."}


def test_variables_choose_what_is_named(checkout: Path) -> None:
    assert attrs_of(checkout, BUILDX_GIT_INFO="false") == {}
    commit = git(checkout, "rev-parse", "HEAD")
    file = checkout / "web" / "Dockerfile"
    labels = {
        "label:org.opencontainers.image.revision": commit,
        "label:org.opencontainers.image.source": REPOSITORY,
        "label:com.docker.image.source.entrypoint": "web/Dockerfile",
    }
    assert attrs_of(checkout, file, BUILDX_GIT_INFO="0", BUILDX_GIT_LABELS="1") == labels
    assert attrs_of(checkout, file, BUILDX_GIT_INFO="0", BUILDX_GIT_LABELS="full") == labels
    del labels["label:com.docker.image.source.entrypoint"]
    assert attrs_of(checkout, BUILDX_GIT_INFO="0", BUILDX_GIT_LABELS="1") == labels
    assert attrs_of(checkout, BUILDX_GIT_INFO="maybe")["vcs:revision"] == commit


def test_a_changed_checkout_is_marked_on_request(checkout: Path) -> None:
    def revision() -> str:
        return attrs_of(checkout, BUILDX_GIT_CHECK_DIRTY="1")["vcs:revision"]

    assert revision() == git(checkout, "rev-parse", "HEAD")
    (checkout / "new").touch()
    assert revision() == git(checkout, "rev-parse", "HEAD") + "-dirty"
    assert attrs_of(checkout)["vcs:revision"] == git(checkout, "rev-parse", "HEAD")


def test_the_remote_of_the_branch_precedes_origin_and_upstream(checkout: Path) -> None:
    git(checkout, "remote", "add", "upstream", "https://example.com/upstream.git")
    assert attrs_of(checkout)["vcs:source"] == REPOSITORY
    git(checkout, "update-ref", "refs/remotes/upstream/main", "HEAD")
    git(checkout, "branch", "--set-upstream-to", "upstream/main")
    assert attrs_of(checkout)["vcs:source"] == "https://example.com/upstream.git"
    git(checkout, "checkout", "-q", "--detach")
    git(checkout, "remote", "remove", "origin")
    assert attrs_of(checkout)["vcs:source"] == "https://example.com/upstream.git"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@example.com/a.git", "https://xxxxx:xxxxx@example.com/a.git"),
        ("https://token@example.com/a.git", "https://xxxxx@example.com/a.git"),
        ("https://:token@example.com/a.git", "https://:xxxxx@example.com/a.git"),
        ("git@example.com:me/a.git", "git@example.com:me/a.git"),
        ("https://[::1/a.git", "https://[::1/a.git"),
    ],
)
def test_credentials_of_the_repository_are_hidden(checkout: Path, url: str, shown: str) -> None:
    git(checkout, "remote", "set-url", "origin", url)
    assert attrs_of(checkout)["vcs:source"] == shown


def test_a_program_that_a_repository_names_does_not_run(checkout: Path) -> None:
    hook = checkout.parent / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {checkout.parent}/ran\n")
    hook.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(hook))
    assert attrs_of(checkout, BUILDX_GIT_CHECK_DIRTY="1")
    assert not (checkout.parent / "ran").exists()


def test_a_checkout_that_git_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.warns(ConfigurationWarning, match="does not name the commit.*not a git repository"):
        assert attrs_of(tmp_path) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.warns(ConfigurationWarning, match="git is not on PATH"):
        assert attrs_of(tmp_path) == {}
    (tmp_path / ".git").rmdir()
    assert attrs_of(tmp_path) == {}


def test_directories_are_named_by_their_contexts(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    contexts = Contexts()
    contexts.add_main(str(tmp_path), None, None)
    for name in ("docs", "context"):
        (tmp_path / name).mkdir()
        contexts.add_named(name, str(tmp_path / name))
    contexts.add_named("base", "docker-image://busybox")
    assert contexts.directories() == {
        "context": str(tmp_path),
        "dockerfile": str(tmp_path),
        "docs": str(tmp_path / "docs"),
        "_context": str(tmp_path / "context"),
    }
