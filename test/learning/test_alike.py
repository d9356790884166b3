"""A success teaches the rest of the object too, where asked to; nothing else changes by that."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from helpers.synthetic_training_samples import (
    CONFIG,
    LEARNER,
    observation,
    same_weights,
    training_sample,
)
from helpers.training_sample_log import BIN, picked

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.annotation.pick_labels import PickLabelConfig, removed_object
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.alike import AlikeConfig, places_alike
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.learning.training_samples import TrainingSample, training_sample_of

DENSE = replace(CONFIG, learner=replace(LEARNER, alike=AlikeConfig(places=3, batch=4)))


def taken() -> GraspAttempt:
    """A pick that took the second of two boxes."""
    attempt = picked(1)
    after = box_frame(1, stamp_ns=attempt.stamp_ns + 5 * 10**8)
    return replace(attempt, outcome=Outcome.SUCCESS, cause=Cause.NONE, after=after)


def dense_training_sample(number: int) -> TrainingSample:
    """The training sample of `synthetic_training_samples`, with two more places where it succeeds."""
    given = training_sample(number)
    success = given.outcome is Outcome.SUCCESS
    return replace(given, alike=((3, 4), (5, 6)) if success else ())


def taught(folder: Path, count: int) -> Trainer:
    trainer = Trainer(DENSE, folder)
    while trainer.state.consumed < count:
        trainer.consume(dense_training_sample(trainer.state.consumed))
    return trainer


def test_places_lie_on_the_removed_object_where_it_seals_alike() -> None:
    attempt = taken()
    mask = removed_object(attempt, PickLabelConfig()).mask
    assert mask is not None
    seal = np.full(mask.shape, 0.9)
    seal[:, attempt.point.u + 3 :] = 0.5
    places = places_alike(attempt, seal, None, 30, np.random.default_rng(0))
    assert len(places) == 30 == len(set(places))
    assert all(mask[v, u] and u < attempt.point.u + 3 for u, v in places)
    assert (attempt.point.u, attempt.point.v) not in places


@pytest.mark.parametrize("outcome", [Outcome.FAILURE, Outcome.UNCERTAIN])
def test_only_a_success_speaks_for_its_object(outcome: Outcome) -> None:
    attempt = replace(taken(), outcome=outcome, cause=Cause.NO_SEAL)
    assert attempt.before is not None
    seal = np.ones(attempt.before.shape)
    assert places_alike(attempt, seal, None, 30, np.random.default_rng(0)) == ()


def test_a_pick_without_a_view_after_it_teaches_its_own_place_alone() -> None:
    attempt = replace(taken(), after=None)
    learner = LearnerConfig(alike=AlikeConfig(places=5))
    view = BinView(T_BASE_CAMERA, BIN)
    assert training_sample_of(attempt, view, PredictorConfig(), learner, 0).alike == ()
    assert len(training_sample_of(taken(), view, PredictorConfig(), learner, 0).alike) == 5
    assert training_sample_of(taken(), view, PredictorConfig(), LearnerConfig(), 0).alike == ()


def test_a_member_that_may_not_see_a_pick_sees_none_of_its_places_either(tmp_path: Path) -> None:
    """Else the members that evaluate a challenger on a pick would have been told its outcome."""
    network = replace(LEARNER.network, members=2)
    config = replace(LEARNER, network=network, anchor=0.0, alike=AlikeConfig(places=1, batch=64))
    learner = OnlineLearner(config)
    blind = next(i for i in range(100) if learner.seen([i]).tolist() == [[0.0, 1.0]])
    given = training_sample(0)
    assert given.view is not None
    example = learner.example(given.view, given.u, given.v, 1.0)
    learner.replay.add(example)
    learner.alike = [replace(example, weight=0.25, parent=blind)]
    learner.seen = lambda indices: np.array(  # type: ignore[method-assign]
        [[0.0, 1.0] if i == blind else [0.0, 0.0] for i in indices], np.float32
    )
    before = learner.predict(observation(1)).members
    learner.optimiser.param_groups[0]["weight_decay"] = 0.0
    learner._step()
    after = learner.predict(observation(1)).members
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_a_resumed_trainer_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = taught(tmp_path / "whole", 9)
    taught(tmp_path / "parts", 4)
    parts = taught(tmp_path / "parts", 9)
    assert len(whole.learner.alike) == len(parts.learner.alike) > 0
    assert same_weights(whole, parts)


def test_what_a_kill_left_of_a_training_sample_is_dropped(tmp_path: Path) -> None:
    trainer = taught(tmp_path / "killed", 5)
    orphan = replace(trainer.learner.replay.examples[0], parent=trainer.state.attempts)
    trainer._alike.append(orphan)
    survivor = taught(tmp_path / "killed", 9)
    assert same_weights(survivor, taught(tmp_path / "whole", 9))


def test_places_change_what_is_learned_and_no_count(tmp_path: Path) -> None:
    plain, dense = Trainer(CONFIG, tmp_path / "plain"), taught(tmp_path / "dense", 6)
    for number in range(6):
        plain.consume(training_sample(number))
    assert not same_weights(plain, dense)
    assert len(plain.learner.replay) == len(dense.learner.replay) == 6


def test_senseless_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="alike"):
        AlikeConfig(places=-1)
    with pytest.raises(ConfigError, match="alike"):
        AlikeConfig(weight=2.0)
