"""What the review page may ask and change, without HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.decisions import (
    Decision,
    decision_to_dict,
    read_decisions,
    write_decisions,
)
from grasp_affordance.annotation.formats.label_folder import claim_labels
from grasp_affordance.annotation.records import (
    PairRecord,
    PairsFile,
    pair_digest,
    read_pairs,
    rectangle_to_dict,
)
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import Closing


class Desk(Closing):
    """The labels of one folder on a reviewer's desk; safe to use from several threads.

    While it is open nobody else decides about these labels, nor labels them anew.

    Attributes:
        labels: the folder.

    Raises:
        BusyError: the folder is on another desk, or is being annotated.
        SequenceError: the folder holds no readable labels or decisions, or cannot be written.
    """

    def __init__(self, labels: Path) -> None:
        self.labels = labels.resolve()
        read_pairs(labels)  # before a lock is left in a folder that holds no labels
        self._claim = claim_labels(labels)
        self._lock = threading.Lock()
        try:
            read_decisions(labels)  # a damaged file is named now, not at the first click
        except SequenceError:
            self.close()
            raise

    def close(self) -> None:
        """Let others decide."""
        self._claim.close()

    def content(self) -> PairsFile:
        """Return the labels as they are on the disk now."""
        return read_pairs(self.labels)

    def describe(self) -> dict[str, Any]:
        """Return the pairs with their decisions, in the form of the page."""
        with self._lock:
            content, decisions = self.content(), read_decisions(self.labels)
        camera = content.camera
        return {
            "folder": str(self.labels),
            "size": [camera["width"], camera["height"]],
            "pairs": [
                _describe(pair, pair_digest(self.labels, pair), decisions.get(pair.index))
                for pair in content.pairs
            ],
        }

    def decide(self, index: int, reviewed: str, decision: Decision | None) -> None:
        """Keep a decision; None takes the present one back.

        Args:
            index: of the pair.
            reviewed: digest of the label that the reviewer saw.
            decision: about it.

        Raises:
            SequenceError: there is no such pair, it has another label by now, or the decisions
                cannot be read or written.
        """
        with self._decisions() as decisions:
            pairs = {pair.index: pair for pair in self.content().pairs}
            if index not in pairs:
                raise SequenceError(f"{self.labels} has no pair {index}")
            if pair_digest(self.labels, pairs[index]) != reviewed:
                raise SequenceError(
                    f"pair {index} was labelled anew since this page was opened; reload the page"
                )
            decisions.pop(index, None)
            if decision is not None:
                decisions[index] = decision

    def decide_all(self, accept: tuple[int, ...], reject: tuple[int, ...]) -> int:
        """Keep decisions on the labels as they are, all of them or none.

        A correction that was drawn before is kept with the acceptance.

        Returns:
            How many pairs are decided in all.

        Raises:
            SequenceError: a pair is not there, has no rectangle to accept, or is in both lists.
        """
        both = sorted(set(accept) & set(reject))
        if both:
            raise SequenceError(f"pairs {both} are both accepted and rejected")
        with self._decisions() as decisions:
            pairs = {pair.index: pair for pair in self.content().pairs}
            unknown = sorted({*accept, *reject} - pairs.keys())
            if unknown:
                raise SequenceError(f"{self.labels} has no pairs {unknown}")
            for index in accept:
                earlier = decisions.get(index)
                corrected = None if earlier is None else earlier.rectangles
                if not (corrected or pairs[index].rectangles):
                    raise SequenceError(
                        f"pair {index} has no rectangle to accept; draw one on the page"
                    )
                decisions[index] = Decision(True, corrected)
            for index in reject:
                decisions[index] = Decision(False)
        return len(decisions)

    @contextmanager
    def _decisions(self) -> Iterator[dict[int, Decision]]:
        """Yield the decisions to change; they are written when the block ends without an error."""
        with self._lock:
            decisions = read_decisions(self.labels)
            yield decisions
            try:
                write_decisions(self.labels, decisions)
            except OSError as error:
                raise SequenceError(f"{self.labels} cannot be written: {error}") from error


def _describe(pair: PairRecord, digest: str, decision: Decision | None) -> dict[str, Any]:
    return {
        "index": pair.index,
        "frames": [name for name in pair.frames if name is not None],
        "status": pair.status.value,
        "reason": None if pair.reason is None else pair.reason.value,
        "detail": pair.detail,
        "rectangles": [rectangle_to_dict(rectangle) for rectangle in pair.rectangles],
        "mask": pair.mask,
        "digest": digest,
        "decision": None if decision is None else decision_to_dict(decision),
    }
