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
                ("weight", "<f4"),
                ("parent", "<i4"),
                ("prior_logit", "<f2", (size, size)),
                ("patch", "<f2", (channels, size, size)),
            ]
        )
        self.path.touch()
        self.truncate(len(self))

    def __len__(self) -> int:
        return self.path.stat().st_size // self._dtype.itemsize

    def append(self, *examples: Example) -> None:
        """Write examples; on return all of them are on the disk.

        Raises:
            CheckpointError: a number is not finite; nothing is written.
            OSError: the disk is full; the file is cut back to whole records when next opened.
            ValueError: the patch is of another shape.
        """
        if not examples:
            return
        records = np.zeros(len(examples), dtype=self._dtype)
        for record, example in zip(records, examples, strict=True):
            record["label"], record["weight"] = example.label, example.weight
            record["parent"] = example.parent
            record["prior_logit"] = example.prior_logit
            record["patch"] = example.patch
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
            Example(
                record["patch"].copy(),
                record["prior_logit"].copy(),
                float(record["label"]),
                float(record["weight"]),
                int(record["parent"]),
            )
            for record in records
        ]

    def _check_finite(self, records: NDArray[np.void]) -> None:
        wrong = [
            number
            for number, record in enumerate(records)
            if not all(np.isfinite(record[name]).all() for name in self._dtype.names or ())
        ]
        if wrong:
            raise CheckpointError(
                f"'{self.path}': {len(wrong)} of {len(records)} examples hold numbers that are not "
                "finite; move the folder away: a trainer node learns again from its attempt log"
            )
