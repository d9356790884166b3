"""The examples that a learner keeps, and how it draws from them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CAPACITY = 5000
"""Examples that are kept, in memory and on the disk; 300 MB."""


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
    """The newest examples of a learner, in order of arrival.

    Draws depend on nothing else. A robot that picks for weeks has no room for all examples, and
    what was in the bin long ago says little about what is in it now.

    Attributes:
        count: examples that have arrived; the next one has this number.
        failures: of these, that are labelled a failure.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.count = self.failures = 0
        self._capacity = capacity
        self._kept: dict[int, Example] = {}
        self._positive: deque[int] = deque()
        self._negative: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, number: int) -> Example:
        return self._kept[number]

    def newest(self, count: int) -> list[Example]:
        """Return the newest examples, at most `count`, oldest first."""
        return [self._kept[n] for n in range(self.count - min(count, len(self)), self.count)]

    def add(self, example: Example) -> None:
        """Keep an example; the oldest goes where there is no room."""
        positive = example.label > 0.5
        (self._positive if positive else self._negative).append(self.count)
        self._kept[self.count] = example
        self.count += 1
        self.failures += not positive
        if len(self) > self._capacity:
            oldest = self.count - len(self)
            went = self._kept.pop(oldest)
            (self._positive if went.label > 0.5 else self._negative).popleft()

    def go_on(self, examples: Sequence[Example], count: int, failures: int) -> None:
        """Begin with the newest examples of an earlier life.

        Args:
            count, failures: of all that it had, these included.
        """
        self.count = count - len(examples)
        for example in examples:
            self.add(example)
        self.failures = failures

    def draw(
        self, count: int, newest: int, rng: np.random.Generator
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Draw numbers of examples, half of them successes where there are any, and their weights.

        The weights give each label back its true share, so that the predicted probabilities stay
        those of the attempts: balance serves the gradient's variance, not its mean.

        Args:
            count: of the draws, with replacement.
            newest: this many of the newest examples are always among them, `count` at most.
        """
        total, newest = len(self), min(newest, count, len(self))
        first = list(range(self.count - newest, self.count))
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
