"""The lock that exports of local caches share, and that a cleanup takes alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from llb.client.export import cache_lock
from llb.client.export.cache_lock import CacheLock
from llb.client.export.content_store import Store
from llb.client.export.oci_layout import Layout
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_exports_share_the_lock_and_a_cleanup_needs_it_alone(tmp_path: Path) -> None:
    first, second = CacheLock(tmp_path), CacheLock(tmp_path)
    first.share()
    first.share()
    second.share()
    assert not first.take_alone()
    first.release()
    assert second.take_alone()
    second.release()
    assert [path.name for path in tmp_path.iterdir()] == ["cache.lock"]


def test_an_export_waits_for_a_cleanup(tmp_path: Path) -> None:
    cleaning, exporting = CacheLock(tmp_path), CacheLock(tmp_path)
    cleaning.share()
    assert cleaning.take_alone()
    is_shared = threading.Event()

    def share() -> None:
        exporting.share()
        is_shared.set()

    thread = threading.Thread(target=share)
    thread.start()
    assert not is_shared.is_set()
    cleaning.release()
    thread.join()
    assert is_shared.is_set()
    exporting.release()


def test_a_cleanup_that_does_not_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_lock, "_WAIT_SECONDS", 0.0)
    cleaning = CacheLock(tmp_path)
    cleaning.share()
    assert cleaning.take_alone()
    with pytest.raises(InputError) as caught:
        CacheLock(tmp_path).share()
    lock = tmp_path / "cache.lock"
    assert caught.value.message == f"cannot write {tmp_path}: another process holds {lock}"
    cleaning.release()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cache.lock").mkdir()
    with pytest.raises(InputError, match=r"^cannot write .*/cache.lock: Is a directory$"):
        CacheLock(tmp_path).share()


@pytest.mark.feature("M2")
def test_a_store_shares_the_lock_from_its_first_blob_until_it_is_closed(tmp_path: Path) -> None:
    store = Store(Layout(tmp_path), writable=True, cache_lock=CacheLock(tmp_path))
    cleaning = CacheLock(tmp_path)
    store.begin("ref", 0, "")
    cleaning.share()
    assert not cleaning.take_alone()
    store.close()
    cleaning.share()
    assert cleaning.take_alone()
    cleaning.release()
