"""Whether the simulated cell's physics is honest over many attempts.

    python research/benchmarks/sim_physics.py [--attempts 1000]

The oracle picks from stacks of every type in turn. After every attempt all objects in the bin must
be above its floor and inside its walls, overlap by less than their contacts' softness, and lie
still; counted are violations, true causes of failure, and attempts in which what the cell sensed
(vacuum) differs from what really happened. Exits with an error if anything tunnelled.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from grasp_affordance.attempt import Outcome
from grasp_affordance.execution.pick import pick, recover
from grasp_affordance.execution.plan import PickConfig
from grasp_affordance.policies.oracle import Oracle
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import SCENES, Hardness, SimCell, SimConfig

_FLOOR = 0.004  # metres that an object may reach into the floor
_OVERLAP = 0.004  # metres
_STILL = 0.05  # m/s
_PATIENCE = 3


@dataclass(frozen=True)
class Options:
    """What to try.

    Attributes:
        attempts: in all, over all scenes in turn.
        cell: hardness.
        seed: of the stacks.
    """

    attempts: int = 1000
    cell: str = "realistic"
    seed: int = 0


@dataclass
class Findings:
    """What was seen."""

    attempts: int = 0
    refused: int = 0
    stacks: int = 0
    tunnelled: int = 0
    restless: int = 0
    lost: int = 0
    disagreements: int = 0
    deepest: float = 0.0
    causes: Counter[str] = field(default_factory=Counter)


def inspect(cell: SimCell, findings: Findings) -> None:
    """Check the stack as it lies."""
    world = cell.world
    present = world.present
    if not present:
        return
    positions = world.positions()[present]
    below = sum(world.lowest(i) < cell.bin.floor - _FLOOR for i in present)
    outside = (~cell.bin.contains(positions, margin=-0.02)).sum()
    findings.tunnelled += int(below + outside)
    distances = world.contacts().dist
    overlap = float(-distances.min()) if len(distances) else 0.0
    findings.deepest = max(findings.deepest, overlap)
    findings.tunnelled += overlap > _OVERLAP
    findings.restless += int((world.speeds()[present] > _STILL).any())


def try_stack(cell: SimCell, findings: Findings, options: Options) -> None:
    """Pick from the present stack until it is empty, given up, or the attempts are used."""
    rng, fruitless = np.random.default_rng(options.seed), 0
    config = PickConfig()
    findings.stacks += 1
    inspect(cell, findings)
    while cell.pickable_left() and fruitless < _PATIENCE and findings.attempts < options.attempts:
        frame = cell.camera.read()
        view = View(frame, cell.camera.pose(), cell.bin, cell.cup, rng)
        points = Oracle(cell.oracle).choose(view).points
        if not points:
            return
        point = points[min(fruitless, len(points) - 1)]
        attempt = pick(cell.as_cell(), point, cell.camera.pose(), config, before=frame)
        if attempt.outcome is Outcome.ABORTED and not attempt.phases:
            findings.refused += 1
            fruitless += 1
            continue
        if attempt.outcome is Outcome.ABORTED:
            recover(cell.as_cell(), config)
        cell.resettle()
        truth = cell.truth()
        findings.attempts += 1
        findings.lost += len(truth.lost)
        findings.causes[str(truth.cause)] += 1
        findings.disagreements += attempt.succeeded != (truth.outcome is Outcome.SUCCESS)
        fruitless = 0 if truth.outcome is Outcome.SUCCESS else fruitless + 1
        inspect(cell, findings)


def main(options: Options) -> int:
    """Try all scenes in turn and print what was seen; 1 if anything tunnelled."""
    findings = Findings()
    config = SimConfig(scene=SCENES[0], hardness=Hardness(options.cell), seed=options.seed)
    with SimCell(config) as cell:
        rng = np.random.default_rng(options.seed)
        while findings.attempts < options.attempts:
            cell.reset(rng, scene=SCENES[findings.stacks % len(SCENES)])
            try_stack(cell, findings, options)
    table = Table(title=f"{options.cell} cell, seed {options.seed}")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name in ("attempts", "refused", "stacks", "tunnelled", "restless", "lost", "disagreements"):
        table.add_row(name, str(getattr(findings, name)))
    table.add_row("deepest overlap, mm", f"{1e3 * findings.deepest:.2f}")
    for cause, count in findings.causes.most_common():
        table.add_row(f"cause: {cause}", str(count))
    Console().print(table)
    return int(findings.tunnelled > 0)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
