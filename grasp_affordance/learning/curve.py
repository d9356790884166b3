"""The learning curve: success over the last attempts, as equation 5 of the suction paper has it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np

from grasp_affordance.files import write_atomically

WINDOW = 100  # attempts, equation 5
LEVELS = (0.90, 0.95)  # of rolling success, drawn as lines


@dataclass(frozen=True)
class Curve:
    """One run.

    Attributes:
        success: of each attempt, in order.
        exploratory: whether each was tried in order to learn.
    """

    success: Sequence[bool]
    exploratory: Sequence[bool] = ()


def rolling_success(successes: Sequence[bool], window: int = WINDOW) -> float:
    """Return the success over the last `window` attempts, or over all while there are fewer.

    NaN without any attempt.
    """
    recent = successes[-window:]
    return float(np.mean(recent)) if recent else float("nan")


def plot_learning_curves(
    curves: Mapping[str, Curve], output: Path, title: str = "", window: int = WINDOW
) -> None:
    """Draw rolling success over attempts, a line per run, as PNG.

    The part before the first full window is thin: it is an average of fewer attempts. Exploratory
    picks are ticks at the bottom.
    """
    figure, axis = plt.subplots(figsize=(8, 4.5))
    for name, curve in curves.items():
        count = len(curve.success)
        numbers = np.arange(1, count + 1)
        rolling = [100 * rolling_success(curve.success[: n + 1], window) for n in range(count)]
        (line,) = axis.plot(numbers, rolling, lw=0.8, label=name)
        full = slice(window - 1, None)
        axis.plot(numbers[full], rolling[full], color=line.get_color(), lw=2)
        explored = numbers[[n for n, explores in enumerate(curve.exploratory) if explores]]
        axis.plot(explored, np.ones(len(explored)), "|", ms=4, alpha=0.5, color=line.get_color())
    for level in LEVELS:
        axis.axhline(100 * level, color="gray", lw=0.7, ls=":")
    axis.set(
        xlabel="attempts",
        ylabel=f"success over the last {window} attempts, %",
        ylim=(0, 101),
        title=title,
    )
    axis.set_xlim(left=0)
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    write_atomically(output, data.getvalue())
