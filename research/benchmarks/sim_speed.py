"""Attempts per hour of the simulated cell, the choice of the point excluded.

    python research/benchmarks/sim_speed.py [--attempts 60] [--rounds 3] [--processes 2]

An attempt is what the executor does with a given point: a frame (render and sensor model), the
checks, the arm's motions through the physics, vacuum, place, home, the frame after, and the pile at
rest again. The oracle chooses the points, outside the clock. A new stack is built whenever one is
cleared; its time is reported by itself.

Rates are given by the wall clock and by the processor time of the process; the second suffers less
from what else the machine does. Scaling is the sum of the rates of parallel processes over the rate
of one, measured in the same round, by either clock; only an idle machine gives the first a meaning.
"""

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

os.environ.setdefault("LP_NUM_THREADS", "0")  # one thread per process draws
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from grasp_affordance.attempt import Outcome
from grasp_affordance.execution.pick import pick, recover
from grasp_affordance.execution.plan import PickConfig
from grasp_affordance.policies.oracle import Oracle
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import Hardness, SimCell, SimConfig

TARGETS = {"random": 15_000, "test2": 7_000}
_PATIENCE = 3  # failures in a row after which a stack is given up


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        scenes: stack types.
        attempts: per process and round.
        rounds: of which the median is reported.
        processes: in parallel, for the scaling.
        cell: hardness.
    """

    scenes: tuple[str, ...] = ("random", "test2")
    attempts: int = 60
    rounds: int = 3
    processes: int = 2
    cell: str = "realistic"


@dataclass
class Clock:
    """Seconds by wall and processor, and how often it ran."""

    wall: float = 0.0
    cpu: float = 0.0
    count: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time a block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        self.count += 1


@dataclass
class Measured:
    """What one process measured."""

    frames: Clock = field(default_factory=Clock)
    picks: Clock = field(default_factory=Clock)
    stacks: Clock = field(default_factory=Clock)
    simulated: float = 0.0
    successes: int = 0

    @property
    def wall_rate(self) -> float:
        """Attempts per hour by the wall clock."""
        return 3600 * self.picks.count / (self.frames.wall + self.picks.wall)

    @property
    def cpu_rate(self) -> float:
        """Attempts per hour of processor time."""
        return 3600 * self.picks.count / (self.frames.cpu + self.picks.cpu)


def run(scene: str, cell: str, attempts: int, seed: int) -> Measured:
    """Pick `attempts` times and return the times."""
    cv2.setNumThreads(1)
    measured = Measured()
    config = PickConfig()
    with SimCell(SimConfig(scene=scene, hardness=Hardness(cell), seed=seed)) as sim:
        rng, fruitless = np.random.default_rng(seed), 0
        while measured.picks.count < attempts:
            if sim.pickable_left() == 0 or fruitless >= _PATIENCE:
                with measured.stacks.running():
                    sim.next_stack()
                fruitless = 0
            with measured.frames.running():
                frame = sim.camera.read()
            view = View(frame, sim.camera.pose(), sim.bin, sim.cup, rng)
            points = Oracle(sim.oracle).choose(view).points
            if not points:
                fruitless = _PATIENCE
                continue
            began = sim.time
            point = points[min(fruitless, len(points) - 1)]
            with measured.picks.running():
                attempt = pick(sim.as_cell(), point, sim.camera.pose(), config, before=frame)
                if attempt.outcome is Outcome.ABORTED:
                    recover(sim.as_cell(), config)
                sim.resettle()
            measured.simulated += sim.time - began
            succeeded = attempt.outcome is Outcome.SUCCESS
            measured.successes += succeeded
            fruitless = 0 if succeeded else fruitless + 1
    return measured


def in_parallel(count: int, scene: str, options: Options, seed: int) -> list[Measured]:
    """Run the loop in `count` processes at the same time."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(run, scene, options.cell, options.attempts, seed + k) for k in range(count)
        ]
        return [job.result() for job in jobs]


def main(options: Options) -> None:
    """Measure every scene and print a table."""
    console = Console()
    table = Table(title=f"attempts per hour, {options.cell} cell, medians of {options.rounds}")
    for column in (
        "scene",
        "wall, 1 process",
        "processor, 1 process",
        "target",
        f"scaling to {options.processes} processes: wall, processor",
        "ms: frame + pick",
        "simulated s",
        "success",
        "new stack, s",
    ):
        table.add_column(column, justify="right")
    for scene in options.scenes:
        rounds = []
        for k in range(options.rounds):
            single = in_parallel(1, scene, options, seed=10 * k)[0]
            several = in_parallel(options.processes, scene, options, seed=10 * k)
            by_wall = sum(m.wall_rate for m in several) / single.wall_rate
            by_cpu = sum(m.cpu_rate for m in several) / single.cpu_rate
            rounds.append((single, by_wall, by_cpu))
            console.print(
                f"{scene} round {k}: {single.wall_rate:.0f}/h by the wall, {single.cpu_rate:.0f}/h "
                f"by the processor; scaling {by_wall:.2f}, {by_cpu:.2f}"
            )
        singles = [single for single, _, _ in rounds]
        stacks = sum(m.stacks.count for m in singles)
        table.add_row(
            scene,
            f"{statistics.median(m.wall_rate for m in singles):,.0f}",
            f"{statistics.median(m.cpu_rate for m in singles):,.0f}",
            f"{TARGETS[scene]:,}" if scene in TARGETS else "",
            f"{statistics.median(w for _, w, _ in rounds):.2f}, "
            f"{statistics.median(c for _, _, c in rounds):.2f}",
            _milliseconds(singles),
            f"{_per_attempt(singles, sum(m.simulated for m in singles)):.1f}",
            f"{_per_attempt(singles, sum(m.successes for m in singles)):.0%}",
            f"{sum(m.stacks.cpu for m in singles) / stacks:.2f}" if stacks else "",
        )
    console.print(table)
    console.print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _per_attempt(singles: list[Measured], total: float) -> float:
    return total / sum(m.picks.count for m in singles)


def _milliseconds(singles: list[Measured]) -> str:
    frames = _per_attempt(singles, sum(m.frames.cpu for m in singles))
    picks = _per_attempt(singles, sum(m.picks.cpu for m in singles))
    return f"{1e3 * frames:.0f} + {1e3 * picks:.0f}"


if __name__ == "__main__":
    main(tyro.cli(Options))
