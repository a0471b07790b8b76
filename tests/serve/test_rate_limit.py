"""Buckets of tokens, worked out by hand."""

from __future__ import annotations

from cnnviz.serve.rate_limit import RateLimit


def test_a_burst_then_an_even_rate() -> None:
    limit = RateLimit(rate=2, burst=3)
    assert [limit.seconds_to_wait("a", 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limit.seconds_to_wait("a", 0.4) == 1
    assert [limit.seconds_to_wait("a", 0.5) for _ in range(2)] == [0, 1]
    assert [limit.seconds_to_wait("a", 99.0) for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_rate_says_how_long() -> None:
    limit = RateLimit(rate=0.1, burst=1)
    assert [limit.seconds_to_wait("a", 0.0) for _ in range(2)] == [0, 10]
    assert limit.seconds_to_wait("a", 7.5) == 3


def test_each_client_has_its_own() -> None:
    limit = RateLimit(rate=1, burst=1)
    assert [limit.seconds_to_wait(one, 0.0) for one in ("10.0.0.1", "10.0.0.2", "10.0.0.1")] == [0, 0, 1]


def test_a_network_of_ipv6_is_one_client() -> None:
    limit = RateLimit(rate=1, burst=1)
    assert limit.seconds_to_wait("2001:db8::1", 0.0) == 0
    assert limit.seconds_to_wait("2001:db8::ffff", 0.0) == 1
    assert limit.seconds_to_wait("2001:db8:0:1::1", 0.0) == 0
    assert limit.seconds_to_wait("::ffff:10.0.0.1", 0.0) == 0
    assert limit.seconds_to_wait("::ffff:10.0.0.2", 0.0) == 0
