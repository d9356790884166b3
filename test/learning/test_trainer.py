"""The trainer resumes exactly, rolls back, and really learns."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.synthetic_training_samples import (
    CONFIG,
    LEARNER,
    observation,
    same_weights,
    training_sample,
)

from grasp_affordance.affordance.network.checkpoint import read_checkpoint, write_checkpoint
from grasp_affordance.affordance.network.compact_checkpoint import from_checkpoint
from grasp_affordance.affordance.network.features import SHAPE_COUNT
from grasp_affordance.affordance.network.observation import Observation
from grasp_affordance.attempt import Outcome
from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.learner import OnlineLearner
from grasp_affordance.learning.probabilities import Platt
from grasp_affordance.learning.rollback import RollbackConfig, rolls_back
from grasp_affordance.learning.trainer import Trainer


def taught(folder: Path, count: int) -> Trainer:
    trainer = Trainer(CONFIG, folder)
    while trainer.state.consumed < count:
        trainer.consume(training_sample(trainer.state.consumed))
    return trainer


def test_a_resumed_trainer_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = taught(tmp_path / "whole", 9)
    taught(tmp_path / "parts", 4)
    parts = taught(tmp_path / "parts", 9)
    assert same_weights(whole, parts)
    assert whole.state.history == parts.state.history
    assert whole.state.version == parts.state.version


def test_a_resumed_trainer_that_began_with_given_weights_equals_an_uninterrupted_one(
    tmp_path: Path,
) -> None:
    given = taught(tmp_path / "given", 5).keep()

    def pupil(name: str, count: int) -> Trainer:
        trainer = Trainer(CONFIG, tmp_path / name, given)
        while trainer.state.consumed < count:
            trainer.consume(training_sample(trainer.state.consumed + 50))
        return trainer

    whole = pupil("whole", 6)
    pupil("parts", 2)
    assert same_weights(whole, pupil("parts", 6))


def test_a_trainer_may_look_at_what_the_given_weights_have_not_seen(tmp_path: Path) -> None:
    blind = replace(LEARNER, network=replace(LEARNER.network, use_color=False))
    first = Trainer(replace(CONFIG, learner=blind), tmp_path / "given")
    first.consume(training_sample(0))
    pupil = begin_or_resume(CONFIG, tmp_path / "pupil", first.keep())
    assert pupil.learner.config.network == LEARNER.network
    color = pupil.learner.network.stem.weight[:, SHAPE_COUNT:]
    assert not color.any()
    for number in range(1, 4):
        pupil.consume(training_sample(number))
    assert color.any()
    again = begin_or_resume(CONFIG, tmp_path / "pupil")
    assert same_weights(pupil, again)


def test_weights_decide_what_is_looked_at_where_they_have_seen_more(tmp_path: Path) -> None:
    given = taught(tmp_path / "given", 1).keep()
    blind = replace(LEARNER, network=replace(LEARNER.network, use_color=False))
    pupil = begin_or_resume(replace(CONFIG, learner=blind), tmp_path / "pupil", given)
    assert pupil.learner.config.network.use_color


_KILLED = """
import sys
sys.path.insert(0, {folder!r})
from grasp_affordance.learning.trainer import Trainer
from helpers.synthetic_training_samples import CONFIG, training_sample
trainer = Trainer(CONFIG, {path!r})
while True:
    trainer.consume(training_sample(trainer.state.consumed))
    print(trainer.state.consumed, flush=True)
