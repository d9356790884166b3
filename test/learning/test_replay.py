"""Replay draws are balanced, unbiased and repeatable; examples survive a kill."""

from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.errors import CheckpointError
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
    successes = sum(replay[i].label for i in drawn)
    assert successes == pytest.approx(200, abs=1)


@pytest.mark.parametrize(("successes", "failures"), [(5, 195), (150, 50), (1, 1)])
def test_weights_give_the_labels_back_their_shares(successes: int, failures: int) -> None:
    replay = filled(successes, failures)
    drawn, weights = replay.draw(2000, newest=1, rng=np.random.default_rng(0))
    labels = np.array([replay[i].label for i in drawn])
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


def test_the_oldest_examples_go_where_there_is_no_room() -> None:
    replay = Replay(capacity=10)
    for number in range(25):
        replay.add(example(float(number % 5 == 0), number))
    assert (len(replay), replay.count, replay.failures) == (10, 25, 20)
    assert [e.prior_logit for e in replay.newest(3)] == [22, 23, 24]
    drawn, weights = replay.draw(4000, newest=1, rng=np.random.default_rng(0))
    assert set(drawn) == set(range(15, 25))
    labels = np.array([replay[number].label for number in drawn])
    assert (weights * labels).sum() / weights.sum() == pytest.approx(0.2, abs=0.01)


def test_a_memory_that_goes_on_draws_what_one_that_never_stopped_draws() -> None:
    whole, again = Replay(capacity=10), Replay(capacity=10)
    for number in range(23):
        whole.add(example(float(number % 3 == 0), number))
    again.go_on(whole.newest(10), whole.count, whole.failures)
    assert (again.count, again.failures) == (whole.count, whole.failures)
    for seed in range(5):
        first, _ = whole.draw(16, 4, np.random.default_rng(seed))
        second, _ = again.draw(16, 4, np.random.default_rng(seed))
        assert first == second
        assert [whole[n].prior_logit for n in first] == [again[n].prior_logit for n in second]


@pytest.mark.parametrize("count", [0, 3, 4, 5, 6, 11, 12])
def test_the_newest_examples_read_back_as_written(tmp_path: Path, count: int) -> None:
    file = ExampleFile(tmp_path / "examples.bin", 3, 5, capacity=4)
    for i in range(count):
        file.write(i, example(float(i % 2), i))
    read = ExampleFile(tmp_path / "examples.bin", 3, 5, capacity=4).read(count)
    assert [e.prior_logit for e in read] == list(range(max(0, count - 4), count))
    for each in read:
        i = int(each.prior_logit)
        np.testing.assert_array_equal(each.patch, example(0, i).patch)
        assert each.label == i % 2
    assert (tmp_path / "examples.bin").stat().st_size == min(count, 5) * (8 + 2 * 75)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_an_example_that_a_kill_left_unfinished_costs_no_other(tmp_path: Path, count: int) -> None:
    path = tmp_path / "examples.bin"
    file = ExampleFile(path, 3, 5, capacity=4)
    for i in range(count):
        file.write(i, example(1.0, i))
    size = 8 + 2 * 75
    with path.open("r+b") as stream:
        stream.seek(count % 5 * size)
        stream.write(b"in flight")
    again = ExampleFile(path, 3, 5, capacity=4)
    kept = [e.prior_logit for e in again.read(count)]
    assert kept == list(range(max(0, count - 4), count))
    again.write(count, example(0.0, count))
    assert [e.label for e in again.read(count + 1)][-2:] == [1.0, 0.0]


def test_examples_that_are_missing_are_named(tmp_path: Path) -> None:
    file = ExampleFile(tmp_path / "examples.bin", 3, 5, capacity=4)
    file.write(0, example(1.0))
    with pytest.raises(CheckpointError, match="holds 1 of 2 examples"):
        file.read(2)


def test_a_patch_of_another_shape_is_refused(tmp_path: Path) -> None:
    file = ExampleFile(tmp_path / "examples.bin", 3, 7)
    with pytest.raises(ValueError, match="broadcast"):
        file.write(0, example(1.0))
    assert file.read(0) == []
