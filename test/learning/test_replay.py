"""Replay draws are balanced, unbiased and repeatable; examples survive a kill."""

from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.learning.example_file import ExampleFile
from grasp_affordance.learning.replay import Example, Replay


def example(label: float, seed: int = 0) -> Example:
    patch = np.random.default_rng(seed).normal(size=(3, 5, 5)).astype(np.float16)
    return Example(patch, float(seed), label)


def filled(successes: int, failures: int) -> Replay:
    replay = Replay()
    for i in range(successes + failures):
        replay.add(example(float(i < successes), i))
    return replay


def test_draws_are_half_successes_whatever_their_share() -> None:
    replay = filled(5, 195)
    drawn, _ = replay.draw(400, newest=1, rng=np.random.default_rng(0))
    successes = sum(replay.examples[i].label for i in drawn)
    assert successes == pytest.approx(200, abs=1)


@pytest.mark.parametrize(("successes", "failures"), [(5, 195), (150, 50), (1, 1)])
def test_weights_give_the_labels_back_their_shares(successes: int, failures: int) -> None:
    replay = filled(successes, failures)
    drawn, weights = replay.draw(2000, newest=1, rng=np.random.default_rng(0))
    labels = np.array([replay.examples[i].label for i in drawn])
    share = float((weights * labels).sum() / weights.sum())
    assert share == pytest.approx(successes / (successes + failures), abs=0.01)


def test_the_newest_examples_are_always_drawn() -> None:
    replay = filled(50, 50)
    drawn, _ = replay.draw(16, newest=4, rng=np.random.default_rng(0))
    assert {96, 97, 98, 99} <= set(drawn)


@pytest.mark.parametrize(("successes", "failures"), [(7, 0), (0, 7), (1, 0)])
def test_one_kind_of_label_alone_can_be_drawn(successes: int, failures: int) -> None:
    drawn, weights = filled(successes, failures).draw(20, 4, np.random.default_rng(0))
    assert len(drawn) == len(weights) == 20
    assert (weights == 1).all()


def test_a_batch_smaller_than_the_newest_holds_the_newest_only() -> None:
    drawn, weights = filled(6, 6).draw(4, newest=8, rng=np.random.default_rng(0))
    assert drawn == [8, 9, 10, 11]
    assert len(weights) == 4


def test_the_same_generator_draws_the_same() -> None:
    replay = filled(20, 30)
    first, _ = replay.draw(32, 2, np.random.default_rng([1, 2]))
    second, _ = replay.draw(32, 2, np.random.default_rng([1, 2]))
    assert first == second


def test_examples_read_back_as_written(tmp_path: Path) -> None:
    file = ExampleFile(tmp_path / "examples.bin", 3, 5)
    for i in range(4):
        file.append(example(float(i % 2), i))
    for i, read in enumerate(ExampleFile(tmp_path / "examples.bin", 3, 5).read()):
        np.testing.assert_array_equal(read.patch, example(0, i).patch)
        assert (read.prior_logit, read.label) == (float(i), float(i % 2))


def test_an_unfinished_record_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "examples.bin"
    file = ExampleFile(path, 3, 5)
    file.append(example(1.0))
    with path.open("ab") as stream:
        stream.write(b"in flight")
    again = ExampleFile(path, 3, 5)
    assert len(again) == 1
    again.append(example(0.0, 7))
    assert [e.label for e in again.read()] == [1.0, 0.0]


def test_a_patch_of_another_shape_is_refused(tmp_path: Path) -> None:
    file = ExampleFile(tmp_path / "examples.bin", 3, 7)
    with pytest.raises(ValueError, match="broadcast"):
        file.append(example(1.0))
    assert len(file) == 0
