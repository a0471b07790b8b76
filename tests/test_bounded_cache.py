"""The cache that keeps what was used last: its bounds, its order, and several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cnnviz.bounded_cache import BoundedCache


def test_the_longest_unused_goes_first_and_a_look_is_no_use() -> None:
    cache = BoundedCache[str](3)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") == "a"  # a use
    assert "b" in cache  # no use
    cache.put("d", "d")
    assert [key for key in "abcd" if key in cache] == ["a", "c", "d"]
    cache.put("c", "c")
    cache.put("e", "e")
    assert [key for key in "abcde" if key in cache] == ["c", "d", "e"]
    assert cache.get("gone") is None


def test_bytes_are_bounded_but_for_the_newest() -> None:
    cache = BoundedCache[np.ndarray](100, most_bytes=250)
    for key in range(4):
        cache.put(key, np.zeros(100, np.uint8))
    assert [key for key in range(4) if key in cache] == [2, 3]
    cache.put("large", np.zeros(1000, np.uint8))
    assert len(cache) == 1
    assert "large" in cache


def test_a_value_is_made_once_and_stays() -> None:
    cache, made = BoundedCache[dict](2), []

    def make() -> dict:
        made.append(1)
        return {}

    first = cache.made("key", make)
    first["x"] = 1
    assert cache.made("key", make) is first
    assert made == [1]


def test_threads_share_it() -> None:
    cache = BoundedCache[int](50)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: cache.made(number % 70, lambda: number % 70), range(5000)))
    assert found == [number % 70 for number in range(5000)]
    assert len(cache) == 50
