"""The examples that a learner keeps, and how it draws from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Example:
    """One executed pick.

    Attributes:
        patch: (channels, S, S) float16 features around the cell; S is odd.
        prior_logit: of the seal prior at the cell.
        label: 1 success, 0 failure.
    """

    patch: NDArray[np.float16]
    prior_logit: float
    label: float


class Replay:
    """All examples of a learner, in order of arrival, with draws that depend on nothing else."""

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self._positive: list[int] = []
        self._negative: list[int] = []

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def failures(self) -> int:
        """Return the number of examples that are labelled a failure."""
        return len(self._negative)

    def add(self, example: Example) -> None:
        """Keep an example."""
        chosen = self._positive if example.label > 0.5 else self._negative
        chosen.append(len(self.examples))
        self.examples.append(example)

    def draw(
        self, count: int, newest: int, rng: np.random.Generator
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Draw indices, half of them successes where there are any, and their weights.

        The weights give each label back its true share, so that the predicted probabilities stay
        those of the attempts: balance serves the gradient's variance, not its mean.

        Args:
            count: of the draws, with replacement.
            newest: this many of the newest examples are always among them, `count` at most.
        """
        total, newest = len(self.examples), min(newest, count)
        first = list(range(max(0, total - newest), total))
        both = bool(self._positive and self._negative)
        drawn, weights = list(first), [1.0] * len(first)
        for label, members in ((1, self._positive), (0, self._negative)):
            share = len(members) / total
            size = round((count - len(first)) * (0.5 if both else share))
            half = size + (label * (count - len(first) - 2 * size) if both else 0)
            if members:
                drawn += [members[i] for i in rng.integers(0, len(members), half)]
                weights += [2.0 * share if both else 1.0] * half
        return drawn, np.asarray(weights, dtype=np.float32)
