"""How many requests a client may make: a bucket of tokens for each, which fills at an even rate."""

from __future__ import annotations

import ipaddress
import math
import time

from cnnviz.bounded_cache import BoundedCache

__all__ = ["RateLimit"]

MOST_CLIENTS = 10_000
"""So many are remembered; one who was long unheard begins anew with a full bucket."""


class RateLimit:
    """Buckets of `burst` tokens, of which a request takes one and `rate` come back each second.

    Args:
        rate: requests a second, more than 0.
        burst: requests at once, at least 1.

    Example:
        >>> limit = RateLimit(rate=1, burst=2)
        >>> [limit.seconds_to_wait("10.0.0.1", now=0.0) for _ in range(3)], limit.seconds_to_wait("10.0.0.2", now=0.0)
        ([0, 0, 1], 0)
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets = BoundedCache[tuple[float, float]](MOST_CLIENTS)

    def seconds_to_wait(self, address: str, now: float | None = None) -> int:
        """Takes a client's token and returns 0, or the whole seconds until there is one.

        Args:
            address: the client's; the addresses of one IPv6 network (/64) are one client.
            now: the time in seconds, of a clock that is never set.
        """
        client, now = _client(address), time.monotonic() if now is None else now
        tokens, seen = self._buckets.get(client) or (self._burst, now)
        tokens = min(self._burst, tokens + (now - seen) * self._rate)
        self._buckets.put(client, (tokens - 1 if tokens >= 1 else tokens, now))
        return 0 if tokens >= 1 else max(1, math.ceil((1 - tokens) / self._rate))


def _client(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
