"""The exam after learning: new piles, cleared by what was learned and by what needs no learning."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.evaluation import runner
from grasp_affordance.evaluation.parallel import run_all
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.evaluation.sim_pile import clear_simulated_pile, stacks_of
from grasp_affordance.evaluation.store import piles_done, read_report
from grasp_affordance.evaluation.tables import percent

POLICIES = {
    "learned": "what it has learned",
    "highest": "the highest point",
    "prior": "the analytic seal prior",
    "oracle": "who knows the true scene",
}


@dataclass(frozen=True)
class Exam:
    """Piles that are the same for all.

    Attributes:
        weights: what was learned.
        scene, cell, seed: as in an evaluation; there is a pile of every stack type of the scene.
        objects: at most this many in a pile; 0 for all.
        output: folder of the reports, one per policy.
    """

    weights: Path
    scene: str
    cell: str
    seed: int
    objects: int
    output: Path

    @property
    def piles(self) -> int:
        """Return how many piles each policy clears."""
        return len(stacks_of(self.scene))

    def jobs(self) -> list["ExamJob"]:
        """Return a job per policy."""
        plain = {
            name: RunConfig(name, self.scene, self.cell, objects=self.objects) for name in POLICIES
        }
        learned = replace(plain["learned"], weights=self.weights)
        return [
            ExamJob(each, self.seed, self.piles, self.output / f"{name}.json")
            for name, each in (plain | {"learned": learned}).items()
        ]


@dataclass(frozen=True)
class ExamJob:
    """One policy on all piles."""

    config: RunConfig
    seed: int
    piles: int
    output: Path

    @property
    def name(self) -> str:
        """Return the policy's name."""
        return self.config.policy

    def run(self) -> None:
        """Clear the piles."""
        runner.run(self.config, [self.seed], self.piles, self.output, clear_simulated_pile)


def hold(exam: Exam) -> Iterator[int]:
    """Let all policies clear the piles; yield now and then how many of all piles are done.

    Raises:
        GraspAffordanceError: a policy could not do it.
    """
    jobs = exam.jobs()
    for ended in run_all(jobs, os.cpu_count() or 1, "local"):
        if ended is not None and ended[1]:
            raise GraspAffordanceError(f"the exam of '{ended[0].name}' failed: {ended[1]}")
        yield sum(piles_done(job.output) for job in jobs)


def exam_result(exam: Exam) -> str:
    """Return what became of the piles, by policy; the reports say more."""
    parts = []
    for job in exam.jobs():
        total: dict[str, Any] = read_report(job.output)["total"]
        parts.append(
            f"{POLICIES[job.name]} {percent(total['success_rate'])}"
            f" with {total['placed']} of {total['objects']} objects"
        )
    piles = f"{exam.piles} new pile{'s' if exam.piles > 1 else ''}"
    return f"Exam on {piles}: {'; '.join(parts)}."
