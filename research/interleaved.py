"""Times of several ways to do the same, taken turn by turn."""

import time
from collections.abc import Callable, Mapping


def measure(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of every call in every round, after one round that only warms up.

    Rounds are interleaved: whatever else the machine does falls on all calls, so that ratios within
    a round mean something on a busy one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds
