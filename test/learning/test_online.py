"""The policy that learns while it picks: when it hands a bin back, when it tries all the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.rendered_scene import Block, camera_at, open_bin, render
from helpers.synthetic_training_samples import CONFIG, training_sample

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig, best_anyway
from grasp_affordance.cell import BinGeometry, Cup
from grasp_affordance.learning.novelty_exploration import NoveltyConfig
from grasp_affordance.learning.online import OnlineConfig, OnlinePolicy
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Source

T = camera_at(60, 0.7)
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
EXPERIENCED = NoveltyConfig().warm_up_successes


@pytest.fixture(scope="module")
def view() -> View:
    box = Block((-0.06, -0.05, 0.0), (0.06, 0.05, 0.05))
    frame = render([*open_bin(), box], T, noise=0.0007, holes=0.01)
    return View(frame, T, BIN, Cup(), np.random.default_rng(0))


def policy(
    folder: Path, below_threshold: float, asked_for: float, successes: int, novel: float = 0.0
) -> OnlinePolicy:
    trainer = Trainer(CONFIG, folder)
    trainer.state.successes = successes
    novelty = NoveltyConfig(below_threshold, novel)
    return OnlinePolicy(trainer, OnlineConfig(novelty=novelty, min_probability=asked_for))


def test_what_promises_too_little_is_handed_back(tmp_path: Path, view: View) -> None:
    assert policy(tmp_path / "modest", 0.0, 0.01, EXPERIENCED).choose(view).points
    demanding = policy(tmp_path / "demanding", 0.0, 0.999, EXPERIENCED)
    assert not demanding.choose(view).points


def test_an_apprentice_and_the_novelty_try_what_promises_too_little(
    tmp_path: Path, view: View
) -> None:
    apprentice = policy(tmp_path / "apprentice", 0.0, 0.999, EXPERIENCED - 1).choose(view)
    novelty = policy(tmp_path / "novelty", 1.0, 0.999, EXPERIENCED).choose(view)
    assert apprentice.points
    assert novelty.points
    assert max(point.probability for point in novelty.points) < 0.999
    assert {point.source for point in novelty.points} == {Source.LEARNED}


def test_a_result_stands_however_often_a_bin_is_looked_at(tmp_path: Path, view: View) -> None:
    choosing = policy(tmp_path, 0.3, 0.999, EXPERIENCED)
    for attempts in range(6):
        choosing.trainer.state.consumed = attempts
        assert len({bool(choosing.choose(view).points) for _look in range(5)}) == 1


def test_what_was_never_tried_is_tried_before_a_bin_is_handed_back(
    tmp_path: Path, view: View
) -> None:
    inquisitive = policy(tmp_path, 0.0, 0.999, EXPERIENCED, novel=1.0)
    assert not inquisitive.choose(view).points  # it has no training sample to compare with
    for number in range(4):  # of white noise: no place of a real view is like it
        inquisitive.trainer.consume(training_sample(number))
    inquisitive.trainer.state.successes = EXPERIENCED
    inquisitive.trainer.state.consumed = 0  # no attempt of late: the dice as at first
    points = inquisitive.choose(view).points
    assert points
    assert {point.source for point in points} == {Source.NOVELTY}


def test_the_best_anyway_are_the_points_that_no_threshold_keeps_back(view: View) -> None:
    config = PredictorConfig(candidates=CandidateConfig(min_probability=0.999))
    predictor = AffordancePredictor(config)
    prediction = predictor.predict(view.frame, BinView(T_base_camera=T, bin=BIN))
    assert not prediction.selection.points
    modest = replace(config, candidates=replace(config.candidates, min_probability=0.0))
    every = AffordancePredictor(modest).predict(view.frame, BinView(T_base_camera=T, bin=BIN))
    anyway = best_anyway(prediction, Source.PRIOR, config.candidates)
    assert [(p.u, p.v) for p in anyway.points] == [(p.u, p.v) for p in every.selection.points]
    assert anyway.points
