"""Following a log: what was missed is caught up with, what does not belong is refused."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.ros_scenes import T_BASE_CAMERA, box_pixels
from helpers.training_sample_log import BIN, CELL, SMALL, log_of, picked

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.network.checkpoint import read_checkpoint
from grasp_affordance.affordance.network.compact_checkpoint import weights_of
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.predictor import AffordancePredictor
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.learning.log.follower import AttemptReader, LogTrainer, setup_for
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.learning.training_samples import training_sample_of

SETUP = LogSetup.of(CELL)
PREDICTOR = SETUP.predictor
VIEW = BinView(bin=BIN)


def following(folder: Path, weights: Path | None = None) -> LogTrainer:
    return LogTrainer(lambda: begin_or_resume(SMALL, weights or folder / "weights"), folder, SETUP)


def consume_all(source: LogTrainer) -> int:
    count = 0
    while source.step() is not None:
        count += 1
    return count


def test_a_training_sample_shows_what_the_model_is_asked_about(tmp_path: Path) -> None:
    """The probability that is trained at a pixel is the one that the node will predict there."""
    attempt = picked(0)
    training_sample = training_sample_of(attempt, PREDICTOR, SMALL.learner.network)
    trainer = begin_or_resume(SMALL, tmp_path)
    assert training_sample.view is not None
    assert attempt.before is not None
    trained = trainer.learner.predict(training_sample.view).probability
    model = CompactModel(read_checkpoint(trainer.report().checkpoint))
    seen = BinView(T_BASE_CAMERA, BIN)
    served = AffordancePredictor(PREDICTOR, model).predict(attempt.before, seen).raw
    row, column = training_sample.view.grid.cell(training_sample.u, training_sample.v)
    assert served[training_sample.v, training_sample.u] == pytest.approx(
        trained[row, column], abs=0.02
    )


def test_attempts_that_come_later_and_attempts_that_were_missed_are_learned_from(
    tmp_path: Path,
) -> None:
    log = log_of(tmp_path, 3)
    source = following(tmp_path)
    assert consume_all(source) == 3
    assert source.step() is None
    log.append(picked(3))
    assert consume_all(source) == 1
    log.close()
    log_of(tmp_path, 6)  # while nobody looked
    later = following(tmp_path)
    assert consume_all(later) == 2
    assert later.trainer.state.consumed == 6


def test_a_point_is_known_by_the_weights_that_served_it(tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    source = following(tmp_path)
    consume_all(source)
    log.append(replace(picked(1), model_version=source.trainer.state.version))
    consume_all(source)
    assert [served.lift is None for served in source.trainer.state.history] == [True, False]


def test_a_line_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    path = tmp_path / "attempts.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    reader = AttemptReader(tmp_path)
    assert reader.next() is not None
    assert reader.next() is None
    path.write_bytes(whole)
    assert reader.next() is not None


def test_what_only_color_shows_is_learned_in_tens_of_attempts(tmp_path: Path) -> None:
    log_of(tmp_path, 40)
    source = following(tmp_path)
    consume_all(source)
    model = CompactModel(read_checkpoint(source.trainer.report().checkpoint))
    attempt = picked(100)
    assert attempt.before is not None
    seen = BinView(T_BASE_CAMERA, BIN)
    map_ = AffordancePredictor(PREDICTOR, model).predict(attempt.before, seen).affordance
    red, yellow = (float(np.median(map_[box_pixels(box)])) for box in (0, 1))
    assert red - yellow > 0.4  # nothing but the color tells them apart


@pytest.mark.parametrize(
    ("key", "value"),
    [("cup.radius", 0.015), ("bin.floor", 0.002), ("bin.size", [0.8, 0.6, 0.13])],
)
def test_a_log_of_another_cell_is_refused_by_key(tmp_path: Path, key: str, value: Any) -> None:
    log_of(tmp_path, 1, CELL.changed({key: value}))
    said = rf"cell\.{re.escape(key)} is {re.escape(str(value))} in the log, "
    with pytest.raises(ConfigError, match=said):
        following(tmp_path).step()
    with pytest.raises(ConfigError, match=said):
        setup_for(tmp_path, CELL)


@pytest.mark.parametrize("key", ["seal.roughness", "region.clearance", "minimum_depth"])
def test_a_log_of_another_way_to_see_is_refused_by_key(tmp_path: Path, key: str) -> None:
    """As another version of this package, with other constants, would have written it."""
    log_of(tmp_path, 1)
    path = tmp_path / "setup.json"
    data = json.loads(path.read_text())
    group = data["predictor"]
    *groups, last = key.split(".")
    for name in groups:
        group = group[name]
    was, group[last] = group[last], 0.0123
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match=rf"predictor\.{key} is 0\.0123 in the log, {was} here"):
        setup_for(tmp_path, CELL)
    assert setup_for(tmp_path, None).predictor != PREDICTOR  # what the log says is what is taken


def test_a_log_tells_all_that_its_attempts_were_evaluated_by(tmp_path: Path) -> None:
    cell = CELL.changed({"cup.radius": 0.012, "offer.min_probability": 0.1, "arm.speed": 0.2})
    log_of(tmp_path, 1, cell)
    found = setup_for(tmp_path, None)
    assert found == LogSetup.of(cell)
    assert found.predictor.cup.radius == 0.012
    assert found.cell.bin == BIN


def test_what_does_not_decide_how_a_view_is_seen_may_change_and_the_log_has_the_newest(
    tmp_path: Path,
) -> None:
    log_of(tmp_path, 1).close()
    later = CELL.changed({"arm.speed": 0.2, "offer.min_probability": 0.1, "camera.max_age": 9.0})
    log_of(tmp_path, 2, later).close()
    assert LogSetup.read(tmp_path).cell == later
    assert setup_for(tmp_path, CELL).cell == later
    with pytest.raises(AttemptLogError, match=r"cell\.cup\.tilt was 0\.2\d*, is 0\.3"):
        log_of(tmp_path, 2, later.changed({"cup.tilt": 0.3}))


def test_a_log_that_is_not_there_yet_is_that_of_the_cell(tmp_path: Path) -> None:
    assert setup_for(tmp_path, CELL) == SETUP
    with pytest.raises(ConfigError, match="start the executor first, or name the cell"):
        setup_for(tmp_path, None)


def test_a_log_that_is_not_the_one_learned_from_is_refused(tmp_path: Path) -> None:
    log_of(tmp_path / "long", 3)
    consume_all(following(tmp_path / "long", tmp_path / "weights"))
    log_of(tmp_path / "short", 1)
    with pytest.raises(AttemptLogError, match="2 attempts less"):
        following(tmp_path / "short", tmp_path / "weights").step()


def test_after_an_error_training_goes_on_from_the_disk_without_loss(tmp_path: Path) -> None:
    log_of(tmp_path, 4)
    source = following(tmp_path)
    source.step()
    examples = tmp_path / "weights" / "examples.bin"
    state = tmp_path / "weights" / "trainer.safetensors"
    kept = state.read_bytes()
    examples.rename(tmp_path / "hidden")
    examples.mkdir()  # nothing can be appended to it
    with pytest.raises(CheckpointError, match="cannot be written"):
        source.step()
    assert state.read_bytes() == kept
    examples.rmdir()
    (tmp_path / "hidden").rename(examples)
    assert consume_all(source) == 3
    whole = following(tmp_path, tmp_path / "undisturbed")
    consume_all(whole)
    pairs = zip(
        source.trainer.learner.weights().values(),
        whole.trainer.learner.weights().values(),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def test_given_weights_serve_unchanged_until_the_first_training_sample(tmp_path: Path) -> None:
    log_of(tmp_path, 20)
    teacher = following(tmp_path)
    consume_all(teacher)
    given = Path(teacher.trainer.report().checkpoint)
    pupil = begin_or_resume(SMALL, tmp_path / "pupil", given)
    served = read_checkpoint(pupil.report().checkpoint)
    first = read_checkpoint(given)
    assert served.config == first.config  # the network and the correction of its probabilities
    # What the teacher tried is no weight: the pupil has not tried it.
    one, other = weights_of(served), weights_of(first)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    given.unlink()
    assert begin_or_resume(SMALL, tmp_path / "pupil").state.version == pupil.state.version
