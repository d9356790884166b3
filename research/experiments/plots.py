"""Learning curves of an experiment: mean and 95 % confidence band over seeds, and each seed."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np

from grasp_affordance.files import write_atomically
from grasp_affordance.learning.curve import LEVELS, WINDOW
from research.experiments.results import (
    ALL,
    ArmRun,
    Array,
    ExperimentResults,
    mean_interval,
    rolling,
)

SHORT_WINDOW = 25  # shows what happens before the paper's window is full
_ENOUGH = 3  # seeds for a band
_TOGETHER = 4  # arms in one picture; more get one each
_COLORS = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]


def plot_experiment(results: ExperimentResults, output: Path) -> None:
    """Draw success over the last 100 attempts (equation 5) and over the last 25, as PNG.

    The second panel shows each run instead of a band, and so does the first for fewer than three
    seeds: few attempts, and few seeds, have a band as wide as the picture.
    """
    if len(results.runs) <= _TOGETHER:
        figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True, squeeze=False)
        for axis, window in zip(axes[0], (WINDOW, SHORT_WINDOW), strict=True):
            for number, (arm, runs) in enumerate(results.runs.items()):
                _curve(axis, runs, window, _COLORS[number], arm)
            _references(axis, results, list(results.runs))
            _finish(axis, f"success over the last {window} attempts, %")
        axes[0, 0].legend(loc="lower right", fontsize=8)
    else:
        figure = _small_multiples(results)
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    plt.close(figure)
    write_atomically(output, data.getvalue())


def band(runs: Sequence[ArmRun], window: int) -> tuple[Array, Array, Array]:
    """Return mean, lower and upper end (N,) of the rolling success over seeds.

    N is the length of the shortest run; the ends are those of Student's 95 % interval of the mean,
    within [0, 1], and NaN for a single seed.
    """
    count = min(len(run.rows) for run in runs)
    curves = np.stack([rolling(run.success, window)[:count] for run in runs])
    intervals = [mean_interval(column) for column in curves.T]
    low, high = (np.array([getattr(each, end) for each in intervals]) for end in ("low", "high"))
    return curves.mean(axis=0), np.clip(low, 0, 1), np.clip(high, 0, 1)


def _curve(axis: plt.Axes, runs: Sequence[ArmRun], window: int, color: object, name: str) -> None:
    mean, low, high = band(runs, window)
    numbers = np.arange(1, len(mean) + 1)
    seeds = f"{len(runs)} seeds" if len(runs) > 1 else "one seed: an indication"
    axis.plot(numbers, 100 * mean, lw=0.8, color=color)  # thin while the window is not full
    full = slice(window - 1, None)
    style = "-" if len(runs) > 1 else "--"
    label = f"{name} ({seeds})"
    axis.plot(numbers[full], 100 * mean[full], style, lw=2, color=color, label=label)
    if window == WINDOW and len(runs) >= _ENOUGH:
        axis.fill_between(
            numbers[full], 100 * low[full], 100 * high[full], color=color, alpha=0.2, lw=0
        )
        return
    for run in runs:
        alone = 100 * rolling(run.success, window)[full]
        axis.plot(np.arange(window, window + len(alone)), alone, lw=0.6, color=color, alpha=0.5)


def _references(axis: plt.Axes, results: ExperimentResults, arms: Sequence[str]) -> None:
    """Draw the success of prior and oracle over all piles of the runs, once per cell.

    In the color of the cell's first arm, where there are several cells.
    """
    cells = dict.fromkeys(results.arm(arm).cell for arm in arms)
    for cell in cells:
        number, arm = next((n, a) for n, a in enumerate(arms) if results.arm(a).cell == cell)
        color = _COLORS[number] if len(cells) > 1 else "black"
        for policy, style in (("prior", "-."), ("oracle", ":")):
            values = np.array(results.live(policy, arm, ALL))
            if np.isfinite(values).any():
                level = 100 * float(np.nanmean(values))
                label = f"{policy}, same piles, {cell} cell"
                axis.axhline(level, color=color, lw=1.2, ls=style, label=label)


def _small_multiples(results: ExperimentResults) -> plt.Figure:
    columns = 4
    lines = -(-len(results.runs) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(13, 2.7 * lines), sharex=True, sharey=True, squeeze=False
    )
    for axis in axes.flat[len(results.runs) :]:
        axis.set_visible(False)
    for axis, (arm, runs) in zip(axes.flat, results.runs.items(), strict=False):
        reference = results.reference_arm(arm)
        if reference is not None:
            _curve(axis, results.runs[reference], WINDOW, "gray", reference)
        _curve(axis, runs, WINDOW, _COLORS[0], arm)
        _references(axis, results, [arm])
        _finish(axis, "")
        axis.set_title(arm, fontsize=10)
        axis.set_xlabel("")
    figure.supylabel(f"success over the last {WINDOW} attempts, %", fontsize=9)
    figure.supxlabel(
        "attempts (gray: the reference; dash-dotted: the prior, dotted: the oracle, in the same "
        "piles; dashed: one seed)",
        fontsize=9,
    )
    return figure


def _finish(axis: plt.Axes, label: str) -> None:
    for level in LEVELS:
        axis.axhline(100 * level, color="gray", lw=0.6, ls=":")
    axis.set(xlabel="attempts", ylabel=label, ylim=(0, 101))
    axis.set_xlim(left=0)
    axis.grid(alpha=0.3)
