"""Laws of a clearance: the cap, the memory, the counts."""

import numpy as np
import pytest
from evaluation.fake_pile import (
    BAD,
    DOUBLE,
    GRID,
    MISSED,
    OK,
    REFUSED,
    SECONDS_PER_PICK,
    UNSURE,
    FakePile,
    FixedPolicy,
)

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.protocol import ProtocolConfig, clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Selection


def clear(
    pile: FakePile, policy: FixedPolicy | None = None, **config: float
) -> tuple[Clearance, list[AttemptRow]]:
    rules = ProtocolConfig(**config)  # type: ignore[arg-type]
    return clear_pile(pile, policy or FixedPolicy(GRID), np.random.default_rng(0), rules)


def test_a_clearance_runs_until_the_bin_is_empty() -> None:
    clearance, rows = clear(FakePile(5, [OK]))
    assert (clearance.attempts, clearance.successes, clearance.placed) == (5, 5, 5)
    assert clearance.cleared
    assert [row.attempt for row in rows] == [0, 1, 2, 3, 4]


def test_the_cap_ends_a_pile_after_that_many_failures_in_a_row() -> None:
    clearance, _ = clear(FakePile(5, [OK, BAD]), failure_cap=4)
    assert (clearance.attempts, clearance.placed, clearance.left) == (5, 1, 4)
    assert not clearance.cleared


def test_a_success_resets_the_cap() -> None:
    script = [BAD, BAD, OK, BAD, BAD, OK]
    clearance, _ = clear(FakePile(2, script), failure_cap=3)
    assert (clearance.attempts, clearance.successes) == (6, 2)
    assert clearance.cleared


def test_refused_points_are_no_attempts_but_count_to_the_cap() -> None:
    clearance, rows = clear(FakePile(3, [REFUSED]), failure_cap=4)
    assert (clearance.attempts, clearance.refusals) == (0, 4)
    assert rows == []


def test_abstentions_are_no_attempts_but_count_to_the_cap() -> None:
    clearance, _ = clear(FakePile(3, [OK]), FixedPolicy([]), failure_cap=4)
    assert (clearance.attempts, clearance.abstentions, clearance.left) == (0, 4, 3)


def test_no_policy_can_repeat_a_point_that_just_failed() -> None:
    pile = FakePile(1, [BAD, BAD, BAD, OK])
    clear(pile, FixedPolicy(GRID))
    pixels = [(point.u, point.v) for point in pile.picked]
    assert pixels == GRID[:4]


def test_what_failed_may_be_tried_again_when_nothing_else_is_left_but_stays_known() -> None:
    pile, policy = FakePile(1, [BAD, BAD, OK]), FixedPolicy(GRID[:1])
    clearance, _ = clear(pile, policy)
    assert [(point.u, point.v) for point in pile.picked] == [GRID[0]] * 3
    assert clearance.abstentions == 0
    told = [(len(view.failures.points), len(view.failures.avoided)) for view in policy.views]
    assert told == [(0, 0), (1, 1), (1, 0), (2, 1), (2, 0)]


def test_a_refused_point_is_kept_away_from_but_says_nothing_of_its_object() -> None:
    policy = FixedPolicy(GRID)
    clear(FakePile(3, [REFUSED, OK]), policy)
    assert len(policy.views[1].failures.points) == 0
    assert len(policy.views[1].failures.avoided) == 1


def test_who_expects_little_after_failures_hands_the_pile_back_before_the_cap() -> None:
    class Penalising(FixedPolicy):
        def choose(self, view: View) -> Selection:
            chosen = super().choose(view)
            return chosen if len(view.failures.points) < 3 else Selection()

    clearance, _ = clear(FakePile(1, [BAD]), Penalising(GRID[:1]))
    assert clearance.attempts == 3


def test_the_memory_forgets_the_oldest_point_first() -> None:
    pile = FakePile(1, [BAD])
    clear(pile, FixedPolicy(GRID[:4]), memory=3, failure_cap=5)
    assert [(point.u, point.v) for point in pile.picked] == [*GRID[:4], GRID[0]]


def test_the_policy_sees_what_is_remembered() -> None:
    policy = FixedPolicy(GRID)
    clear(FakePile(1, [BAD, BAD, OK]), policy)
    assert [len(view.failures.points) for view in policy.views] == [0, 1, 2]
    assert policy.views[-1].failures.radius == ProtocolConfig().memory_radius


def test_the_memory_follows_what_the_cell_senses_not_the_truth() -> None:
    policy = FixedPolicy(GRID)
    clear(FakePile(3, [MISSED, OK]), policy)
    assert [len(view.failures.points) for view in policy.views] == [0, 1, 1]


def test_two_objects_at_once_are_two_placed_and_no_success() -> None:
    clearance, rows = clear(FakePile(2, [DOUBLE]))
    assert (clearance.attempts, clearance.successes, clearance.placed) == (1, 0, 2)
    assert rows[0].placed == 2


def test_the_cell_is_wrong_only_where_it_is_sure() -> None:
    clearance, _ = clear(FakePile(5, [OK, MISSED, UNSURE, DOUBLE]))
    assert (clearance.disagreements, clearance.uncertain) == (2, 1)
    assert clearance.sensed_successes == 2


def test_lifted_and_placed_are_counted_apart() -> None:
    clearance, rows = clear(FakePile(2, [BAD, OK, OK]))
    assert (clearance.lifted, clearance.placed, clearance.attempts) == (2, 2, 3)
    assert [row.lifted for row in rows] == [False, True, True]


def test_time_is_the_cells_own() -> None:
    clearance, rows = clear(FakePile(3, [BAD, OK]))
    assert clearance.seconds == 4 * SECONDS_PER_PICK
    assert {row.seconds for row in rows} == {SECONDS_PER_PICK}


def test_causes_are_counted_as_true_and_as_sensed() -> None:
    clearance, _ = clear(FakePile(2, [BAD, BAD, OK]))
    assert clearance.causes == {"leak_edge": 2}
    assert clearance.sensed_causes == {"no_seal": 2}


@pytest.mark.parametrize("wrong", [{"failure_cap": 0}, {"memory": 0}, {"memory_radius": -0.01}])
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ProtocolConfig(**wrong)  # type: ignore[arg-type]
