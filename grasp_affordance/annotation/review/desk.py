"""What the review page may ask and change, without HTTP."""

import threading
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.decisions import (
    Decision,
    decision_to_dict,
    read_decisions,
    write_decisions,
)
from grasp_affordance.annotation.records import PairRecord, read_pairs, rectangle_to_dict
from grasp_affordance.errors import SequenceError


class Desk:
    """The labels of one folder on a reviewer's desk; safe to use from several threads.

    Attributes:
        labels: the folder.
        frames: folder of the sequence.

    Raises:
        SequenceError: the folder holds no readable labels or decisions.
    """

    def __init__(self, labels: Path) -> None:
        self.labels = labels.resolve()
        self._content = read_pairs(labels)
        self._indices = {pair.index for pair in self._content.pairs}
        self._lock = threading.Lock()
        self.frames = Path(self._content.sequence)
        read_decisions(labels)  # a damaged file is named now, not at the first click

    def describe(self) -> dict[str, Any]:
        """Return the pairs with their decisions, in the form of the page."""
        with self._lock:
            decisions = read_decisions(self.labels)
        camera = self._content.camera
        return {
            "folder": str(self.labels),
            "size": [camera["width"], camera["height"]],
            "pairs": [_describe(pair, decisions.get(pair.index)) for pair in self._content.pairs],
        }

    def decide(self, index: int, decision: Decision | None) -> None:
        """Keep a decision; None takes the present one back.

        Raises:
            SequenceError: there is no such pair, or the decisions cannot be read.
        """
        if index not in self._indices:
            raise SequenceError(f"{self.labels} has no pair {index}")
        with self._lock:
            decisions = read_decisions(self.labels)
            decisions.pop(index, None)
            if decision is not None:
                decisions[index] = decision
            write_decisions(self.labels, decisions)


def _describe(pair: PairRecord, decision: Decision | None) -> dict[str, Any]:
    return {
        "index": pair.index,
        "frames": list(pair.frames),
        "status": pair.status.value,
        "reason": None if pair.reason is None else pair.reason.value,
        "detail": pair.detail,
        "rectangles": [rectangle_to_dict(rectangle) for rectangle in pair.rectangles],
        "mask": pair.mask,
        "decision": None if decision is None else decision_to_dict(decision),
    }
