"""What a reviewer decided about labels: kept beside them, never in their place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.records import (
    DECISIONS_FILE,
    PairRecord,
    rectangle_from_dict,
    rectangle_to_dict,
)
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import parse_json, write_atomically
from grasp_affordance.rectangle import GraspRectangle

VERSION = 1


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
        SequenceError: the file is unreadable or of another version.
    """
    path = folder / DECISIONS_FILE
    if not path.exists():
        return {}
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise SequenceError(f"{path} is of version {data['version']}, expected {VERSION}")
        return {int(index): decision_from_dict(entry) for index, entry in data["decisions"].items()}
    except (OSError, LookupError, AttributeError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error!r}") from error


def write_decisions(folder: Path, decisions: Mapping[int, Decision]) -> None:
    """Write all decisions atomically."""
    entries = {str(index): decision_to_dict(decisions[index]) for index in sorted(decisions)}
    data = {"version": VERSION, "decisions": entries}
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    write_atomically(folder / DECISIONS_FILE, text.encode())


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
