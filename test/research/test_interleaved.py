"""Calls are timed turn by turn, and the first turn is not counted."""

from functools import partial

from research.interleaved import measure


def test_calls_take_turns_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []
    seconds = measure({name: partial(order.append, name) for name in "ab"}, repeats=2)
    assert order == list("ababab")
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}
    assert all(value >= 0 for values in seconds.values() for value in values)
