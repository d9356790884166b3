"""Curiosity is cast once per bin, not at every look at it."""

from grasp_affordance.learning.curiosity import Curiosity

SHARE = 0.05
APPRENTICESHIP = 8


def test_the_share_of_attempts_at_which_it_tries_is_the_probability() -> None:
    curiosity = Curiosity(SHARE, APPRENTICESHIP, seed=3)
    share = (
        sum(curiosity.tries(attempts, successes=APPRENTICESHIP) for attempts in range(4000)) / 4000
    )
    assert abs(share - SHARE) < 4 * (SHARE * (1 - SHARE) / 4000) ** 0.5


def test_looking_again_at_a_bin_does_not_cast_the_dice_again() -> None:
    curiosity = Curiosity(SHARE, APPRENTICESHIP, seed=3)
    for attempts in range(200):
        assert (
            len({curiosity.tries(attempts, successes=APPRENTICESHIP) for _look in range(11)}) == 1
        )


def test_who_holds_everything_for_hopeless_tries_in_the_end() -> None:
    curiosity = Curiosity(SHARE, APPRENTICESHIP, seed=3)
    looks = next(look for look in range(20_000) if curiosity.tries(70, successes=APPRENTICESHIP))
    assert looks >= 11


def test_without_curiosity_nothing_hopeless_is_tried() -> None:
    curiosity = Curiosity(0.0, APPRENTICESHIP, seed=3)
    assert not any(curiosity.tries(look // 50, successes=APPRENTICESHIP) for look in range(1000))


def test_whoever_goes_on_after_a_restart_casts_the_same_dice() -> None:
    one = [
        Curiosity(0.5, APPRENTICESHIP, seed=3).tries(attempts, successes=APPRENTICESHIP)
        for attempts in range(100)
    ]
    curiosity = Curiosity(0.5, APPRENTICESHIP, seed=3)
    assert one == [curiosity.tries(attempts, successes=APPRENTICESHIP) for attempts in range(100)]
    other = Curiosity(0.5, APPRENTICESHIP, seed=4)
    assert one != [other.tries(attempts, successes=APPRENTICESHIP) for attempts in range(100)]


def test_an_apprentice_always_tries() -> None:
    curiosity = Curiosity(0.0, APPRENTICESHIP, seed=3)
    assert all(curiosity.tries(attempts, APPRENTICESHIP - 1) for attempts in range(100))
