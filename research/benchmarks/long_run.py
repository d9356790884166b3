"""Ten thousand picks in one system: does it stay as quick and as small as it was at first?

    python research/benchmarks/long_run.py OUTPUT [--picks 10000] [--kill-every 300]

The simulated cell picks, records and learns, each node a process of its own. Every few hundred
picks one of the nodes is killed (SIGKILL) and started again. Each pick appends a line to
`OUTPUT/picks.jsonl`: memory, open files, threads and processor seconds of each node, what is on the
disk, how far the trainer is behind, and now and then how long an answer takes. At the end, or with
`--show`, the curves are drawn and the table `results/long_run.json` is written. Run it again to go
on.
"""

import json
import os
import queue
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import tyro
from grasp_affordance_interfaces.msg import PickResult, TrainerStatus
from grasp_affordance_interfaces.srv import GetSuctionPoints
from matplotlib import pyplot
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from std_msgs.msg import String

from grasp_affordance.attempt import Outcome
from grasp_affordance.evaluation.provenance import machine_text, provenance, revision
from grasp_affordance.execution.continuous import End
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.processes import NodeSpec
from grasp_affordance.ros.demo.demo_stage import Stage, perform
from research.tables import Table, write_table

NODES = ("executor_node", "affordance_node", "trainer_node")
SILENCE = 120.0  # seconds
AHEAD = 60  # attempts that the trainer may be behind before picking waits for it
ASK = 20  # picks between two timed questions
WALK = 100  # picks between two walks through the folder of the log
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Arguments:
    """What is run.

    Attributes:
        output: folder of the log, of what the nodes print and of the measurements.
        picks: all together, those of earlier calls included.
        kill_every: picks after which the next node is killed; 0 never.
        frames: attempts whose frames are kept (`record.retention.attempts_with_frames`).
        scene: of the simulator.
        hardness: of the simulated cell.
        objects: at most this many of a pile's; 0 for all.
        tables: folder of published tables.
        show: only draw and tabulate what has been measured.
    """

    output: Annotated[Path, tyro.conf.Positional]
    picks: int = 10_000
    kill_every: int = 300
    frames: int = 500
    scene: str = "train"
    hardness: str = "realistic"
    objects: int = 0
    tables: Path = Path("results")
    show: bool = False


def specs_of(given: Arguments) -> dict[str, NodeSpec]:
    """Return the three nodes as `sim.launch.py` starts them with `record:=`."""
    log = str((given.output / "log").absolute())
    return {
        "executor_node": NodeSpec(
            "executor_node",
            {
                "cell": "sim",
                "simulation.scene": given.scene,
                "simulation.hardness": given.hardness,
                "simulation.objects": given.objects,
                "record.directory": log,
                "record.retention.attempts_with_frames": given.frames,
            },
        ),
        "affordance_node": NodeSpec("affordance_node", {"cell": "sim"}),
        "trainer_node": NodeSpec("trainer_node", {"cell": "sim", "directory": log}),
    }


def use_of(pid: int) -> dict[str, float]:
    """Return memory in MiB, open files, threads and processor seconds of a process."""
    process = Path("/proc") / str(pid)
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return {
        "mib": int((process / "statm").read_text().split()[1]) * PAGE / 2**20,
        "files": sum(1 for _ in (process / "fd").iterdir()),
        "threads": int(fields[17]),
        "cpu": (int(fields[11]) + int(fields[12])) / TICKS,
    }


def size_of(folder: Path) -> tuple[float, int]:
    """Return MiB and files below a folder; what vanishes meanwhile is not counted."""
    total = files = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_blocks * 512
            except FileNotFoundError:
                continue
            files += 1
    return total / 2**20, files


