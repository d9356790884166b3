"""Pictures of the tables."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

from grasp_affordance.files import write_atomically
from research.report.markdown import CELLS, POLICIES, Report, scene_order

_COLORS = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]


def plot_success_rates(reports: Sequence[Report], output: Path) -> None:
    """Draw success rates with 95 % intervals: a panel per cell, a group per scene, as PNG."""
    cells = [cell for cell in CELLS if any(report["cell"] == cell for report in reports)]
    scenes = scene_order(reports)
    policies = [name for name in POLICIES if any(r["policy"] == name for r in reports)]
    figure, axes = plt.subplots(
        len(cells), 1, figsize=(10, 2.6 * len(cells) + 0.6), squeeze=False, sharex=True
    )
    for axis, cell in zip(axes[:, 0], cells, strict=True):
        _bars(axis, [r for r in reports if r["cell"] == cell], scenes, policies)
        axis.set_ylabel(f"{cell} cell\nsuccess rate, %")
    # Not the axes' own handles: a policy that a cell lacks has none with a color.
    handles = [Patch(color=_color(policy), label=policy) for policy in policies]
    figure.legend(handles=handles, loc="upper center", ncols=len(policies), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
    _save(figure, output)


def plot_causes(reports: Sequence[Report], policy: str, output: Path) -> None:
    """Draw where the attempts of one policy go: shares per cause, a bar per cell and scene."""
    chosen = [
        report
        for cell in CELLS
        for scene in scene_order(reports)
        for report in reports
        if (report["cell"], report["scene"], report["policy"]) == (cell, scene, policy)
    ]
    causes = sorted({cause for report in chosen for cause in report["total"]["causes"]})
    figure, axis = plt.subplots(figsize=(10, 0.34 * len(chosen) + 1.6))
    names = [f"{report['scene']}, {report['cell']}" for report in chosen]
    left = np.zeros(len(chosen))
    for number, cause in enumerate(causes):
        shares = np.array(
            [
                100 * r["total"]["causes"].get(cause, 0) / max(1, r["total"]["attempts"])
                for r in chosen
            ]
        )
        color = plt.get_cmap("tab20")(number % 20)
        axis.barh(names, shares, left=left, label=cause, color=color)
        left += shares
    axis.invert_yaxis()
    axis.set_xlabel(f"failed attempts of policy '{policy}', % of all attempts, by true cause")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    figure.tight_layout()
    _save(figure, output)


def _color(policy: str) -> tuple[float, float, float]:
    return _COLORS[POLICIES.index(policy)]


def _bars(
    axis: plt.Axes, reports: Sequence[Report], scenes: Sequence[str], policies: Sequence[str]
) -> None:
    width = 0.8 / max(1, len(policies))
    for number, policy in enumerate(policies):
        found = {r["scene"]: r["total"] for r in reports if r["policy"] == policy}
        rated = [
            scene for scene in scenes if (found.get(scene) or {}).get("success_rate") is not None
        ]
        at = [scenes.index(scene) + (number + 0.5) * width - 0.4 for scene in rated]
        rates = np.array([found[scene]["success_rate"] for scene in rated])
        ends = np.array([found[scene]["success_rate_interval"] for scene in rated]).reshape(-1, 2)
        axis.bar(at, 100 * rates, width, color=_color(policy))
        errors = 100 * np.abs(ends.T - rates)
        axis.errorbar(at, 100 * rates, yerr=errors, fmt="none", ecolor="black", elinewidth=0.8)
    axis.set_xticks(range(len(scenes)), scenes)
    axis.set_ylim(0, 100)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)


def _save(figure: plt.Figure, output: Path) -> None:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    write_atomically(output, data.getvalue())
