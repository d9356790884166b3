"""Laws of a clearance: it is the executor's own picking, and the protocol counts it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from evaluation.fake_pile import (
    BAD,
    BROKEN,
    DOUBLE,
    GRID,
    MISSED,
    OK,
    REFUSED,
    UNSURE,
    FakePile,
    FixedPolicy,
    Line,
    clear,
    rules,
)

from grasp_affordance.annotation.removal_check import DepthRemovalCheck
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.errors import CheckpointError, ConfigError, GraspAffordanceError
from grasp_affordance.evaluation.make_policy import make_policy
from grasp_affordance.evaluation.protocol import PolicyProposer, ProtocolConfig
from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.sim_pile import clear_present
from grasp_affordance.execution.cancellation import Cancellation
from grasp_affordance.execution.continuous import ContinuousConfig, End, pick_continuously
from grasp_affordance.execution.picker import MemoryConfig, Picker, PickReport
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.suction import Failures, Rejection, Selection


def pixels(rows: Sequence[AttemptRow]) -> list[tuple[int, int]]:
    return [(row.u, row.v) for row in rows]


def test_a_clearance_runs_until_the_bin_is_empty() -> None:
    clearance, rows = clear(FakePile(5, [OK]))
    assert (clearance.attempts, clearance.successes, clearance.placed) == (5, 5, 5)
    assert clearance.cleared
    assert [row.attempt for row in rows] == [0, 1, 2, 3, 4]


def test_the_cap_ends_a_pile_after_that_many_failures_in_a_row() -> None:
    clearance, _ = clear(FakePile(5, [OK, BAD]), config=rules(failure_cap=4))
    assert (clearance.attempts, clearance.placed, clearance.left) == (5, 1, 4)
    assert not clearance.cleared


def test_a_success_resets_the_cap() -> None:
    script = [BAD, BAD, OK, BAD, BAD, OK]
    clearance, _ = clear(FakePile(2, script), config=rules(failure_cap=3))
    assert (clearance.attempts, clearance.successes) == (6, 2)
    assert clearance.cleared


def test_refused_points_are_no_attempts_but_count_to_the_cap() -> None:
    clearance, rows = clear(FakePile(3, [REFUSED]), FixedPolicy(GRID[:2]), rules(failure_cap=4))
    assert (clearance.attempts, clearance.abstentions, clearance.end) == (0, 0, "failures")
    assert clearance.refusals == 2 * 4  # the cap counts views, whatever is refused in them
    assert rows == []


def test_the_next_point_of_the_same_view_is_tried_where_one_is_refused() -> None:
    policy = FixedPolicy(GRID)
    clearance, rows = clear(FakePile(1, [REFUSED, REFUSED, OK]), policy)
    assert pixels(rows) == [GRID[2]]
    assert (clearance.refusals, len(policy.views)) == (2, 1)


def test_abstentions_are_no_attempts_but_count_to_the_cap() -> None:
    clearance, _ = clear(FakePile(3, [OK]), FixedPolicy([]), rules(failure_cap=4))
    assert (clearance.attempts, clearance.abstentions, clearance.left) == (0, 4, 3)
    assert clearance.end == "failures"


def test_a_policy_that_takes_a_full_bin_for_empty_leaves_what_is_in_it() -> None:
    class Blind(FixedPolicy):
        def choose(self, view: View) -> Selection:
            chosen = super().choose(view)
            return chosen if len(self.views) < 3 else Selection((), {Rejection.EMPTY_BIN: 1})

    clearance, _ = clear(FakePile(5, [OK]), Blind(GRID))
    assert (clearance.placed, clearance.left, clearance.end) == (2, 3, "empty_bin")


def test_a_clearance_ends_with_the_last_object_whatever_the_policy_still_offers() -> None:
    policy = FixedPolicy(GRID)
    clearance, _ = clear(FakePile(2, [OK]), policy)
    assert (len(policy.views), clearance.end) == (2, "cleared")


def test_an_aborted_attempt_ends_a_clearance_as_it_ends_continuous_picking() -> None:
    clearance, rows = clear(FakePile(3, [OK, BROKEN, OK]))
    assert [row.outcome for row in rows] == ["success", "aborted"]
    assert (clearance.left, clearance.end) == (2, "fault")


def test_a_policy_or_a_learner_that_fails_is_no_result() -> None:
    class Broken(FixedPolicy):
        def choose(self, view: View) -> Selection:
            raise CheckpointError("no weights")

    def no_room(row: AttemptRow, attempt: GraspAttempt) -> bool:
        raise CheckpointError("the disk is full")

    with pytest.raises(GraspAffordanceError, match="no weights"):
        clear(FakePile(3, [OK]), Broken(GRID))
    with pytest.raises(GraspAffordanceError, match="the disk is full"):
        clear(FakePile(3, [OK]), on_attempt=no_room)


def test_a_learner_may_end_a_clearance() -> None:
    clearance, rows = clear(FakePile(3, [OK]), on_attempt=lambda row, _: row.attempt < 1)
    assert (len(rows), clearance.left, clearance.end) == (2, 1, "stopped")


def test_no_policy_can_repeat_a_point_that_just_failed() -> None:
    _, rows = clear(FakePile(1, [BAD, BAD, BAD, OK]))
    assert pixels(rows) == GRID[:4]


def test_what_failed_may_be_tried_again_when_nothing_else_is_left_but_stays_known() -> None:
    pile, policy = FakePile(1, [BAD, BAD, OK]), FixedPolicy(GRID[:1])
    clearance, rows = clear(pile, policy)
    assert pixels(rows) == [GRID[0]] * 3
    assert clearance.abstentions == 0
    told = [(len(view.failures.points), len(view.failures.avoided)) for view in policy.views]
    assert told == [(0, 0), (1, 1), (1, 0), (2, 1), (2, 0)]


def test_a_refused_point_is_kept_away_from_but_says_nothing_of_its_object() -> None:
    policy = FixedPolicy(GRID)
    clear(FakePile(3, [REFUSED, OK]), policy)
    assert len(policy.views[1].failures.points) == 0
    assert len(policy.views[1].failures.avoided) == 1  # the point that was picked sealed


def test_who_expects_little_after_failures_hands_the_pile_back_before_the_cap() -> None:
    class Penalising(FixedPolicy):
        def choose(self, view: View) -> Selection:
            chosen = super().choose(view)
            few = len(view.failures.points) < 3
            return chosen if few else Selection((), {Rejection.BELOW_THRESHOLD: 1})

    clearance, _ = clear(FakePile(1, [BAD]), Penalising(GRID[:1]))
    assert clearance.attempts == 3


def test_the_memory_forgets_the_oldest_point_first() -> None:
    policy = FixedPolicy(GRID[:4])
    _, rows = clear(FakePile(1, [BAD]), policy, rules(memory=3, failure_cap=5))
    assert pixels(rows) == [*GRID[:4], GRID[0]]


def test_the_policy_sees_what_is_remembered() -> None:
    policy = FixedPolicy(GRID)
    clear(FakePile(1, [BAD, BAD, OK]), policy)
    assert [len(view.failures.points) for view in policy.views] == [0, 1, 2]
    assert policy.views[-1].failures.radius == ProtocolConfig().memory.radius


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
    pile = FakePile(3, [BAD, OK])
    began = pile.state.time
    clearance, rows = clear(pile)
    assert clearance.seconds == pile.state.time - began > 4.0
    assert clearance.seconds == pytest.approx(sum(row.seconds for row in rows))


def test_causes_are_counted_as_true_and_as_sensed() -> None:
    clearance, _ = clear(FakePile(2, [BAD, BAD, OK]))
    assert clearance.causes == {"leak_edge": 2}
    assert clearance.sensed_causes == {"no_seal": 2}


def test_the_time_of_choosing_counts_where_nothing_is_chosen_too() -> None:
    clearance, rows = clear(FakePile(3, [OK]), FixedPolicy([]), rules(failure_cap=2))
    assert rows == []
    assert clearance.decision_seconds > 0


@pytest.mark.parametrize(
    "script",
    [
        [OK],
        [BAD, BAD, OK, REFUSED, OK, MISSED],
        [REFUSED, BAD, UNSURE, BAD, REFUSED, REFUSED, DOUBLE, OK, BAD],
        [OK, BROKEN],
    ],
)
def test_a_clearance_asks_and_picks_exactly_as_continuous_picking_does(script: list[Line]) -> None:
    objects, cap = 9, 4

    class Recorded(PolicyProposer):
        def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
            asked.append((failures.points.tolist(), failures.avoided.tolist()))
            return super().__call__(failures, minimum_probability)

    asked: list[object] = []
    pile = FakePile(objects, script)
    propose = Recorded(FixedPolicy(GRID[:6]), pile.cell, np.random.default_rng(0))
    picker = Picker(pile.cell, propose, check_removal=pile.check_removal)
    reports: list[PickReport] = []
    ending = pick_continuously(
        picker,
        ContinuousConfig(cap),
        lambda: Cancellation() if pile.left() > 0 else None,
        reports.append,
    )
    attempts = [report.attempt for report in reports if report.attempt]

    counted, policy = FakePile(objects, script), FixedPolicy(GRID[:6])
    clearance, rows = clear(counted, policy, rules(failure_cap=cap))
    told = [
        (view.failures.points.tolist(), view.failures.avoided.tolist()) for view in policy.views
    ]
    assert told == asked
    assert counted.state.events == pile.state.events
    facts = [(each.point.u, each.point.v, each.outcome, each.cause) for each in attempts]
    assert [(row.u, row.v, row.outcome, row.cause) for row in rows] == facts
    assert clearance.end == (ending.end if pile.left() > 0 else "cleared")
    assert clearance.left == pile.left()


def test_a_simulated_clearance_has_the_rows_of_continuous_picking_in_the_same_bin() -> None:
    config = SimConfig(scene="random", hardness=Hardness.REALISTIC, seed=4, objects=3)
    with SimCell(config) as cell:
        policy = make_policy("prior_abstaining")
        parts, rng = cell.as_cell(), np.random.default_rng(1)
        propose = PolicyProposer(policy, parts, rng)
        removal = DepthRemovalCheck(bin=cell.bin)
        picker = Picker(parts, propose, check_removal=removal, look_ahead=propose.ahead)
        reports: list[PickReport] = []
        ending = pick_continuously(
            picker,
            ContinuousConfig(10),
            lambda: Cancellation() if cell.pickable_left() else None,
            reports.append,
        )
        left = cell.pickable_left()
    with SimCell(config) as cell:
        clearance, rows = clear_present(cell, policy, np.random.default_rng(1), ProtocolConfig())
    attempts = [report.attempt for report in reports if report.attempt]
    assert len(rows) == len(attempts) >= 3
    for row, attempt in zip(rows, attempts, strict=True):
        assert (row.u, row.v) == (attempt.point.u, attempt.point.v)
        assert (row.outcome, row.cause) == (attempt.outcome, attempt.cause)
        assert (row.true_outcome, row.true_cause) == (attempt.true_outcome, attempt.true_cause)
        assert row.probability == attempt.point.probability
    assert clearance.left == left
    assert ending.end in (End.STOPPED, End.EMPTY_BIN)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        (ContinuousConfig, {"failure_cap": 0}),
        (MemoryConfig, {"size": 0}),
        (MemoryConfig, {"radius": -0.01}),
    ],
)
def test_rules_that_make_no_sense_are_refused(part: type, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        part(**wrong)


def test_the_cap_of_the_protocol_is_its_own_whatever_the_executors_is() -> None:
    assert ProtocolConfig().continuous.failure_cap == 10
    other = replace(ProtocolConfig(), continuous=ContinuousConfig(2))
    assert clear(FakePile(3, [BAD]), config=other)[0].attempts == 2
