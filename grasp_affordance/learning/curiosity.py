"""Whether what is held for hopeless is put to the test: the dice are cast once per bin."""

import numpy as np

_LOOKS = 12  # at a bin before it is handed over: ten with nothing to offer, and some before

_SALT = 17  # tells these draws from those of exploration


class Curiosity:
    """Decides for views in which nothing reaches the success rate that is asked for.

    A cell looks at such a bin several times before it hands it over. Dice that were cast anew at
    each look would try the same bad point in two of five bins, not in one of twenty. So a verdict
    stands until an attempt is made, or until as many looks as one bin gets are over: a learner that
    holds everything for hopeless is not left with that for ever.

    Args:
        probability: of trying the best point all the same.
        apprenticeship: successes before which it always tries: who has had few knows little yet.
        seed: of the dice.
    """

    def __init__(self, probability: float, apprenticeship: int, seed: int) -> None:
        self._probability, self._apprenticeship, self._seed = probability, apprenticeship, seed
        self._attempts, self._looks = -1, 0

    def tries(self, attempts: int, successes: int) -> bool:
        """Return whether the best point is tried all the same.

        Args:
            attempts, successes: so far.
        """
        if successes < self._apprenticeship:
            return True
        if attempts != self._attempts:
            self._attempts, self._looks = attempts, 0
        bins, self._looks = self._looks // _LOOKS, self._looks + 1
        rng = np.random.default_rng([self._seed, _SALT, attempts, bins])
        return bool(rng.random() < self._probability)
