"""Uploads are kept for a while, within a bound, under names that nobody can guess."""

from __future__ import annotations

from unittest.mock import Mock

from cnnviz.ui.inputs.upload_store import UploadStore


def test_a_file_comes_back_under_its_name_alone() -> None:
    store = UploadStore()
    names = [store.put("cat.jpg", b"cat") for _ in range(100)]
    assert len(set(names)) == 100
    assert min(map(len, names)) >= 22  # 128 bits in base64
    assert store.get(names[0]) == ("cat.jpg", b"cat")
    assert store.get("cat.jpg") is None


def test_all_together_they_take_no_more_than_the_bound_and_the_oldest_go() -> None:
    store = UploadStore(most_bytes=100)
    names = [store.put(str(nth), bytes(40)) for nth in range(3)]
    assert [store.get(name) is not None for name in names] == [False, True, True]
    assert store.get(store.put("huge", bytes(101))) is None
    assert store.get(names[2]) is not None


def test_a_file_is_gone_after_its_time_from_when_it_was_last_asked_for() -> None:
    clock = Mock(return_value=0.0)
    store = UploadStore(seconds=10, clock=clock)
    name, left = store.put("a", b"a"), store.put("b", b"b")
    for clock.return_value in (6.0, 12.0, 18.0):
        assert store.get(name) is not None
    assert store.get(left) is None
    clock.return_value = 29.0
    assert store.get(name) is None
