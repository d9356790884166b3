"""Messages of one instant come together once, and a node can say why none do."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_affordance.errors import ConfigError
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig

TOPICS = ("color", "depth", "info")
MS = 1_000_000


def a_synchroniser(tolerance: float = 0.02, queue: int = 10) -> Synchroniser:
    return Synchroniser(TOPICS, SynchroniserConfig(tolerance, queue))


@pytest.mark.parametrize("order", list(permutations(TOPICS)))
def test_the_order_of_arrival_does_not_matter(order: tuple[str, ...]) -> None:
    sync = a_synchroniser()
    results = [sync.add(topic, 5 * MS, topic) for topic in order]
    assert results == [None, None, TOPICS]


@given(st.lists(st.sampled_from(TOPICS), min_size=1, max_size=60), st.integers(0, 30))
def test_a_set_is_within_tolerance_newer_than_the_last_and_used_once(
    arrivals: list[str], skew_ms: int
) -> None:
    sync = a_synchroniser(tolerance=0.02)
    clock = dict.fromkeys(TOPICS, 0)
    used: list[tuple[int, ...]] = []
    for topic in arrivals:
        clock[topic] += 33 * MS
        stamp = clock[topic] + (skew_ms * MS if topic == "depth" else 0)
        found = sync.add(topic, stamp, stamp)
        if found:
            assert max(found) - min(found) <= 20 * MS
            used.append(found)
    for before, after in pairwise(used):
        assert all(a > b for a, b in zip(after, before, strict=True))


def test_a_lost_message_costs_only_its_own_set() -> None:
    sync = a_synchroniser()
    arrivals = [(i, topic) for i in range(10) for topic in TOPICS if (i, topic) != (4, "depth")]
    sets = [sync.add(topic, i * 33 * MS, i) for i, topic in arrivals]
    assert [found[0] for found in sets if found] == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_a_silent_topic_is_named() -> None:
    sync = a_synchroniser()
    assert sync.problem() == ""
    for i in range(6):
        sync.add("color", i * 33 * MS, i)
        sync.add("info", i * 33 * MS, i)
    assert sync.problem() == "nothing on depth while color, info arrive"


def test_stamps_that_never_match_are_named_with_their_distance() -> None:
    sync = a_synchroniser()
    for i in range(6):
        sync.add("color", i * 33 * MS, i)
        sync.add("info", i * 33 * MS, i)
        sync.add("depth", (i * 33 + 7_000_000) * MS, i)
    assert "stamps never match: the closest messages are 6999" in sync.problem()


def test_there_is_no_problem_while_sets_are_found() -> None:
    sync = a_synchroniser()
    for i in range(20):
        for topic in TOPICS:
            sync.add(topic, i * 33 * MS, i)
        assert sync.problem() == ""


@pytest.mark.parametrize("values", [(-0.1, 10), (0.1, 0), (float("nan"), 1)])
def test_impossible_settings_are_refused(values: tuple[float, int]) -> None:
    with pytest.raises(ConfigError):
        SynchroniserConfig(*values)
