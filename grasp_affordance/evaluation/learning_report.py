"""The figures of a learning run, and its learning curve."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np

from grasp_affordance.evaluation.learning_rows import WINDOW, LearningRow
from grasp_affordance.files import write_atomically
from grasp_affordance.learning.calibration import brier_score, expected_calibration_error

LEVELS = (0.90, 0.95)  # rolling success that the targets name


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
        "exploratory": sum(row.source == "exploration" for row in rows),
        "brier": _finite(brier_score(predicted, success)),
        "calibration_error": _finite(expected_calibration_error(predicted, success)),
        "brier_last": _finite(brier_score(predicted[-WINDOW:], success[-WINDOW:])),
        "calibration_error_last": _finite(
            expected_calibration_error(predicted[-WINDOW:], success[-WINDOW:], bins=5)
        ),
        "sensed_wrongly": float(np.mean([_disagrees(row) for row in rows])) if rows else None,
        "decision_seconds": _median([row.decision_seconds for row in rows]),
        "learning_seconds": _median([row.learning_seconds for row in rows]),
        "wall_seconds": float(sum(row.wall_seconds for row in rows)),
    }


def plot_learning_curves(
    runs: Mapping[str, Sequence[LearningRow]], output: Path, title: str = ""
) -> None:
    """Draw rolling success (equation 5 of the suction paper) over attempts, a line per run, as PNG.

    The part before the first full window is thin: it is an average of fewer attempts.
    """
    figure, axis = plt.subplots(figsize=(8, 4.5))
    for name, rows in runs.items():
        numbers = [row.number + 1 for row in rows]
        rolling = [100 * row.rolling_success for row in rows]
        (line,) = axis.plot(numbers[:WINDOW], rolling[:WINDOW], lw=0.8, alpha=0.7)
        axis.plot(
            numbers[WINDOW - 1 :], rolling[WINDOW - 1 :], color=line.get_color(), lw=2, label=name
        )
        explored = [row.number + 1 for row in rows if row.source == "exploration"]
        axis.plot(explored, [1] * len(explored), "|", ms=4, alpha=0.5, color=line.get_color())
    for level in LEVELS:
        axis.axhline(100 * level, color="gray", lw=0.7, ls=":")
    axis.set(
        xlabel="attempts",
        ylabel=f"success over the last {WINDOW} attempts, %",
        ylim=(0, 101),
        title=title,
    )
    axis.set_xlim(left=0)
    axis.grid(alpha=0.3)
    if any(len(rows) >= WINDOW for rows in runs.values()):
        axis.legend(loc="lower right")
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    write_atomically(output, data.getvalue())


def _per_stack(rows: Sequence[LearningRow]) -> dict[str, float]:
    stacks = sorted({row.stack for row in rows})
    return {
        stack: float(np.mean([row.succeeded for row in rows if row.stack == stack]))
        for stack in stacks
    }


def _disagrees(row: LearningRow) -> bool:
    return row.outcome in ("success", "failure") and row.outcome != row.true_outcome


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
