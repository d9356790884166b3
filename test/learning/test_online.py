"""The policy that learns while it picks: when it hands a bin back, when it tries all the same."""

from pathlib import Path

import numpy as np
import pytest
from helpers.rendered_scene import Block, camera_at, open_bin, render
from helpers.synthetic_training_samples import CONFIG, training_sample

from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.learning.decision import DecisionConfig
from grasp_affordance.learning.online import OnlineConfig, OnlinePolicy
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Source

T = camera_at(60, 0.7)
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
EXPERIENCED = DecisionConfig().warm_up


@pytest.fixture(scope="module")
def view() -> View:
    box = Block((-0.06, -0.05, 0.0), (0.06, 0.05, 0.05))
    frame = render([*open_bin(), box], T, noise=0.0007, holes=0.01)
    return View(frame, T, BIN, Cup(), np.random.default_rng(0))


def policy(
    folder: Path, below: float, asked_for: float, successes: int, novelty: float = 0.0
) -> OnlinePolicy:
    trainer = Trainer(CONFIG, folder)
    trainer.state.successes = successes
    decision = DecisionConfig(below_threshold=below, novelty=novelty)
    candidates = CandidateConfig(min_probability=asked_for)
    predictor = PredictorConfig(source=Source.LEARNED, candidates=candidates)
    return OnlinePolicy(trainer, OnlineConfig(predictor, decision=decision))


def test_what_promises_too_little_is_handed_back(tmp_path: Path, view: View) -> None:
    assert policy(tmp_path / "modest", 0.0, 0.01, EXPERIENCED).choose(view).points
    demanding = policy(tmp_path / "demanding", 0.0, 0.999, EXPERIENCED)
    assert not demanding.choose(view).points


def test_a_beginner_and_one_that_puts_itself_to_the_test_try_what_promises_too_little(
    tmp_path: Path, view: View
) -> None:
    beginner = policy(tmp_path / "beginner", 0.0, 0.999, EXPERIENCED - 1).choose(view)
    testing = policy(tmp_path / "testing", 1.0, 0.999, EXPERIENCED).choose(view)
    assert beginner.points
    assert testing.points
    assert max(point.probability for point in testing.points) < 0.999
    assert {point.source for point in testing.points} == {Source.LEARNED}


def test_a_decision_stands_however_often_a_bin_is_looked_at(tmp_path: Path, view: View) -> None:
    choosing = policy(tmp_path, 0.3, 0.999, EXPERIENCED)
    for attempts in range(6):
        choosing.trainer.state.consumed = attempts
        assert len({bool(choosing.choose(view).points) for _look in range(5)}) == 1


def test_what_was_never_tried_is_tried_before_a_bin_is_handed_back(
    tmp_path: Path, view: View
) -> None:
    explorer = policy(tmp_path, 0.0, 0.999, EXPERIENCED, novelty=1.0)
    assert not explorer.choose(view).points  # it has nothing to compare with
    for number in range(4):  # of white noise: no place of a real view is like it
        explorer.trainer.consume(training_sample(number))
    explorer.trainer.state.successes = EXPERIENCED
    explorer.trainer.state.consumed = 0  # no attempt of late: the dice as at first
    points = explorer.choose(view).points
    assert points
    assert {point.source for point in points} == {Source.NOVELTY}
