"""What was used last, in memory: `cachetools.LRUCache` with a lock, and a bound on bytes beside the one on items."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

__all__ = ["BoundedCache"]

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Values by key, for several threads; the longest unused goes first.

    Args:
        most: so many are kept; any number by default.
        most_bytes: the kept ones take at most so much; `None` for any.
        size: a value's bytes.
        surely: so many of the newest stay, however large they are.

    Example:
        >>> cache = BoundedCache[int](2)
        >>> for number in range(3):
        ...     _ = cache.put(number, number)
        >>> cache.get(0), cache.get(2), len(cache)
        (None, 2, 2)
    """

    def __init__(
        self,
        most: float = math.inf,
        *,
        most_bytes: int | None = None,
        size: Callable[[T], int] = lambda value: getattr(value, "nbytes", 0),
        surely: int = 1,
    ) -> None:
        self._lock, self._items = threading.Lock(), LRUCache[Hashable, T](most)
        self._most_bytes, self._size, self._surely = most_bytes, size, surely

    def get(self, key: Hashable) -> T | None:
        """Returns the value under the key, which is then the one used last, or `None`."""
        with self._lock:
            try:
                return self._items[key]  # its own `get` doesn't count as a use
            except KeyError:
                return None

    def put(self, key: Hashable, value: T) -> T:
        """Keeps a value, and returns it."""
        with self._lock:
            self._items[key] = value
            if self._most_bytes is not None and len(self._items) > self._surely:
                size = sum(map(self._size, self._items.values()))
                while size > self._most_bytes and len(self._items) > self._surely:
                    size -= self._size(self._items.popitem()[1])
        return value

    def made(self, key: Hashable, make: Callable[[], T]) -> T:
        """Returns the value under the key, after making it where there is none; two threads may both make it."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found

    def values(self) -> list[T]:
        """Returns what is kept; that is no use of it."""
        with self._lock:
            return list(self._items.values())

    def __contains__(self, key: Hashable) -> bool:
        """Whether there is a value under the key; that is no use of it."""
        with self._lock:
            return key in self._items

    def __len__(self) -> int:
        return len(self._items)
