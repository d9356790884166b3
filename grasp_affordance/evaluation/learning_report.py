"""The figures of a learning run, and its learning curve."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.evaluation.learning_rows import LearningRow
from grasp_affordance.learning.curve import LEVELS, WINDOW, Curve, plot_learning_curves
from grasp_affordance.learning.probabilities import brier_score, expected_calibration_error


def summarise_learning(rows: Sequence[LearningRow]) -> dict[str, Any]:
    """Return the figures of a run as a JSON object; None where nothing is known.

    - `success`: true successes per attempt, `success_last`: over the last `WINDOW` attempts.
    - `attempts_to_90`, `attempts_to_95`: attempts after which a full window's success first was at
      least this.
    - `brier`, `calibration_error`: of the predictions served, against the true outcomes.
    """
    success = np.array([row.succeeded for row in rows], dtype=float)
    predicted = np.array([row.probability for row in rows])
    full = rows[WINDOW - 1 :]
    return {
        "attempts": len(rows),
        "success": _finite(success.mean()) if len(rows) else None,
        "success_first": _finite(success[:WINDOW].mean()) if len(rows) >= WINDOW else None,
        "success_last": _finite(success[-WINDOW:].mean()) if len(rows) >= WINDOW else None,
        **{
            f"attempts_to_{round(100 * level)}": next(
                (row.number + 1 for row in full if row.rolling_success >= level), None
            )
            for level in LEVELS
        },
        "success_per_stack_last": _per_stack(rows[-WINDOW:]),
        "exploratory": sum(row.exploratory for row in rows),
        "brier": _finite(brier_score(predicted, success)),
        "calibration_error": _finite(expected_calibration_error(predicted, success)),
        "brier_last": _finite(brier_score(predicted[-WINDOW:], success[-WINDOW:])),
        "calibration_error_last": _finite(
            expected_calibration_error(predicted[-WINDOW:], success[-WINDOW:], bins=5)
        ),
        "sensed_wrongly": float(np.mean([_disagrees(row) for row in rows])) if rows else None,
        "decision_seconds": _median([row.decision_seconds for row in rows]),
        "learning_seconds": _median([row.learning_seconds for row in rows]),
        "wall_seconds": float(np.nansum([row.wall_seconds for row in rows])),
    }


def plot_runs(runs: Mapping[str, Sequence[LearningRow]], output: Path, title: str = "") -> None:
    """Draw the learning curves of runs, by true success, as PNG; see `learning.curve`."""
    curves = {
        name: Curve([row.succeeded for row in rows], [row.exploratory for row in rows])
        for name, rows in runs.items()
    }
    plot_learning_curves(curves, output, title)


def _per_stack(rows: Sequence[LearningRow]) -> dict[str, float]:
    stacks = sorted({row.stack for row in rows})
    return {
        stack: float(np.mean([row.succeeded for row in rows if row.stack == stack]))
        for stack in stacks
    }


def _disagrees(row: LearningRow) -> bool:
    return row.outcome in ("success", "failure") and row.outcome != row.true_outcome


def _median(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
