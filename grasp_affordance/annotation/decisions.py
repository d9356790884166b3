"""What a reviewer decided about labels: kept beside them, never in their place.

decisions.json     {"version", "decisions": {INDEX: {"accepted", "rectangles", "reviewed"}}};
`reviewed`
                   is the digest of the label that the reviewer saw
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.records import (
    DECISIONS_FILE,
    PairRecord,
    pair_digest,
    read_pairs,
    rectangle_from_dict,
    rectangle_to_dict,
)
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import read_json, write_atomically
from grasp_affordance.rectangle import GraspRectangle

VERSION = 2


@dataclass(frozen=True)
class Decision:
    """A reviewer's word on one pair.

    Attributes:
        accepted: whether the label may be used.
        rectangles: corrected ones; None leaves the automatic ones.
    """

    accepted: bool
    rectangles: tuple[GraspRectangle, ...] | None = None


def read_decisions(folder: Path) -> dict[int, Decision]:
    """Return the decisions by index of the pair; empty where nobody has reviewed.

    Raises:
        SequenceError: the file is unreadable or of another version, or a decision is about another
            label than the one that is there.
    """
    path = folder / DECISIONS_FILE
    if not path.exists():
        return {}
    digests = _digests(folder)
    decisions = {}
    try:
        data = read_json(path)
        if data["version"] != VERSION:
            raise SequenceError(f"{path} is of version {data['version']}, expected {VERSION}")
        for key, entry in data["decisions"].items():
            index = int(key)
            if entry["reviewed"] != digests.get(index):
                raise SequenceError(
                    f"{path}: the decision on pair {index} is about another label than the one "
                    "that is there; remove that file, then review anew"
                )
            decisions[index] = decision_from_dict(entry)
    except (OSError, LookupError, AttributeError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error!r}") from error
    return decisions


def write_decisions(folder: Path, decisions: Mapping[int, Decision]) -> None:
    """Write all decisions atomically, each with the digest of the label that it is about.

    Raises:
        SequenceError: a decision is about a pair that is not there.
        OSError: the folder cannot be written.
    """
    digests = _digests(folder)
    unknown = sorted(decisions.keys() - digests.keys())
    if unknown:
        raise SequenceError(f"{folder} has no pair {unknown[0]}")
    entries = {
        str(index): {**decision_to_dict(decisions[index]), "reviewed": digests[index]}
        for index in sorted(decisions)
    }
    data = {"version": VERSION, "decisions": entries}
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    write_atomically(folder / DECISIONS_FILE, text.encode())


def _digests(folder: Path) -> dict[int, str]:
    return {pair.index: pair_digest(folder, pair) for pair in read_pairs(folder).pairs}


def decided_rectangles(pair: PairRecord, decision: Decision | None) -> tuple[GraspRectangle, ...]:
    """Return the rectangles to use of a pair: none unless it is annotated or accepted by hand."""
    if decision is None:
        return pair.rectangles if pair.annotated else ()
    if not decision.accepted:
        return ()
    return pair.rectangles if decision.rectangles is None else decision.rectangles


def decision_to_dict(decision: Decision) -> dict[str, Any]:
    """Return the JSON form."""
    corrected = decision.rectangles
    return {
        "accepted": decision.accepted,
        "rectangles": None if corrected is None else [rectangle_to_dict(r) for r in corrected],
    }


def decision_from_dict(data: Mapping[str, Any]) -> Decision:
    """Inverse of `decision_to_dict`.

    Raises:
        ConfigError, KeyError, TypeError, ValueError: it is not the form of a decision.
    """
    if not isinstance(data["accepted"], bool):
        raise ValueError(f"accepted: {data['accepted']!r} is neither true nor false")
    corrected = data.get("rectangles")
    return Decision(
        data["accepted"],
        None if corrected is None else tuple(rectangle_from_dict(entry) for entry in corrected),
    )
