"""The published figures follow from the clearances."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation.fake_pile import BAD, DOUBLE, MISSED, OK, FakePile, FixedPolicy, clear, rules

from grasp_affordance.attempt import Phase
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.summary import statistics_of, summarise


def cleared(seed: int, index: int, script: list, objects: int = 4, stack: str = "a") -> Clearance:
    pile = FakePile(objects, script)
    pile.stack = stack
    return clear(pile, None, rules(failure_cap=3), seed, index)[0]


RUN = [
    cleared(0, 0, [OK], stack="a"),
    cleared(0, 1, [OK, BAD], stack="b"),
    cleared(1, 0, [BAD, OK], stack="a"),
    cleared(1, 1, [DOUBLE, MISSED], stack="b"),
]


def test_the_total_is_the_sum_of_the_seeds_and_of_the_stacks() -> None:
    report = summarise(RUN)
    for name in ("attempts", "successes", "placed", "objects", "piles", "piles_cleared", "left"):
        for groups in ("per_seed", "per_stack"):
            parts = sum(group[name] for group in report[groups].values())
            assert report["total"][name] == parts, name


def test_rates_are_ratios_of_sums() -> None:
    total = summarise(RUN)["total"]
    assert total["attempts"] == 4 + 4 + 5 + 3
    assert total["success_rate"] == total["successes"] / total["attempts"] == 11 / 16
    assert total["objects_cleared_per_attempt"] == 13 / 16
    assert total["completion"] == 13 / 16
    seconds = sum(clearance.seconds for clearance in RUN)
    assert total["picks_per_hour"] == pytest.approx(3600 * 13 / seconds)
    assert total["causes"] == {"leak_edge": 5}
    assert total["interventions"] == 1  # the pile that was handed back
    assert total["picks_per_intervention"] == 13
    assert total["ends"] == {"cleared": 3, "failures": 1}


def test_the_seconds_of_the_phases_and_the_rest_are_the_time_of_an_attempt() -> None:
    total = summarise(RUN)["total"]
    spent = total["phase_seconds"]
    assert list(spent) == [*Phase, "other"]
    assert sum(spent.values()) == pytest.approx(total["seconds"] / total["attempts"])
    assert spent["approach"] == pytest.approx(1.0)  # two motions of 0.5 s, in every attempt
    assert 0 < spent["transport"] < 0.5  # one, after a seal


def test_a_person_sees_to_each_bin_that_is_not_emptied_and_fetches_each_lost_object() -> None:
    handed_back, emptied = RUN[1], RUN[0]
    assert (handed_back.cleared, handed_back.interventions) == (False, 1)
    assert (emptied.cleared, emptied.interventions) == (True, 0)
    lost = replace(emptied, objects=emptied.objects + 2)
    assert (lost.lost, lost.interventions) == (2, 2)
    assert statistics_of([emptied])["picks_per_intervention"] is None


def test_intervals_contain_their_rates() -> None:
    total = summarise(RUN)["total"]
    for name in ("success_rate", "objects_cleared_per_attempt", "completion"):
        low, high = total[f"{name}_interval"]
        assert low <= total[name] <= high


def test_a_file_summarised_twice_says_the_same_twice() -> None:
    assert summarise(RUN) == summarise(RUN)


def test_disagreement_is_a_share_of_the_attempts() -> None:
    figures = statistics_of([RUN[3]])
    assert figures["disagreement_rate"] == 1.0  # a double pick and two unnoticed successes


def test_without_attempts_rates_are_null_not_zero() -> None:
    pile = FakePile(2, [OK])
    empty = clear(pile, FixedPolicy([]), rules(failure_cap=2))[0]
    figures = statistics_of([empty])
    assert figures["success_rate"] is None
    assert figures["success_rate_interval"] is None
    assert figures["completion"] == 0.0
    json.dumps(summarise([empty]), allow_nan=False)


def test_a_rate_on_few_attempts_is_not_publishable() -> None:
    assert not summarise(RUN)["total"]["publishable"]
    many = [cleared(0, index, [OK], objects=20) for index in range(20)]
    assert summarise(many)["total"]["publishable"]


def test_the_spread_over_seeds_is_that_of_the_seeds_rates() -> None:
    report = summarise(RUN)
    rates = [group["success_rate"] for group in report["per_seed"].values()]
    spread = report["spread_over_seeds"]["success_rate"]
    assert spread["mean"] == pytest.approx(np.mean(rates))
    assert spread["std"] == pytest.approx(np.std(rates, ddof=1))
