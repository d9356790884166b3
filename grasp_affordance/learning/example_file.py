"""Examples on disk: fixed-size records, appended, whole up to the last one after any kill."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.replay import Example


class ExampleFile:
    """A learner's replay memory on disk, so that a restart need not look at old images again.

    Args:
        path: made when missing; an unfinished last record is cut off.
        channels, size: of the patches (channels, size, size).
    """

    def __init__(self, path: str | Path, channels: int, size: int) -> None:
        self.path = Path(path)
        self._dtype = np.dtype(
            [
                ("label", "<f4"),
                ("prior_logit", "<f4"),
                ("patch", "<f2", (channels, size, size)),
            ]
        )
        self.path.touch()
        self.truncate(len(self))

    def __len__(self) -> int:
        return self.path.stat().st_size // self._dtype.itemsize

    def append(self, example: Example) -> None:
        """Write an example; on return it is on the disk.

        Raises:
            CheckpointError: a number is not finite; nothing is written.
            OSError: the disk is full; the file is cut back to whole records when next opened.
            ValueError: the patch is of another shape.
        """
        records = np.zeros(1, dtype=self._dtype)
        records["label"], records["prior_logit"] = example.label, example.prior_logit
        records["patch"] = example.patch
        self._check_finite(records)
        with self.path.open("ab") as file:
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def truncate(self, count: int) -> None:
        """Keep the first `count` examples only; what is not there does not come into being."""
        os.truncate(self.path, min(count, len(self)) * self._dtype.itemsize)

    def read(self) -> list[Example]:
        """Return all examples, oldest first.

        Raises:
            CheckpointError: a number in the file is not finite.
        """
        records = np.fromfile(self.path, dtype=self._dtype)
        self._check_finite(records)
        return [
            Example(record["patch"].copy(), float(record["prior_logit"]), float(record["label"]))
            for record in records
        ]

    def _check_finite(self, records: NDArray[np.void]) -> None:
        finite = np.ones(len(records), np.bool_)
        for name in self._dtype.names or ():
            values = np.isfinite(records[name])
            finite &= values.all(axis=tuple(range(1, values.ndim)))
        wrong = int((~finite).sum())
        if wrong:
            raise CheckpointError(
                f"'{self.path}': {wrong} of {len(records)} examples hold numbers that are not "
                "finite; move the folder away: a trainer node learns again from its attempt log"
            )
