"""Examples on disk: as many places as are kept, filled one after the other, again and again."""

import os
from pathlib import Path

import numpy as np

from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.replay import CAPACITY, Example


class ExampleFile:
    """A learner's replay memory on disk, so that a restart need not look at old images again.

    It has one place more than examples are kept: the one that is written, and may be lost to a
    kill, takes no place of those that are needed.

    Args:
        path: made when missing.
        channels, size: of the patches (channels, size, size).
        capacity: of the newest examples that can be read.
    """

    def __init__(
        self, path: str | Path, channels: int, size: int, capacity: int = CAPACITY
    ) -> None:
        self.path = Path(path)
        self._capacity = capacity
        self._dtype = np.dtype(
            [
                ("label", "<f4"),
                ("prior_logit", "<f4"),
                ("patch", "<f2", (channels, size, size)),
            ]
        )
        self.path.touch()

    def write(self, number: int, example: Example) -> None:
        """Write an example; on return it is on the disk.

        Args:
            number: of the example, 0-based; the one before is there.

        Raises:
            CheckpointError: a number is not finite; nothing is written.
            OSError: the disk is full; the examples before are whole.
            ValueError: the patch is of another shape.
        """
        records = np.zeros(1, dtype=self._dtype)
        records["label"], records["prior_logit"] = example.label, example.prior_logit
        records["patch"] = example.patch
        self._check_finite(records[0], number)
        with self.path.open("r+b") as file:
            file.seek(self._place(number) * self._dtype.itemsize)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def read(self, count: int) -> list[Example]:
        """Return the newest of `count` examples that were written, oldest first.

        Raises:
            CheckpointError: some are missing, or a number in the file is not finite.
        """
        there = self.path.stat().st_size // self._dtype.itemsize
        if there < min(count, self._capacity + 1):
            raise CheckpointError(
                f"'{self.path}' holds {there} of {count} examples; restore it, or move the folder "
                "away: a trainer node learns again from its attempt log"
            )
        wanted = range(max(0, count - self._capacity), count)
        if not wanted:
            return []
        records = np.memmap(self.path, self._dtype, "r", shape=(there,))
        return [self._example(records[self._place(number)], number) for number in wanted]

    def _example(self, record: np.void, number: int) -> Example:
        self._check_finite(record, number)
        patch = np.array(record["patch"])
        return Example(patch, float(record["prior_logit"]), float(record["label"]))

    def _place(self, number: int) -> int:
        return number % (self._capacity + 1)

    def _check_finite(self, record: np.void, number: int) -> None:
        if not all(np.isfinite(record[name]).all() for name in self._dtype.names or ()):
            raise CheckpointError(
                f"'{self.path}': example {number} holds numbers that are not finite; move the "
                "folder away: a trainer node learns again from its attempt log"
            )
