"""Exploration follows equation 4 and depends on nothing but seed and attempt."""

import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.exploration import ExplorationSchedule, explores, generator


@pytest.mark.parametrize(
    ("attempts", "expected"), [(0, 0.5), (1000, 0.1), (2000, 0.02), (500, 0.5 / 5**0.5)]
)
def test_the_schedule_is_equation_four(attempts: int, expected: float) -> None:
    assert ExplorationSchedule().probability(attempts) == pytest.approx(expected, rel=1e-12)


def test_the_share_of_exploring_attempts_is_the_probability() -> None:
    share = sum(explores(0.3, seed=4, attempt=i) for i in range(4000)) / 4000
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5


def test_draws_depend_on_seed_and_attempt_only() -> None:
    assert generator(1, 5).random() == generator(1, 5).random()
    assert generator(1, 5).random() != generator(1, 6).random()
    assert generator(1, 5).random() != generator(2, 5).random()


def test_a_probability_outside_its_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="start"):
        ExplorationSchedule(start=1.5)
