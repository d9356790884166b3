"""Finished runs of experiments whose figures are known beforehand, as files."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from grasp_affordance.evaluation.learning_report import summarise_learning
from grasp_affordance.evaluation.learning_rows import LearningRow
from grasp_affordance.evaluation.learning_run import LearningRunConfig
from grasp_affordance.evaluation.learning_store import SCHEMA, run_identity
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.runner import RunConfig, make_report
from grasp_affordance.evaluation.store import write_json
from research.experiments.arms import experiment, learner_options

PER_PILE = 20
MACHINE = {"processor": "Abacus", "cores": 2}


def row(number: int, success: bool, probability: float = 0.8) -> LearningRow:
    outcome, cause = ("success", "none") if success else ("failure", "leak_edge")
    return LearningRow(
        number=number,
        pile=number // PER_PILE,
        stack="rows",
        u=1,
        v=2,
        probability=probability,
        source="learned",
        outcome=outcome,
        cause="none" if success else "no_seal",
        true_outcome=outcome,
        true_cause=cause,
        rolling_success=0.0,
        exploration=0.0,
        loss=0.1,
        version="w",
        decision_seconds=0.1,
        learning_seconds=0.5,
        wall_seconds=1.5,
    )


def write_run(
    results: Path,
    name: str,
    arm: str,
    seed: int,
    success: Sequence[bool],
    tests: Sequence[str] = (),
    wins: int = 20,
) -> Path:
    """Write a finished run; in its tests, `wins` of 20 attempts of one pile succeeded."""
    each = experiment(name)
    folder = results / name / f"{arm}-seed{seed}"
    rows = [row(number, succeeded) for number, succeeded in enumerate(success)]
    write_table(folder / "attempts.csv", rows)
    config = LearningRunConfig(each.scene, each.arms[arm].cell, len(success), seed)
    write_json(
        folder / "summary.json",
        {
            "schema": SCHEMA,
            "run": run_identity(config, learner_options(each.arms[arm].flags)),
            "figures": summarise_learning(rows),
            "provenance": {"revisions": ["abc"], "machine": MACHINE},
            "flags": each.arms[arm].flags,
            "learned": len(rows),
            "weights": f"digest-{seed}",
        },
    )
    for scene in tests:
        report = pile_report("learned", scene, each.arms[arm].cell, [clearance(seed, 0, wins)])
        report["identity"]["weights"] = f"digest-{seed}"
        write_json(folder / f"{scene}.json", report)
    return folder


def write_table(path: Path, rows: Sequence[LearningRow]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(LearningRow)])
        writer.writeheader()
        writer.writerows(asdict(each) for each in rows)


def pile_report(policy: str, scene: str, cell: str, clearances: list[Clearance]) -> dict:
    config = RunConfig(policy, scene, cell, protocol=ProtocolConfig())
    return make_report(config, clearances, {"abc"})


def clearance(seed: int, index: int, wins: int) -> Clearance:
    counts = dict.fromkeys(
        ("lifted", "sensed_successes", "placed", "successes"),
        wins,
    )
    return Clearance(
        seed=seed,
        index=index,
        stack="rows",
        objects=20,
        left=20 - wins,
        end="failures" if wins < 20 else "cleared",
        attempts=20,
        disagreements=0,
        uncertain=0,
        refusals=0,
        abstentions=0,
        causes={"leak_edge": 20 - wins} if wins < 20 else {},
        sensed_causes={},
        seconds=60.0,
        phase_seconds={},
        decision_seconds=1.0,
        wall_seconds=5.0,
        **counts,
    )
