"""Examples on disk: fixed-size records, appended, whole up to the last one after any kill."""

import os
from pathlib import Path

import numpy as np

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
            OSError: the disk is full; the file is cut back to whole records when next opened.
            ValueError: the patch is of another shape.
        """
        record = np.zeros((), dtype=self._dtype)
        record["label"], record["prior_logit"] = example.label, example.prior_logit
        record["patch"] = example.patch
        with self.path.open("ab") as file:
            file.write(record.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def truncate(self, count: int) -> None:
        """Keep the first `count` examples only; what is not there does not come into being."""
        os.truncate(self.path, min(count, len(self)) * self._dtype.itemsize)

    def read(self) -> list[Example]:
        """Return all examples, oldest first."""
        return [
            Example(record["patch"].copy(), float(record["prior_logit"]), float(record["label"]))
            for record in np.fromfile(self.path, dtype=self._dtype)
        ]