"""


def test_a_trainer_killed_at_any_instant_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    path = tmp_path / "killed"
    code = _KILLED.format(folder=str(Path(__file__).parents[1]), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    announced = [int(process.stdout.readline()) for _ in range(3)][-1]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    survivor = Trainer(CONFIG, path)
    count = survivor.state.consumed
    assert count >= announced
    survivor.consume(training_sample(count))
    assert same_weights(survivor, taught(tmp_path / "whole", count + 1))


def test_it_learns_what_decides_success(tmp_path: Path) -> None:
    quick = replace(LEARNER, learning_rate=1e-2, steps=4)
    trainer = Trainer(replace(CONFIG, learner=quick), tmp_path)
    for number in range(100):
        trainer.consume(training_sample(number))
    truth, predicted = [], []
    for number in range(1000, 1100):
        new = training_sample(number)
        truth.append(new.outcome is Outcome.SUCCESS)
        probability = trainer.learner.predict(observation(number)).probability
        predicted.append(probability[new.v, new.u] > 0.5)
    accuracy = float(np.mean(np.array(truth) == np.array(predicted)))
    assert accuracy > 0.7  # chance is 0.5, with a standard deviation of 0.05


def test_the_weights_in_service_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    trainer = taught(tmp_path, 5)
    kept, shown = read_checkpoint(trainer.report().checkpoint), trainer.deployed
    assert kept.config == json.loads(json.dumps(shown.config))
    assert kept.provenance == shown.provenance
    for name, tensor in trainer.learner.weights().items():
        assert torch.equal(tensor, kept.tensors[name])
        assert torch.equal(tensor, shown.tensors[name])


@pytest.mark.parametrize("outcome", [Outcome.UNCERTAIN, Outcome.ABORTED])
def test_an_attempt_without_label_changes_no_weight(tmp_path: Path, outcome: Outcome) -> None:
    trainer = taught(tmp_path, 3)
    before = trainer.learner.weights()
    report = trainer.consume(replace(training_sample(3), outcome=outcome))
    assert all(torch.equal(before[k], v) for k, v in trainer.learner.weights().items())
    assert (report.attempts, trainer.state.consumed) == (3, 4)
    assert report.quarantined == (outcome is Outcome.UNCERTAIN)


def test_what_is_served_comes_true_however_a_map_is_smoothed_before(tmp_path: Path) -> None:
    """A served point's logit lies below the map's own: smoothing and doubt lower every peak."""
    slow = replace(LEARNER, steps=1, learning_rate=1e-5)
    trainer = Trainer(replace(CONFIG, learner=slow), tmp_path)
    rng, served = np.random.default_rng(4), []
    for number in range(200):
        new = training_sample(number)
        example = trainer.learner.example(observation(number), new.u, new.v, 0.0)
        _, scale, shift = from_checkpoint(read_checkpoint(trainer.report().checkpoint))
        map_says = Platt(scale, shift)(trainer.learner.probability_of(example))
        served.append(float(Platt(shift=-1.5)(map_says)))
        outcome = Outcome.SUCCESS if rng.random() < 0.85 else Outcome.FAILURE
        trainer.consume(
            replace(new, probability=served[-1], version=trainer.state.version, outcome=outcome)
        )
    assert abs(np.mean(served[100:]) - 0.85) < 0.06  # one standard deviation: 0.036


def test_without_steps_only_the_probabilities_are_learned(tmp_path: Path) -> None:
    given = taught(tmp_path / "given", 5).keep()
    still = replace(CONFIG, learner=replace(LEARNER, steps=0))
    trainer = Trainer(still, tmp_path / "still", given)
    for number in range(6):
        trainer.consume(replace(training_sample(number), outcome=Outcome.SUCCESS))
    before, _, shift = from_checkpoint(read_checkpoint(given))
    after, _, later = from_checkpoint(read_checkpoint(trainer.report().checkpoint))
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, after.state_dict()[name])
    assert later > shift


def test_a_point_that_other_weights_served_says_nothing_of_these(tmp_path: Path) -> None:
    trainer = taught(tmp_path, 3)
    lifts = list(trainer.state.lifts.values())
    trainer.consume(
        replace(training_sample(3), probability=0.01, version="compact-000099-elsewhere")
    )
    assert trainer.state.history[-1].lift is None
    assert list(trainer.state.lifts.values()) == [*lifts, lifts[-1]]


def test_live_success_that_falls_puts_the_best_weights_back(tmp_path: Path) -> None:
    config = replace(CONFIG, rollback=RollbackConfig(window=5, drop=0.5, certainty=0.0))
    trainer = Trainer(config, tmp_path)
    for number in range(8):
        trainer.consume(replace(training_sample(number), outcome=Outcome.SUCCESS))
    events = [
        trainer.consume(replace(training_sample(number), outcome=Outcome.FAILURE)).event
        for number in range(8, 13)
    ]
    rolled = [event for event in events if event.startswith("rolled back")]
    assert len(rolled) == 1


def test_only_a_fall_beyond_chance_rolls_back() -> None:
    config = RollbackConfig(window=100, drop=0.15)
    assert rolls_back(0.60, 0.95, config)
    assert not rolls_back(0.75, 0.91, config)  # the best of many windows at 0.82 is a lucky one
    assert not rolls_back(0.86, 1.0, config)
    assert not rolls_back(float("nan"), 0.9, config)


def test_a_scene_that_has_become_harder_costs_one_rollback(tmp_path: Path) -> None:
    config = replace(CONFIG, rollback=RollbackConfig(window=4, drop=0.15, certainty=0.0))
    trainer, events = Trainer(config, tmp_path), []
    for number in range(30):
        failed = number >= 6 and number % 2 == 0
        outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
        events.append(trainer.consume(replace(training_sample(number), outcome=outcome)).event)
    assert sum(event.startswith("rolled back") for event in events) == 1


def test_who_explores_on_purpose_is_not_rolled_back_for_it(tmp_path: Path) -> None:
    config = replace(CONFIG, rollback=RollbackConfig(window=5, drop=0.15, certainty=0.0))
    trainer = Trainer(config, tmp_path)
    for number in range(6):
        trainer.consume(replace(training_sample(number), outcome=Outcome.SUCCESS))
    for number in range(6, 12):
        trying = replace(training_sample(number), outcome=Outcome.FAILURE, exploratory=True)
        assert not trainer.consume(trying).event.startswith("rolled back")


def test_a_learner_that_goes_back_resumes_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    config = replace(CONFIG, rollback=RollbackConfig(window=3))

    def learned(folder: Path, count: int) -> Trainer:
        trainer = Trainer(config, folder)
        while trainer.state.consumed < count:
            trainer.consume(training_sample(trainer.state.consumed))
            if trainer.state.consumed == 5:
                assert trainer.roll_back()
        return trainer

    whole = learned(tmp_path / "whole", 8)
    learned(tmp_path / "parts", 5)
    assert same_weights(whole, learned(tmp_path / "parts", 8))


def test_weights_say_how_many_attempts_they_have_learned_from(tmp_path: Path) -> None:
    """The best ones of five attempts served four of them, and had learned from as many."""
    config = replace(CONFIG, rollback=RollbackConfig(window=5))
    trainer, found = Trainer(config, tmp_path), []
    for number in range(7):
        outcome = Outcome.SUCCESS if number < 5 else Outcome.FAILURE
        trainer.consume(replace(training_sample(number), outcome=outcome))
        found.append(trainer.deployed.provenance)
    assert [(p.attempts, p.learned_from) for p in found] == [(n + 1, n + 1) for n in range(7)]
    assert trainer.roll_back()
    put_back = trainer.deployed.provenance
    assert (put_back.attempts, put_back.learned_from) == (7, 4)


def test_the_weights_that_are_put_back_are_those_that_served_at_the_best(tmp_path: Path) -> None:
    trainer = Trainer(replace(CONFIG, rollback=RollbackConfig(window=5)), tmp_path)
    served = []
    for number in range(7):
        served.append(trainer.learner.weights())
        outcome = Outcome.SUCCESS if number < 5 else Outcome.FAILURE
        trainer.consume(replace(training_sample(number), outcome=outcome))
    assert trainer.roll_back()
    put_back = trainer.learner.weights()
    assert all(torch.equal(tensor, put_back[name]) for name, tensor in served[4].items())
    assert not all(torch.equal(tensor, put_back[name]) for name, tensor in served[6].items())


def test_lost_examples_are_named_and_not_taken_for_failures(tmp_path: Path) -> None:
    taught(tmp_path, 4)
    (tmp_path / "examples.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match="0 of 4 examples"):
        Trainer(CONFIG, tmp_path)


def test_the_weights_that_the_state_names_are_there_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(replace(CONFIG, keep_versions=1), tmp_path)
    trainer.consume(training_sample(0))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("grasp_affordance.learning.trainer.write_state", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer.consume(training_sample(1))
    survivor = Trainer(replace(CONFIG, keep_versions=1), tmp_path)
    read_checkpoint(tmp_path / survivor.state.checkpoint)
    survivor.consume(training_sample(1))
    assert len(list(tmp_path.glob("compact-*.safetensors"))) == 1


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    taught(tmp_path, 2)
    other = replace(CONFIG, learner=replace(LEARNER, learning_rate=0.5))
    with pytest.raises(CheckpointError, match="learning_rate differ"):
        Trainer(other, tmp_path)


def test_the_state_of_a_learner_that_could_do_more_is_refused(tmp_path: Path) -> None:
    taught(tmp_path, 2)
    path = tmp_path / "trainer.safetensors"
    state = read_checkpoint(path)
    learner = {**state.config["learner"], "aim": {"reach": 3}}  # as learners had it once
    write_checkpoint(path, replace(state, config={**state.config, "learner": learner}))
    with pytest.raises(CheckpointError, match="aim differ"):
        Trainer(CONFIG, tmp_path)


def test_a_damaged_state_is_named_and_left_alone(tmp_path: Path) -> None:
    taught(tmp_path, 2)
    path = tmp_path / "trainer.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="truncated"):
        Trainer(CONFIG, tmp_path)
    assert path.stat().st_size > 0


def test_predictions_turn_with_the_scene() -> None:
    """Features are scalars, so only training noise can break the symmetry of the mean."""
    learner = OnlineLearner(LEARNER)
    view = observation(0)
    turned = Observation(
        view.grid, np.rot90(view.features, 2, (1, 2)).copy(), np.rot90(view.prior_logit, 2).copy()
    )
    for parameter in learner.network.parameters():
        if parameter.ndim == 4 and parameter.shape[-1] == 3:  # make the kernels symmetric
            parameter.data = (parameter.data + parameter.data.flip((-2, -1))) / 2
    straight = learner.predict(view).probability
    np.testing.assert_allclose(
        np.rot90(learner.predict(turned).probability, 2), straight, atol=1e-5
    )


def test_a_folder_of_another_learner_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, tmp_path)
    for number in range(3):
        trainer.consume(training_sample(number))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    farther = replace(CONFIG.learner.network, dilations=(1, 2, 4))
    other = replace(CONFIG, learner=replace(CONFIG.learner, network=farther))
    with pytest.raises(CheckpointError, match="another learner"):
        Trainer(other, tmp_path)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert after == before
