"""Whether a policy's probabilities are those of success: figures and a picture per report."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np

from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.statistics import wilson_interval
from grasp_affordance.files import write_atomically
from grasp_affordance.learning.probabilities import (
    brier_score,
    expected_calibration_error,
    reliability,
)
from grasp_affordance.suction import Source

# The others rank by scores that do not pretend to be probabilities.
_PREDICTING = (Source.PRIOR, Source.LEARNED, Source.EXPLORATION)


def calibration_of(rows: Sequence[AttemptRow]) -> dict[str, Any] | None:
    """Return how far predictions at executed points can be believed, as a JSON object.

    `brier` (Brier 1950) and `expected_calibration_error` (Naeini et al. 2015, ten bins of equal
    count) hold the predicted probability against true success; `mean_predicted` and
    `success_rate` should be equal; `bins` is the reliability diagram. None where the policy
    predicts no probabilities.
    """
    predicting = [row for row in rows if row.source in _PREDICTING]
    if not predicting:
        return None
    predicted = np.array([row.probability for row in predicting])
    success = np.array([row.succeeded for row in predicting], dtype=float)
    diagram = reliability(predicted, success)
    return {
        "attempts": len(predicting),
        "mean_predicted": float(predicted.mean()),
        "success_rate": float(success.mean()),
        "brier": brier_score(predicted, success),
        "expected_calibration_error": expected_calibration_error(predicted, success),
        "bins": [
            {"predicted": float(p), "observed": float(o), "count": int(n)}
            for p, o, n in zip(diagram.predicted, diagram.observed, diagram.count, strict=True)
        ],
    }


def plot_reliability(calibration: Mapping[str, Any], output: Path, title: str = "") -> None:
    """Draw a reliability diagram with 95 % Wilson intervals, as PNG."""
    bins = calibration["bins"]
    predicted = [each["predicted"] for each in bins]
    observed = np.array([each["observed"] for each in bins])
    intervals = [wilson_interval(round(b["observed"] * b["count"]), b["count"]) for b in bins]
    low, high = (np.array([getattr(i, end) for i in intervals]) for end in ("low", "high"))
    errors = np.maximum([observed - low, high - observed], 0.0)
    figure, axis = plt.subplots(figsize=(4.8, 4.8))
    axis.plot([0, 1], [0, 1], color="gray", lw=1, ls=":")
    axis.errorbar(predicted, observed, yerr=errors, fmt="o-", capsize=3)
    axis.set(
        xlim=(0, 1.02),
        ylim=(0, 1.02),
        xlabel="predicted probability of success",
        ylabel="true share of successes",
        title=(
            f"{title}\n{calibration['attempts']} attempts, Brier {calibration['brier']:.3f}, "
            f"ECE {calibration['expected_calibration_error']:.3f}"
        ),
    )
    axis.set_aspect("equal")
    axis.grid(alpha=0.3)
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    write_atomically(output, data.getvalue())
