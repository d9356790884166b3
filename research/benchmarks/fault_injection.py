"""Picks through the physical executor and the stand-in for its drivers, with injected faults.

    python research/benchmarks/fault_injection.py [--picks 200] [--seed 0] [--json

With `--only "pressure sensor stuck"` every fault is that one.

Every other pick has a fault; the one after it must work again. Needs the ROS packages control_msgs,
ur_msgs and ur_dashboard_msgs. Stand-in and affordance node run as processes of their own. What a
pick must end as is in `test/standin/scenarios.py`; whether the arm stands still is measured by a
listener of its own on /joint_states, what really became of the object is the simulator's truth.
"""

import json
import os
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import rclpy
import tyro
from rich.console import Console
from rich.table import Table
from standin.bench import STANDIN, Bench
from standin.faults import FaultKind
from standin.scenarios import SCENARIOS, Scenario

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import Processes
from grasp_affordance.ros.common.share import transport_environment

OUTCOMES = {1: Outcome.SUCCESS, 2: Outcome.FAILURE, 3: Outcome.UNCERTAIN, 4: Outcome.ABORTED}


@dataclass(frozen=True)
class Arguments:
    """What is run.

    Attributes:
        picks: all together; half of them with a fault.
        seed: of the order of the faults, their moments, and the stacks.
        scene: of the simulator.
        speed: simulated seconds per second.
        refill: a new stack after so many picks, once one has succeeded.
        only: the name of one fault; empty for all.
        json: where every pick is kept.
    """

    picks: int = 200
    seed: int = 0
    scene: str = "train"
    speed: float = 3.0
    refill: int = 12
    only: str = ""
    json: Path = Path("output/benchmarks/seed0.json")


@dataclass(frozen=True)
class Record:
    """One pick: what was injected, how it ended, what an outsider saw, and what is wrong."""

    index: int
    fault: str
    motion: int
    progress: float
    struck: bool
    attempted: bool
    outcome: str
    cause: str
    message: str
    truth: str
    speed_after: float
    seconds: float
    flaws: list[str] = field(default_factory=list)


def run_one(
    bench: Bench, index: int, scenario: Scenario | None, rng: np.random.Generator
) -> Record:
    """Pick once, with a fault or without, and evaluate how it ended."""
    motion = int(rng.choice(scenario.motions)) if scenario else 0
    progress = float(rng.uniform(0.2, 0.8))
    timer = bench.arm(scenario, motion, progress) if scenario else None
    began = time.monotonic()
    result = bench.pick()
    seconds = time.monotonic() - began
    outcome = OUTCOMES.get(result.result.outcome)
    if timer is not None:
        timer.cancel()
    dead = not bench.alive
    speed = bench.speed_now()
    truth = "" if dead else bench.trigger(f"{STANDIN}/truth")
    struck = dead or bool(scenario and bench.executor.planner.fails is None and scenario.planning)
    struck = struck or (bool(truth) and not truth.endswith(" none"))
    cause = Cause(result.result.cause) if outcome else Cause.NONE
    flaws = []
    if scenario and struck:
        flaws.append(scenario.flaw(outcome, cause, result.message))
    elif outcome in (None, Outcome.ABORTED):
        empty = "empty_bin" in {r.cause for r in result.rejections}
        flaws.append("" if empty else f"no fault, but {outcome}: {result.message}")
    if outcome is Outcome.SUCCESS and truth and not truth.startswith("success"):
        flaws.append(f"labelled a success, in truth {truth}")
    if outcome is Outcome.FAILURE and truth.startswith("success"):
        flaws.append(f"labelled a failure, in truth {truth}")
    if not dead and not (speed < 0.02 or (scenario and scenario.kind is FaultKind.SILENCE)):
        flaws.append(f"a joint moves at {speed:.3f} rad/s after the end")
    if scenario:
        bench.clear(scenario)
        still = bench.speed_now()
        if not still < 0.02:
            flaws.append(f"a joint moves at {still:.3f} rad/s after the fault was cleared")
    return Record(
        index,
        scenario.name if scenario else "none",
        motion,
        round(progress, 2),
        struck,
        bool(result.attempted),
        str(outcome or ""),
        str(cause) if outcome else "",
        result.message,
        truth,
        round(speed, 4),
        round(seconds, 2),
        [flaw for flaw in flaws if flaw],
    )


def table(records: list[Record]) -> Table:
    """Return one row per fault."""
    rows: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        rows[record.fault].append(record)
    shown = Table("fault", "picks", "struck", "ended as", "wrong")
    for fault, group in rows.items():
        ends = sorted({f"{r.outcome}:{r.cause}".strip(":") or "not begun" for r in group})
        wrong = sum(bool(r.flaws) for r in group)
        struck = sum(r.struck for r in group)
        shown.add_row(fault, str(len(group)), str(struck), ", ".join(ends), str(wrong))
    return shown


def main(arguments: Arguments) -> None:
    """Run all picks, keep each as it ends, print the table."""
    os.environ.update(transport_environment())
    rng = np.random.default_rng(arguments.seed)
    chosen = [s for s in SCENARIOS if arguments.only in ("", s.name)]
    rounds = -(-arguments.picks // 2 // len(chosen))
    scenarios = np.array(chosen, dtype=object)
    faults = iter([s for _ in range(rounds) for s in rng.permutation(scenarios)])
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    console = Console()
    records: list[Record] = []
    rclpy.init()
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        parameters: dict[str, Leaf] = {
            "sim.scene": arguments.scene,
            "sim.real_time_factor": arguments.speed,
        }
        nodes = stack.enter_context(Processes())
        bench = Bench(nodes, stack, parameters, arguments.seed)
        refilled = 0
        for index in range(arguments.picks):
            refilled += 1
            if refilled > arguments.refill and records[-1].outcome == str(Outcome.SUCCESS):
                bench.refill()  # the arm is at home, where a new stack finds it
                refilled = 0
            # A fault strikes in a motion of the pick, which must not be one of the recovery.
            rested = bool(records) and records[-1].fault == "none" and not records[-1].flaws
            record = run_one(bench, index, next(faults) if rested else None, rng)
            records.append(record)
            ended = f"{index:3d} {record.fault}: {record.outcome} {record.cause}"
            console.print(ended, f"{record.seconds:.1f} s", *record.flaws, highlight=False)
            content = {
                **provenance(),
                "command": ["python", "research/benchmarks/fault_injection.py", *sys.argv[1:]],
                "revision": revision(),
                "arguments": {**asdict(arguments), "json": str(arguments.json)},
                "picks": [asdict(r) for r in records],
            }
            arguments.json.write_text(json.dumps(content, indent=1))
    console.print(table(records))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