class LongRun:
    """The system while it runs."""

    def __init__(self, given: Arguments, stage: Stage) -> None:
        self._given, self._stage, self._processes = given, stage, stage.processes
        self._specs = specs_of(given)
        node = stage.node
        self._news: queue.Queue[Any] = queue.Queue()
        self._trainer: TrainerStatus | None = None
        self._lines = given.output / "picks.jsonl"
        self.done = sum(1 for _ in read_lines(self._lines))
        self._read = self._logged = 0  # bytes and lines of the log
        self._restarts = 0
        self._killed = ""
        node.create_subscription(PickResult, "/executor_node/pick_result", self._news.put, 100)
        node.create_subscription(String, "/executor_node/state", self._news.put, topics.LATCHED)
        node.create_subscription(TrainerStatus, "/trainer_node/status", self._hear, topics.LATCHED)

    def _hear(self, status: TrainerStatus) -> None:
        self._trainer = status

    def run(self) -> Iterator[int]:
        """Pick until the number is reached; yields how many there are.

        Raises:
            CallError, ProcessError: a node does not do its part.
        """
        self._stage.wait_active(*NODES)
        self._pick()
        began = time.monotonic()
        while self.done < self._given.picks:
            item = self._stage.next(self._news, NODES[0])
            if isinstance(item, PickResult):
                now = time.monotonic()
                self._note(item, now - began)
                began = now
                yield self.done
                if self._given.kill_every and self.done % self._given.kill_every == 0:
                    self._kill(NODES[(self.done // self._given.kill_every) % len(NODES)])
                    began = time.monotonic()
                elif self._behind() > AHEAD:
                    self._wait_for_trainer()
                    began = time.monotonic()
            elif ":" in item.data:
                self._go_on(End(item.data.partition(":")[0]))
                began = time.monotonic()

    def _go_on(self, end: End) -> None:
        """Begin anew; what is heard late of a run that was stopped or killed says nothing."""
        if end is End.STOPPED:
            return
        if end is not End.FAULT:
            self._stage.trigger("/executor_node/refill")
        self._pick()

    def _pick(self) -> None:
        self._stage.trigger("/executor_node/start")

    def _behind(self) -> int:
        """Return the attempts of the log that the trainer has not looked at."""
        if self._trainer is None:
            return 0
        with (self._given.output / "log" / "attempts.jsonl").open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        self._logged += new.count(b"\n")
        return self._logged - int(self._trainer.consumed)

    def _wait_for_trainer(self) -> None:
        self._stage.trigger("/executor_node/stop")
        deadline = time.monotonic() + SILENCE
        while self._behind() > 1:
            self._processes.check()
            if time.monotonic() > deadline:
                raise CallError("the trainer does not catch up")
            time.sleep(0.1)
        self._pick()

    def _kill(self, name: str) -> None:
        """Kill a node in the midst of work, start it again, and pick on."""
        self._killed = name
        self._restarts += 1
        self._processes.kill(name)
        self._processes.start(self._specs[name])
        self._stage.wait_active(name)
        if name == "affordance_node":  # the executor ends its run when nobody answers
            self._stage.trigger("/executor_node/stop")
        if name == "trainer_node":
            return
        while not self._news.empty():
            self._news.get()
        self._pick()

    def _note(self, result: PickResult, seconds: float) -> None:
        line: dict[str, Any] = {
            "pick": self.done,
            "seconds": round(seconds, 3),
            "outcome": int(result.outcome),
            "truth": result.true_outcome,
            "p": round(float(result.point.probability), 3),
            "behind": self._behind(),
            "restarts": self._restarts,
            "killed": self._killed,
        }
        line |= {name: use_of(self._processes.pid(name)) for name in NODES}
        if self.done % ASK == 0:
            began = time.perf_counter()
            answer = self._stage.client.call(
                GetSuctionPoints,
                "/affordance_node/get_suction_points",
                GetSuctionPoints.Request(count=5),
                SILENCE,
            )
            if not answer.success:
                raise CallError(answer.message)
            line["answer"] = round(time.perf_counter() - began, 4)
        if self.done % WALK == 0:
            line["log_mib"], line["log_files"] = size_of(self._given.output / "log")
        self._killed = ""
        with self._lines.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.done += 1


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the measurements so far."""
    if path.is_file():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def tenths(count: int) -> list[slice]:
    """Return ten parts of a run, in order."""
    edges = np.linspace(0, count, 11).astype(int)
    return [slice(a, b) for a, b in pairwise(edges)]


def processor(lines: list[dict[str, Any]], name: str) -> list[float]:
    """Return the processor seconds of a node for each pick; NaN where it was started anew."""
    used = np.diff([line[name]["cpu"] for line in lines], prepend=np.nan)
    return np.where(used < 0, np.nan, used).tolist()


def table_of(lines: list[dict[str, Any]], command: str, revised: str, machine: str) -> Table:
    """Return what each tenth of a run took, in a row."""
    rows: list[list[str | float | int]] = []
    cpu = {name: np.array(processor(lines, name)) for name in NODES}
    for part in tenths(len(lines)):
        these = lines[part]
        labelled = [x["outcome"] for x in these if x["outcome"] in (1, 2)]
        answers = [x["answer"] for x in these if "answer" in x] or [np.nan]
        logs = [x for x in these if "log_mib" in x]
        rows.append(
            [
                f"{part.start + 1} to {part.stop}",
                f"{100 * np.mean([x == 1 for x in labelled]):.1f} %",
                f"{1e3 * np.median(answers):.0f}, {1e3 * np.quantile(answers, 0.95):.0f}",
                *(f"{np.nanmean(cpu[name][part]):.2f}" for name in NODES),
                *(f"{max(x[name]['mib'] for x in these):.0f}" for name in NODES),
                " ".join(str(max(x[name]["files"] for x in these)) for name in NODES),
                f"{logs[-1]['log_mib']:.0f}" if logs else "",
                sum(1 for x in lines[: part.stop] if x["killed"]),
            ]
        )
    return Table(
        title="Ten parts of a long run",
        command=command,
        seeds="0",
        revision=revised,
        machine=machine,
        columns=[
            "picks",
            "success",
            "answer: median, 95th percentile (ms)",
            *(f"{name.removesuffix('_node')}: processor s per pick" for name in NODES),
            *(f"{name.removesuffix('_node')}: memory at most (MiB)" for name in NODES),
            "open files: executor, affordance, trainer",
            "log (MiB)",
            "nodes killed so far",
        ],
        rows=rows,
    )


def draw(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw memory, time, answers and disk against picks."""
    matplotlib.use("Agg")
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 7), constrained_layout=True)
    picks = np.arange(1, len(lines) + 1)
    for name in NODES:
        label = name.removesuffix("_node")
        axes[0, 0].plot(picks, [x[name]["mib"] for x in lines], label=label, lw=1)
        used = np.array(processor(lines, name))
        width = max(1, len(used) // 50)
        parts = np.array_split(used, max(1, len(used) // width))
        middles = [part.mean() for part in np.array_split(picks, len(parts))]
        axes[0, 1].plot(middles, [np.nanmean(part) for part in parts], label=label)
    for axis, key, title in (
        (axes[1, 0], "answer", "seconds for an answer of get_suction_points"),
        (axes[1, 1], "log_mib", "log on the disk, MiB"),
    ):
        known = [(i + 1, x[key]) for i, x in enumerate(lines) if key in x]
        axis.plot(*zip(*known, strict=True), ".", ms=3)
        axis.set_title(title)
    axes[0, 0].set_title("memory, MiB")
    axes[0, 1].set_title("processor seconds per pick")
    for axis in axes.flat:
        axis.set_ylim(bottom=0)
        axis.set_xlabel("pick")
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def pick_all(given: Arguments, stage: Stage) -> None:
    """Pick until the number is reached, with a bar.

    Raises:
        CallError, ProcessError: a node does not do its part.
    """
    run = LongRun(given, stage)
    columns = TextColumn("picks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=stage.console) as bar:
        task = bar.add_task("", total=given.picks, completed=run.done)
        for done in run.run():
            bar.update(task, completed=done)


def main() -> int:
    """Run, draw and tabulate."""
    given = tyro.cli(Arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    if not given.show:
        nodes = specs_of(given).values()
        if status := perform(given.output, nodes, partial(pick_all, given)):
            return status
    lines = list(read_lines(given.output / "picks.jsonl"))
    draw(lines, given.output / "long_run.png")
    command = f"python research/benchmarks/long_run.py OUTPUT --picks {len(lines)}"
    machine = machine_text(provenance()["machine"])
    table = table_of(lines, command, revision(), machine)
    write_table(given.tables / "long_run.json", table)
    successes = sum(line["outcome"] == 1 for line in lines)
    print(f"{len(lines)} picks, {successes} {Outcome.SUCCESS}; {given.output / 'long_run.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
