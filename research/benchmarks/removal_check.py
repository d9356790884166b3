"""What the depth removal check says about real picks of the simulated arm, against the truth.

A classical policy empties piles; it succeeds, fails, drops and drags. After every pick the removal
check compares the views before and after it. The truth is which objects are gone.

    python research/benchmarks/removal_check.py --seeds 3
    check.json
"""

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro

from grasp_affordance.annotation.removal_check import PickEvent, RemovalCheckConfig, check_removal
from grasp_affordance.evaluation.make_policy import make_policy
from grasp_affordance.execution.pick import pick
from grasp_affordance.files import write_atomically
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import SimCell, SimConfig

MOVED = 0.02  # metres: an object that moved further was dropped or dragged


@dataclass(frozen=True)
class Row:
    """One pick.

    Attributes:
        scene, seed: of the pile.
        event: what the removal check says.
        regions: how many it says left.
        gone: objects that truly left.
        moved: how far an object that stayed moved, metres; the largest.
        sensed, true: outcomes of the pick; true is empty where there is none.
    """

    scene: str
    seed: int
    event: str
    regions: int
    gone: int
    moved: float
    sensed: str
    true: str


def main(
    seeds: int = 3,
    attempts: int = 40,
    scenes: tuple[str, ...] = ("random", "test2", "mixed"),
    output: Path = Path("output/benchmarks/removal_check.json"),
) -> None:
    """Measure and print.

    Args:
        seeds: piles per scene.
        attempts: at most, per pile.
        scenes: names of the simulator's stacks.
        output: raw results.
    """
    rows: list[Row] = []
    for scene in scenes:
        for seed in range(seeds):
            with SimCell(SimConfig(scene=scene, seed=seed)) as cell:
                rows += clear(cell, scene, seed, attempts)
        print(summary(scene, [row for row in rows if row.scene == scene]), flush=True)
    print(summary("all", rows))
    for (gone, event), count in sorted(Counter((row.gone, row.event) for row in rows).items()):
        print(f"  {gone} gone: {event:20s} {count}")
    write_atomically(output, json.dumps([asdict(row) for row in rows], indent=1).encode())


def clear(cell: SimCell, scene: str, seed: int, attempts: int) -> list[Row]:
    """Pick until the bin is empty or the attempts are used up."""
    parts, policy = cell.as_cell(), make_policy("prior")
    rng = np.random.default_rng([seed, 6])
    rows: list[Row] = []
    for _ in range(attempts):
        if cell.is_empty():
            break
        before, T_base_camera = cell.camera.read(), cell.camera.pose()
        view = View(before, T_base_camera, cell.bin, cell.cup, rng)
        points = policy.choose(view).points
        if not points:
            break
        point = points[min(len(rows) % 5, len(points) - 1)]  # not always the best: failures count
        present, places = set(cell.world.present), cell.world.positions()
        attempt = pick(parts, point, T_base_camera, before=before)
        after = cell.camera.read()
        stayed = cell.world.present
        steps = np.linalg.norm(cell.world.positions() - places, axis=1)[stayed]
        seen = check_removal(before, after, RemovalCheckConfig(), picked_at=(point.u, point.v))
        rows.append(
            Row(
                scene,
                seed,
                seen.event.value,
                len(seen.left),
                len(present) - len(stayed),
                float(steps.max()) if len(stayed) else 0.0,
                attempt.outcome.value,
                "" if attempt.true_outcome is None else attempt.true_outcome.value,
            )
        )
    return rows


def summary(name: str, rows: list[Row]) -> str:
    """Return one line: how often the check agrees on whether, and how many, objects left."""
    told = [row for row in rows if row.event != PickEvent.UNKNOWN]
    whether = sum((row.regions > 0) == (row.gone > 0) for row in told)
    how_many = sum(row.regions == row.gone for row in told)
    calm = [row for row in told if row.moved <= MOVED]
    calm_right = sum(row.regions == row.gone for row in calm)

    def share(count: int, total: int) -> str:
        return f"{count}/{total} ({count / total if total else math.nan:.1%})"

    return (
        f"{name:8s} whether {share(whether, len(told))}, how many {share(how_many, len(told))}, "
        f"how many where nothing else moved {share(calm_right, len(calm))}, "
        f"unknown {len(rows) - len(told)}"
    )


if __name__ == "__main__":
    tyro.cli(main)
