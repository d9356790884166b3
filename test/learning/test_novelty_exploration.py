"""Novelty exploration is cast once per bin, not at every look at it."""

import math

import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.novelty_exploration import NoveltyConfig, NoveltyExploration, Try

SHARE = 0.05
WARM_UP_SUCCESSES = 8


def novelty(
    below_threshold: float = SHARE, novel: float = 0.0, decay: float = 200.0, seed: int = 3
) -> NoveltyExploration:
    return NoveltyExploration(NoveltyConfig(below_threshold, novel, decay, WARM_UP_SUCCESSES), seed)


def results(novelty: NoveltyExploration, count: int) -> list[Try]:
    """Return what is tried at the first look after each of so many attempts."""
    return [novelty.tries(attempts, successes=WARM_UP_SUCCESSES) for attempts in range(count)]


def test_the_share_of_attempts_at_which_it_tries_the_best_is_the_probability() -> None:
    share = results(novelty(), 4000).count(Try.BEST) / 4000
    assert abs(share - SHARE) < 4 * (SHARE * (1 - SHARE) / 4000) ** 0.5


def test_unfamiliar_places_are_tried_less_and_less() -> None:
    decay, count = 1000.0, 4000
    found = results(novelty(0.0, 0.5, decay), count)
    for begin in (0, 2000):
        chances = [0.5 * 5 ** (-n / decay) for n in range(begin, begin + 2000)]
        tried = found[begin : begin + 2000].count(Try.NOVEL)
        spread = math.sqrt(sum(p * (1 - p) for p in chances))
        assert abs(tried - sum(chances)) < 4 * spread


def test_the_hopeless_come_first_and_their_share_does_not_depend_on_the_unfamiliar() -> None:
    alone, beside = results(novelty(), 1000), results(novelty(novel=1.0), 1000)
    assert [v is Try.BEST for v in alone] == [v is Try.BEST for v in beside]


def test_looking_again_at_a_bin_does_not_cast_the_dice_again() -> None:
    novelty = novelty(novel=0.5)
    for attempts in range(200):
        looks = {novelty.tries(attempts, successes=WARM_UP_SUCCESSES) for _look in range(11)}
        assert len(looks) == 1


def test_who_holds_everything_for_hopeless_tries_in_the_end() -> None:
    novelty = novelty()
    looks = next(
        look
        for look in range(20_000)
        if novelty.tries(70, successes=WARM_UP_SUCCESSES) is not Try.NOTHING
    )
    assert looks >= 11


def test_without_novelty_nothing_hopeless_is_tried() -> None:
    novelty = novelty(0.0)
    tries = {novelty.tries(look // 50, successes=WARM_UP_SUCCESSES) for look in range(1000)}
    assert tries == {Try.NOTHING}


def test_whoever_goes_on_after_a_restart_casts_the_same_dice() -> None:
    one = [
        novelty(0.5, 0.5).tries(attempts, successes=WARM_UP_SUCCESSES) for attempts in range(100)
    ]
    assert one == results(novelty(0.5, 0.5), 100)
    assert one != results(novelty(0.5, 0.5, seed=4), 100)


def test_an_apprentice_always_tries_the_best() -> None:
    novelty = novelty(0.0, 1.0)
    assert {novelty.tries(attempts, WARM_UP_SUCCESSES - 1) for attempts in range(100)} == {Try.BEST}


@pytest.mark.parametrize(
    "options",
    [{"below_threshold": 1.1}, {"novel": -0.1}, {"decay": 0.0}, {"warm_up_successes": -1}],
)
def test_what_is_no_probability_or_no_time_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="novelty"):
        NoveltyConfig(**options)  # type: ignore[arg-type]
